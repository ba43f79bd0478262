internal import ReplicationEngine
internal import ReplicationModel

/// Rows of one table that a unique index refuses for the moment.
///
/// Inside a source transaction two rows may hold one unique value for a while: the source checks a
/// deferrable constraint at the statement's end or at the commit, SQLite checks every row at once
/// (P11). Such a row is taken out of the table and kept in a temporary table that has no secondary
/// unique index; the transaction's later changes find it there. When the source transaction ends,
/// the rows go back, and the index judges them: a real conflict still fails.
///
///     table {1: a, 2: b}
///     UPDATE 1 -> b   refused: row 1 is parked as b    table {2: b}        parked {1: b}
///     UPDATE 2 -> a   not parked: changed in place     table {2: a}        parked {1: b}
///     end             parked rows go back              table {1: b, 2: a}  parked {}
///
/// The temporary table is a file when it grows (I6), takes part in the transaction, and survives
/// from one `apply` to the next, so that a large transaction may come in parts. The key is never
/// parked away: a replica identity is immediate at the source, so a refused key is a real conflict.
final class ParkedRows {
    let statements: RowStatements
    private let session: SQLiteSession
    private let table: TargetTable
    private let place: String
    private(set) var count: Int64 = 0

    /// Makes the temporary table; inside the transaction, which takes it away if it is rolled back.
    init(_ table: TargetTable, number: Int, on session: SQLiteSession) throws {
        self.table = table
        self.session = session
        place = "temp.martlet_parked_\(number)"
        // No types: values are kept as they are.
        let columns = table.allColumns.map(\.quotedIdentifier)
        let key = table.route.keyColumns.map(\.name.quotedIdentifier).joined(separator: ", ")
        let primaryKey = key.isEmpty ? [] : ["PRIMARY KEY (\(key))"]
        try session.run(
            "CREATE TEMP TABLE IF NOT EXISTS martlet_parked_\(number) "
                + "(\((columns + primaryKey).joined(separator: ", ")))")
        statements = RowStatements(table, in: place, on: session)
    }

    /// Inserts the after-image here.
    func insert(_ row: RowChange) throws {
        let insert = try statements.insert()
        try statements.bindNew(row, to: insert)
        count += try insert.change()
    }

    /// Moves the row that the change names from the table to here; false if there is none.
    func take(_ row: RowChange, from home: RowStatements) throws -> Bool {
        let copy = try home.copy(to: place)
        try home.bindLocation(row, to: copy)
        let copied = try copy.change()
        guard copied == 1 else { return false }
        let delete = try home.delete()
        try home.bindLocation(row, to: delete)
        guard try delete.change() == copied else { return false }
        count += copied
        return true
    }

    /// Updates the row here; false if it is not here.
    func update(_ columns: [Int], _ row: RowChange) throws -> Bool {
        guard count > 0 else { return false }
        let update = try statements.update(columns)
        try statements.bindSet(columns, row, to: update)
        try statements.bindLocation(row, to: update)
        return try update.change() > 0
    }

    /// Deletes the row here; false if it is not here.
    func delete(_ row: RowChange, newKey: Bool = false) throws -> Bool {
        guard count > 0 else { return false }
        let delete = try statements.delete()
        try statements.bindLocation(row, newKey: newKey, to: delete)
        let deleted = try delete.change()
        count -= deleted
        return deleted > 0
    }

    /// Whether a row with the change's new key is here.
    func holdsNewKey(_ row: RowChange) throws -> Bool {
        guard count > 0, !table.route.isKeyless else { return false }
        return try statements.holdsNewKey(row)
    }

    func removeAll() throws {
        guard count > 0 else { return }
        try session.execute("DELETE FROM \(place)")
        count = 0
    }

    /// Puts every row back into its table; now the unique indexes judge them.
    func putBack(into home: RowStatements) throws {
        guard count > 0 else { return }
        let list = table.allColumns.map(\.quotedIdentifier).joined(separator: ", ")
        let moved = try session.execute(
            "INSERT INTO \(home.place) (\(list)) SELECT \(list) FROM \(place)")
        guard moved == count else {
            throw ReplicationError(
                .internalFault, "put parked rows back", table: table.route.target,
                why: "\(moved) of \(count) rows were stored")
        }
        try removeAll()
    }
}

extension RowStatements {
    /// Whether there is a row with the change's new key.
    func holdsNewKey(_ row: RowChange) throws -> Bool {
        let find = try find()
        defer { find.reset() }
        try bindLocation(row, newKey: true, to: find)
        return try find.step()
    }
}
