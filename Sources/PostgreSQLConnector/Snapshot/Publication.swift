internal import ReplicationEngine
internal import ReplicationModel

/// A publication as the catalogue has it.
struct Publication {
    var owner: String
    var isOwnedByUs: Bool
    var isForAllTables: Bool
    var isViaRoot: Bool
    var publishesEverything: Bool
    var tables: [TableName]
    /// Tables published with a row filter or a column list.
    var narrowed: [TableName]
    var hasSchemas: Bool

    static func load(_ connection: PGConnection, _ name: String) throws -> Publication? {
        // Row filters, column lists and schemas came with 15.
        let isNew = connection.serverVersion >= 150000
        let hasSchemas =
            isNew
            ? "EXISTS (SELECT FROM pg_publication_namespace s WHERE s.pnpubid = p.oid)" : "false"
        let result = try connection.query(
            """
            SELECT r.rolname, pg_has_role(p.pubowner, 'USAGE'), p.puballtables, p.pubviaroot,
              p.pubinsert AND p.pubupdate AND p.pubdelete AND p.pubtruncate, \
            \(hasSchemas)
            FROM pg_publication p JOIN pg_roles r ON r.oid = p.pubowner WHERE p.pubname = $1
            """, [name])
        guard result.rowCount == 1 else { return nil }
        let members = try connection.query(
            """
            SELECT n.nspname, c.relname, \
            \(isNew ? "m.prqual IS NOT NULL OR m.prattrs IS NOT NULL" : "false")
            FROM pg_publication p JOIN pg_publication_rel m ON m.prpubid = p.oid
            JOIN pg_class c ON c.oid = m.prrelid JOIN pg_namespace n ON n.oid = c.relnamespace
            WHERE p.pubname = $1
            """, [name])
        let tables = (0..<members.rowCount).compactMap { row in
            members.name(row, 0, 1).map { (name: $0, isNarrowed: members.boolean(row, 2)) }
        }
        return Publication(
            owner: result.string(0, 0), isOwnedByUs: result.boolean(0, 1),
            isForAllTables: result.boolean(0, 2), isViaRoot: result.boolean(0, 3),
            publishesEverything: result.boolean(0, 4), tables: tables.map(\.name).sorted(),
            narrowed: tables.filter(\.isNarrowed).map(\.name).sorted(),
            hasSchemas: result.boolean(0, 5))
    }

    /// What brings the publication to exactly these tables; empty if it is there already.
    static func statements(
        _ name: String, _ tables: [TableName], existing: Publication?
    ) throws -> [String] {
        let quoted = name.quotedIdentifier
        guard let existing else {
            let list = tables.isEmpty ? "" : " FOR TABLE " + members(tables)
            return [
                "CREATE PUBLICATION \(quoted)\(list) WITH (publish_via_partition_root = true)",
                "COMMENT ON PUBLICATION \(quoted) IS \(mark.quotedLiteral)",
            ]
        }
        guard !existing.isForAllTables, !existing.hasSchemas else {
            throw ReplicationError(
                .preflight, "use the publication \(quoted)",
                why: "it is for all tables or whole schemas; Martlet publishes exactly its tables",
                try: "DROP PUBLICATION \(quoted), or name it in `publication` of the pipeline file")
        }
        var statements: [String] = []
        if existing.tables != tables.sorted() || !existing.narrowed.isEmpty {
            statements.append("ALTER PUBLICATION \(quoted) SET TABLE \(members(tables))")
        }
        if !existing.isViaRoot || !existing.publishesEverything {
            statements.append(
                "ALTER PUBLICATION \(quoted) SET (publish = 'insert, update, delete, truncate', "
                    + "publish_via_partition_root = true)")
        }
        return statements
    }

    /// Written on a publication of ours when it is made, which is before its slot (P33).
    static let mark = "made by Martlet before its slot"

    /// Without ONLY the children that inherit from a table would be published too (P41).
    private static func members(_ tables: [TableName]) -> String {
        tables.sorted().map { "ONLY " + $0.quoted }.joined(separator: ", ")
    }
}
