internal import ReplicationEngine
internal import ReplicationModel

/// Names of relations, which must differ within a schema: tables of two source schemas may meet in
/// one target schema, with indexes of the same name.
struct TargetNames {
    /// What the server keeps of a name, in bytes.
    static let limit = 63

    private var taken: Set<TableName> = []

    init(_ catalog: TargetCatalog, _ routes: [TableRoute]) throws {
        let schemas = Set(routes.map(\.target.schema)).sorted()
        let rows = try catalog.connection.query(
            """
            SELECT n.nspname, c.relname FROM pg_catalog.pg_class c \
            JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
            WHERE n.nspname = ANY ($1::text[])
            """, [PGArray.literal(schemas)])
        for row in 0..<rows.rowCount {
            taken.insert(TableName(schema: rows.text(row, 0) ?? "", name: rows.text(row, 1) ?? ""))
        }
        taken.formUnion(routes.map(\.target))
    }

    /// The name, or another one if it is too long or something else in the table's schema has it.
    mutating func take(_ name: String, for table: TableName) -> String {
        let free = [name, Self.alternative(name, for: table)].first {
            $0.utf8.count <= Self.limit
                && !taken.contains(TableName(schema: table.schema, name: $0))
        }
        let chosen = free ?? name
        taken.insert(TableName(schema: table.schema, name: chosen))
        return chosen
    }

    /// Cut to the 63 bytes the server keeps; the hash keeps cut names apart and is the same on
    /// every run, so that the plan finds again what it made.
    static func alternative(_ name: String, for table: TableName) -> String {
        var hash: UInt32 = 2_166_136_261
        for byte in "\(table.name)/\(name)".utf8 { hash = (hash ^ UInt32(byte)) &* 16_777_619 }
        var stem = name
        while stem.utf8.count > 54 { stem.removeLast() }
        return stem + "_" + String(hash, radix: 16)
    }
}
