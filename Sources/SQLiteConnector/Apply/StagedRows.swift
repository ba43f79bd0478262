internal import ReplicationEngine
internal import ReplicationModel

/// Rows of one table that are not in it yet: a temporary table of the session with the route's key
/// and no other (DESIGN 6.11). Writing to it needs no lock of the file.
struct StagedRows {
    let place: String
    private let table: TargetTable
    private let session: SQLiteSession

    init(_ table: TargetTable, number: Int, on session: SQLiteSession) throws {
        self.table = table
        self.session = session
        place = "temp.martlet_staging_\(number)"
        // No types: values are kept as they are.
        let columns = table.route.columns.map(\.name.quotedIdentifier)
        let key = table.route.keyColumns.map(\.name.quotedIdentifier).joined(separator: ", ")
        let primaryKey = key.isEmpty ? [] : ["PRIMARY KEY (\(key))"]
        try session.run(
            "CREATE TEMP TABLE IF NOT EXISTS martlet_staging_\(number) "
                + "(\((columns + primaryKey).joined(separator: ", ")))")
    }

    func empty() throws { try session.run("DELETE FROM \(place)") }

    /// Moves every row to its table; now the unique indexes judge them.
    func move() throws {
        let list = table.route.columns.map(\.name.quotedIdentifier).joined(separator: ", ")
        try session.execute(
            "INSERT INTO \(table.route.target.inFile) (\(list)) SELECT \(list) FROM \(place)")
    }
}
