package import ReplicationModel

/// Which kind of value each column of a logged table holds, and which columns are its key.
///
/// The log names types by id only, so the catalogue is asked; once more when an id turns up that it
/// did not know, because a table may have changed since.
package struct EventDirectory {
    private var schemas: [UInt32: TableSchema]
    private var kinds: [UInt32: ValueKind] = Self.builtIn
    private var known: [LoggedTable] = []
    private var tables: [EventTable] = []
    private let describe: (TableName) throws -> TableSchema?

    /// - Parameter describe: asks the catalogue for a table; nil if it is gone.
    package init(_ schemas: [TableSchema], describe: @escaping (TableName) throws -> TableSchema?) {
        self.schemas = [:]
        self.describe = describe
        for schema in schemas { learn(schema) }
    }

    mutating func table(_ logged: LoggedTable) throws -> EventTable {
        if let index = known.firstIndex(of: logged) { return tables[index] }
        let isKnown = logged.columns.allSatisfy { kind(of: $0, in: logged) != nil }
        if !isKnown || schemas[logged.id] == nil, let schema = try describe(logged.name) {
            learn(schema)
        }
        let table = EventTable(
            name: logged.name,
            columns: logged.columns.map { ($0.name, kind(of: $0, in: logged) ?? .other) },
            key: key(of: logged))
        // Each change of a table adds one; a log that changes one for ever must not fill memory.
        if known.count >= 10_000 { (known, tables) = ([], []) }
        known.append(logged)
        tables.append(table)
        return table
    }

    /// The column's own in the catalogue comes first: MySQL has one id for texts and bytes.
    private func kind(of column: LoggedTable.Column, in table: LoggedTable) -> ValueKind? {
        let described = schemas[table.id]?.columns.first {
            $0.name == column.name && $0.type.id == column.typeID
        }
        return described?.type.kind ?? kinds[column.typeID]
    }

    private mutating func learn(_ schema: TableSchema) {
        schemas[schema.id] = schema
        for column in schema.columns { kinds[column.type.id] = column.type.kind }
    }

    /// Under FULL the log marks every column, so that the catalogue's key is taken (P10).
    private func key(of logged: LoggedTable) -> [Int] {
        let names = logged.columns.map(\.name)
        if let chunkKey = schemas[logged.id]?.chunkKey, !chunkKey.isEmpty {
            let indices = chunkKey.compactMap { names.firstIndex(of: $0) }
            if indices.count == chunkKey.count { return indices }
        }
        return logged.columns.indices.filter { logged.columns[$0].isIdentity }
    }

    /// Source: `src/include/catalog/pg_type.dat`; these ids never change.
    private static let builtIn: [UInt32: ValueKind] = [
        16: .boolean, 17: .bytes, 20: .int64, 21: .int16, 23: .int32, 25: .text, 26: .oid,
        700: .float32, 701: .float64, 1700: .numeric,
    ]
}
