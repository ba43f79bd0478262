internal import ReplicationModel

/// Rows that a table had before its load (`existing: merge`). They are set aside in Martlet's
/// database, so that the load meets an empty table; when the target is consistent, those whose key
/// the source has not are put back.
///
/// Why not left where they are: they are of another moment than the source's rows. A unique value
/// that has moved since from one row to another would refuse the source's row, and which of the two
/// is to give way is known only when every row of the source is there.
///
///     make kept   commits by itself   a crash leaves an empty one: made anew
///     rows        one transaction     into kept, out of the table
///     put back    one transaction     a crash leaves kept: what is put back is not put back twice
///     drop kept   commits by itself
struct TargetKeptRows {
    let connection: MySQLConnection
    let place: StatePlace

    /// The hash keeps tables of one name in several databases apart.
    static func name(for table: TableName) -> String {
        "kept_\(StableHash([table.schema, table.name]))_\(table.name.prefix(42))"
    }

    private func kept(_ table: TableName) -> String { place.table(Self.name(for: table)) }

    private func hasKept(_ table: TableName) throws -> Bool {
        let kept = TableName(schema: place.database, name: Self.name(for: table))
        return try TargetCatalog(connection: connection).table(kept) != nil
    }

    private static func columns(_ table: TargetTable) -> String {
        TargetSchemaPlan.list(table.columns.filter { !$0.isGenerated }.map(\.name))
    }

    /// Foreign keys neither refuse nor cascade: what is deleted comes back, or is the source's.
    func setAside(_ table: TargetTable, _ fence: MySQLFence) throws {
        let (kept, columns) = (kept(table.name), Self.columns(table))
        let name = SQLText.name(table.name)
        try connection.inTransaction { try fence.check(connection) }
        try makeEmpty(kept, like: table.name)
        try connection.run("SET SESSION foreign_key_checks = 0")
        // With gap locks: no row may come in between the two statements.
        try connection.run("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        try connection.inTransaction(fencedBy: fence) {
            let taken = try connection.run(
                "INSERT INTO \(kept) (\(columns)) SELECT \(columns) FROM \(name) "
                    + "FOR UPDATE")
            let deleted = try connection.run("DELETE FROM \(name)")
            guard taken.affectedRows == deleted.affectedRows, taken.warnings == 0 else {
                throw ReplicationError(
                    .rowConflict, "set rows aside", table: table.name,
                    why: "\(deleted.affectedRows) rows are there and \(taken.affectedRows) were "
                        + "copied to \(kept)", try: "stop who writes to the table, then run again")
            }
        }
    }

    /// Dropping comes first, also where nothing is to be dropped: a role that may not do it would
    /// find out at the end of the load.
    private func makeEmpty(_ kept: String, like table: TableName) throws {
        if try hasKept(table), try connection.query("SELECT 1 FROM \(kept) LIMIT 1").rowCount > 0 {
            throw ReplicationError(
                .rowConflict, "set rows aside", table: table,
                why: "\(kept) holds rows of an earlier start, and the table has rows again",
                try: "move the rows of one of the two to the other, then run again")
        }
        try connection.run("DROP TABLE IF EXISTS \(kept)")
        try connection.run("CREATE TABLE \(kept) LIKE \(SQLText.name(table))")
    }

    /// What puts the rows back: statements for one transaction, and what removes their place.
    struct Return {
        var rows: [String]
        var removal: String
    }

    /// nil if no rows are set aside. Only the key may be taken: any other unique value that two
    /// rows have is a conflict.
    func putBack(_ table: TargetTable, key: [String]) throws -> Return? {
        guard !key.isEmpty, try hasKept(table.name) else { return nil }
        let (kept, columns) = (kept(table.name), Self.columns(table))
        let name = SQLText.name(table.name)
        let terms = key.map { "t.\(SQLText.name($0)) = k.\(SQLText.name($0))" }
        return Return(
            rows: [
                "SET SESSION foreign_key_checks = 0",
                "INSERT INTO \(name) (\(columns)) SELECT \(columns) FROM \(kept) k "
                    + "WHERE NOT EXISTS (SELECT 1 FROM \(name) t "
                    + "WHERE \(terms.joined(separator: " AND ")))",
                "SET SESSION foreign_key_checks = 1",
            ], removal: "DROP TABLE \(kept)")
    }

    /// At once, in the caller's transaction; what is left to run after it.
    func putBackNow(_ table: TargetTable, key: [String]) throws -> String? {
        guard let back = try putBack(table, key: key) else { return nil }
        for statement in back.rows { try connection.run(statement) }
        try connection.run("DELETE FROM \(kept(table.name))")
        return back.removal
    }
}
