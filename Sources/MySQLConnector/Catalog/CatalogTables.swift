internal import ReplicationModel

/// Tables as `information_schema` has them.
///
/// The schemas are those of the URL: the one it names, or all that are not the server's own.
struct CatalogTables {
    let connection: MySQLConnection
    /// nil: every schema.
    let database: String?

    private static let serversOwn = ["mysql", "information_schema", "performance_schema", "sys"]
    /// Holds Martlet's own tables at a target.
    private static let ours = "martlet"

    /// Ordinary tables; partitions are no tables of their own here. Sorted.
    func list() throws -> [TableName] {
        let schemas = (Self.serversOwn + [Self.ours]).map(SQLText.literal).joined(separator: ", ")
        let wanted = database.map { " AND table_schema = \(SQLText.literal($0))" } ?? ""
        // A system-versioned table is listed to be refused by name (B42); a sequence is no table.
        let rows = try connection.query(
            """
            SELECT table_schema, table_name FROM information_schema.tables
            WHERE table_type IN ('BASE TABLE', 'SYSTEM VERSIONED')
            AND table_schema NOT IN (\(schemas))\(wanted)
            """)
        return rows.rows.compactMap { row in
            guard row.count == 2, let schema = row[0], let name = row[1] else { return nil }
            return TableName(schema: schema, name: name)
        }.sorted()
    }

    /// In the same order; a table that is gone is an error.
    func describe(_ tables: [TableName]) throws -> [TableSchema] {
        guard !tables.isEmpty else { return [] }
        let facts = try TableFacts(connection, tables)
        return try tables.map { name in
            guard let schema = try facts.schema(of: name) else {
                throw ReplicationError(
                    .unseenSchemaChange, "describe a table", table: name,
                    why: "it is not there, or this user may not see it",
                    try: "martlet check PIPELINE --print-grants")
            }
            return schema
        }
    }

    /// Tables that are gone are left out.
    func fingerprints(of ids: [UInt32]) throws -> [UInt32: String] {
        let wanted = Set(ids)
        let tables = try list().filter { wanted.contains(TableID.of($0)) }
        guard !tables.isEmpty else { return [:] }
        let facts = try TableFacts(connection, tables)
        return Dictionary(
            tables.compactMap { name in
                facts.fingerprint(of: name).map { (TableID.of(name), $0) }
            },
            uniquingKeysWith: { first, _ in first })
    }
}

/// MySQL has no number for a table that lasts: the CRC-32 of its name stands for it.
enum TableID {
    static func of(_ table: TableName) -> UInt32 {
        var crc = UInt32.max
        for byte in "\(table.schema).\(table.name)".utf8 {
            crc ^= UInt32(byte)
            for _ in 0..<8 { crc = crc >> 1 ^ (crc & 1 == 1 ? 0xEDB8_8320 : 0) }
        }
        return ~crc
    }
}
