import ReplicationEngine
import ReplicationModel

/// The table as the target sees it: made of outputs, with the transform's key.
enum DerivedRoute {
    static func route(
        _ definition: TransformDefinition, _ source: TableRoute, _ outputs: [Transform.Output],
        key: [Int]
    ) -> TableRoute {
        var columns = outputs.map(\.column)
        // A TRUNCATE is logged without a row.
        if definition.mode == .append {
            for index in columns.indices { columns[index].isNullable = true }
        }
        for index in key { columns[index].isNullable = false }
        var schema = TableSchema(
            id: source.source.id, name: source.source.name, columns: columns,
            replicaIdentity: key.isEmpty ? .full : .primaryKey)
        schema.dialect = source.source.dialect
        schema.estimatedRows = source.source.estimatedRows
        schema.estimatedBytes = source.source.estimatedBytes
        schema.fingerprint = source.source.fingerprint
        if !key.isEmpty {
            schema.primaryKey = primaryKey(definition.target, key.map { columns[$0].name }, schema)
        }
        return TableRoute(source: schema, target: definition.target, columns: columns, key: key)
    }

    private static func primaryKey(
        _ target: TableName, _ names: [String], _ schema: TableSchema
    ) -> Index {
        let isMySQL = schema.dialect.isMySQLFamily
        let list = names.map {
            isMySQL ? "`" + $0.replacing("`", with: "``") + "`" : $0.quotedIdentifier
        }.joined(separator: ", ")
        return Index(
            name: isMySQL ? "PRIMARY" : target.name + "_pkey", columns: names, isUnique: true,
            isConstraint: true, definition: "PRIMARY KEY (\(list))")
    }
}
