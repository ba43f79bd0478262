internal import ReplicationModel

/// Everything that the catalogue says of some tables, read in a few queries and put together here:
/// joins of `information_schema`'s views are slow, and differ between the servers.
struct TableFacts {
    private let connection: MySQLConnection
    private let tables: [TableName: [String?]]
    private let columns: [TableName: [[String?]]]
    private let statistics: [TableName: [[String?]]]

    init(_ connection: MySQLConnection, _ names: [TableName]) throws {
        self.connection = connection
        let pairs = names.map { "(\(SQLText.literal($0.schema)), \(SQLText.literal($0.name)))" }
        let list = pairs.joined(separator: ", ")
        /// Rows whose first two columns are schema and table, without these two.
        func read(_ sql: String) throws -> [TableName: [[String?]]] {
            var found: [TableName: [[String?]]] = [:]
            for row in try connection.query(sql).rows {
                guard let schema = row[0], let name = row[1] else { continue }
                found[TableName(schema: schema, name: name), default: []]
                    .append(Array(row.dropFirst(2)))
            }
            return found
        }
        let place = "(table_schema, table_name) IN (\(list))"
        tables = try read(
            """
            SELECT table_schema, table_name, engine, table_rows, data_length, create_options,
            table_type FROM information_schema.tables WHERE \(place)
            """
        ).compactMapValues(\.first)
        columns = try read(ColumnFacts.query(where: place))
        // Expressions of key parts are MySQL's; MariaDB has no such column.
        let expression = connection.flavour == .mysql ? "expression" : "NULL"
        statistics = try read(
            """
            SELECT table_schema, table_name, index_name, non_unique, column_name, sub_part,
            collation, index_type, \(expression) FROM information_schema.statistics
            WHERE \(place) ORDER BY table_schema, table_name, index_name, seq_in_index
            """)
    }

    /// nil if there is no such table, or this user may not see it.
    func schema(of name: TableName) throws -> TableSchema? {
        guard let table = tables[name], let columns = columns[name],
            let fingerprint = fingerprint(of: name),
            let definition = try TableDefinition(connection, name)
        else { return nil }
        let flavour = connection.flavour
        let facts = columns.map { ColumnFacts($0, flavour, checks: definition.checks) }
        let keys = IndexFacts.indexes(statistics[name] ?? [])
        let primary = keys.first { $0.name == IndexFacts.primary }
        var schema = TableSchema(
            id: TableID.of(name), name: name, columns: facts.map(\.column),
            replicaIdentity: .full, primaryKey: primary)
        // A computed value may not travel, and then is no part of a key.
        let computed = Set(schema.columns.filter { $0.generated != nil }.map(\.name))
        if let primary, primary.isPlain, computed.isDisjoint(with: primary.columns) {
            schema.replicaIdentity = .primaryKey
        }
        schema.dialect = flavour == .mysql ? .mysql : .mariadb
        schema.isPartitioned = table[3]?.contains("partitioned") ?? false
        schema.indexes = keys.filter { $0.name != IndexFacts.primary }
        schema.foreignKeys = definition.foreignKeys
        schema.checks = definition.checks
        schema.estimatedRows = table[1].flatMap { Int64($0) } ?? 0
        schema.estimatedBytes = table[2].flatMap { Int64($0) } ?? 0
        schema.fingerprint = fingerprint
        return schema
    }

    /// Over what decides how rows are read or decoded. Estimates change by themselves and are not
    /// in it. nil as for `schema`.
    func fingerprint(of name: TableName) -> String? {
        guard let table = tables[name], let columns = columns[name], !columns.isEmpty else {
            return nil
        }
        // Other indexes may come and go.
        let keys = (statistics[name] ?? []).filter { $0[1] == "0" }.flatMap { $0 }
        return StableHash([table[0], table[4]] + columns.flatMap { $0 } + keys).description
    }
}
