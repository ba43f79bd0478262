internal import ReplicationEngine
internal import ReplicationModel

/// Applies changes to the rows of one table, one after the other, strictly (I5).
final class TableWriter {
    let home: RowStatements
    let table: TargetTable
    let session: SQLiteSession
    private let number: Int
    private(set) var parked: ParkedRows?

    /// The staging table, if rows and changes go there.
    let staging: StagedRows?

    init(
        _ route: TableRoute, number: Int, isStaged: Bool, on session: SQLiteSession
    ) throws {
        table = try TargetTable(route, on: session)
        staging = isStaged ? try StagedRows(table, number: number, on: session) : nil
        home = RowStatements(table, in: staging?.place ?? route.target.inFile, on: session)
        self.session = session
        self.number = number
    }

    /// The images must lie inside the batch, with what the operation needs.
    func checkShape(_ row: RowChange) throws {
        let (change, width) = (row.change, home.columnCount)
        let ends = [change.oldRow, change.newRow].filter { $0 >= 0 }.map { Int($0) + width }
        let fits =
            switch change.operation {
            case .truncate: true
            case .delete: row.hasOld
            case .insert: row.hasNew
            case .update: row.hasNew && (row.hasOld || !table.route.isKeyless)
            }
        let isWhole = !table.route.isKeyless || !row.hasOld || change.oldIsWhole
        guard fits, isWhole, ends.allSatisfy({ $0 <= row.values.count }) else {
            throw ReplicationError(
                .protocolViolation, "read a change", position: row.position,
                table: table.route.target, why: "the log sent no image that names the row",
                try: "ALTER TABLE \(table.route.source.name.quoted) REPLICA IDENTITY FULL")
        }
    }

    func insert(_ row: RowChange) throws {
        if let parked, try parked.holdsNewKey(row) { throw keyConflict(row, "apply INSERT") }
        let insert = try home.insert()
        try home.bindNew(row, to: insert)
        do { try expectOne(try insert.change(), row, "apply INSERT") } catch let error
            as SQLiteError where mayPass(error)
        {
            if try isTaken(row) { throw error }
            try parking().insert(row)
        }
    }

    /// `isSure` false: the row may be missing.
    func update(_ row: RowChange, isSure: Bool = true) throws {
        let movesKey = !table.route.isKeyless && row.changesKey(table.route.key)
        let candidates =
            movesKey || table.route.isKeyless
            ? Array(0..<home.columnCount) : home.restColumns
        let columns =
            hasUnchanged(row, candidates)
            ? candidates.filter { !row.new($0).isUnchanged } : candidates
        if let parked {
            if movesKey, try parked.holdsNewKey(row) { throw keyConflict(row, "apply UPDATE") }
            if movesKey, try parked.holdsOldKey(row), try home.holdsNewKey(row) {
                throw keyConflict(row, "apply UPDATE")
            }
            if try parked.update(columns, row) { return }
        }
        let update = try home.update(columns)
        try home.bindSet(columns, row, to: update)
        try home.bindLocation(row, to: update)
        do {
            let count = try update.change()
            if isSure || count > 0 { try expectOne(count, row, "apply UPDATE") }
        } catch let error as SQLiteError where mayPass(error) {
            if movesKey, try isTaken(row) { throw error }
            try park(row, columns)
        }
    }

    func delete(_ row: RowChange) throws {
        if let parked, try parked.delete(row) { return }
        let delete = try home.delete()
        try home.bindLocation(row, to: delete)
        try expectOne(try delete.change(), row, "apply DELETE")
    }

    /// Deletes the rows of these keys of the change, if they are there. Never in a table without a
    /// key.
    func clear(_ sides: ChangeSides, _ row: RowChange) throws {
        for newKey in [false, true] where sides.contains(newKey ? .new : .old) {
            if let parked, try parked.delete(row, newKey: newKey) { continue }
            let delete = try home.delete()
            try home.bindLocation(row, newKey: newKey, to: delete)
            let count = try delete.change()
            if count > 0 { try expectOne(count, row, "apply \(row.change.operation)") }
        }
    }

    func removeAll() throws {
        try parked?.removeAll()
        try session.execute("DELETE FROM \(home.place)\(table.route.share.clause)")
    }

    /// The source transaction has ended: its unique keys hold.
    func endTransaction() throws { try parked?.putBack(into: home) }

    var hasParked: Bool { (parked?.count ?? 0) > 0 }

    /// The transaction was rolled back, and the temporary table with it.
    func forgetParked() { parked = nil }
}

// MARK: Conflicts that may pass

extension TableWriter {
    /// Whether the source may have held both rows until its commit. A refused key never passes; in
    /// a table without one, every unique index is secondary.
    private func mayPass(_ error: SQLiteError) -> Bool {
        error.isUniqueConflict || (table.route.isKeyless && error.isKeyConflict)
    }

    /// Whether it is the key that is taken: where the table was there already, its key may be an
    /// index like any other.
    private func isTaken(_ row: RowChange) throws -> Bool {
        try !table.route.isKeyless && home.holdsNewKey(row)
    }

    private func parking() throws -> ParkedRows {
        if let parked { return parked }
        let made = try ParkedRows(table, number: number, on: session)
        parked = made
        return made
    }

    private func park(_ row: RowChange, _ columns: [Int]) throws {
        let parking = try parking()
        guard try parking.take(row, from: home), try parking.update(columns, row) else {
            throw rowCountError(0, row, "apply UPDATE")
        }
    }

    private func hasUnchanged(_ row: RowChange, _ columns: [Int]) -> Bool {
        for column in columns where row.new(column).isUnchanged { return true }
        return false
    }

    private func keyConflict(_ row: RowChange, _ what: String) -> ReplicationError {
        ReplicationError(
            .rowConflict, what, position: row.position, table: table.route.target,
            why: "a row with this key is there already", try: reload)
    }

    private func expectOne(_ count: Int64, _ row: RowChange, _ what: String) throws {
        if count != 1, !Failpoint.isTakenAway(.noRowCountCheck) {
            throw rowCountError(count, row, what)
        }
    }

    private func rowCountError(
        _ count: Int64, _ row: RowChange, _ what: String
    ) -> ReplicationError {
        ReplicationError(
            count == 0 ? .rowMissing : .rowConflict, what, position: row.position,
            table: table.route.target,
            why: count == 0
                ? "the row is not at the target" : "the change hit \(count) rows instead of one",
            try: reload)
    }

    private var reload: String {
        "find out who else writes to \(table.route.target); then martlet reload PIPELINE --table "
            + table.route.source.name.description
    }
}

extension ParkedRows {
    /// Whether the row that the change names is here.
    func holdsOldKey(_ row: RowChange) throws -> Bool {
        guard count > 0 else { return false }
        let find = try statements.find()
        defer { find.reset() }
        try statements.bindLocation(row, to: find)
        return try find.step()
    }
}
