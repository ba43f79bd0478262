internal import ReplicationEngine
internal import ReplicationModel

/// A route together with its table as the target has it.
struct TargetTable {
    let route: TableRoute
    /// By column of the route.
    let storages: [Storage]
    /// By column of the route: part of the key. A NULL there would become a row id of SQLite's own.
    let isKey: [Bool]
    /// Every column that a row of the table is made of, also those no value travels for.
    let allColumns: [String]
    /// How single rows of a table without key are named.
    let rowIDName: String

    init(_ route: TableRoute, on session: SQLiteSession) throws {
        guard let stored = try session.storedTable(route.target.name), stored.isTable else {
            throw Self.unfit(route, nil, "\(session.path) has no table \(route.target.name)")
        }
        guard !route.columns.isEmpty else {
            throw Self.unfit(route, nil, "a table without columns cannot be kept in SQLite")
        }
        var storages: [Storage] = []
        for column in route.columns {
            guard let found = stored.column(column.name), !found.isGenerated,
                let storage = Storage(column.type.kind).stored(
                    in: found.declaration, isStrict: stored.isStrict)
            else { throw Self.unfit(route, column.name, "the target's column does not fit") }
            storages.append(storage)
        }
        guard let rowIDName = route.isKeyless ? stored.rowIDName : "rowid" else {
            throw Self.unfit(route, nil, "a table without key needs a row id at the target")
        }
        self.route = route
        self.storages = storages
        self.rowIDName = rowIDName
        isKey = route.columns.indices.map { route.key.contains($0) }
        allColumns = stored.columns.filter { !$0.isGenerated }.map(\.name)
    }

    private static func unfit(
        _ route: TableRoute, _ column: String?, _ why: String
    ) -> ReplicationError {
        ReplicationError(
            .unfitSchema, "open the table for writing", table: route.target, column: column,
            why: why, try: "martlet plan shows what is wanted; then martlet reload")
    }
}

/// The prepared statements for the rows of one place: the table itself, the place where its rows
/// are parked (`ParkedRows`), or where they are staged (`StagedRows`).
///
/// Parameters: `?1 ... ?n` are the new values by column of the route; behind them come the values
/// that name the row: the key's columns, or every column where there is no key.
final class RowStatements {
    let table: TargetTable
    let place: String
    private let session: SQLiteSession
    private var insertMade: SQLiteStatement?
    private var deleteMade: SQLiteStatement?
    private var byColumns: [[Int]: SQLiteStatement] = [:]
    /// Different sets of unchanged columns that are kept prepared.
    private static let keptUpdates = 64

    private(set) lazy var columnCount = table.route.columns.count
    private lazy var names = table.route.columns.map { $0.name.quotedIdentifier }
    /// The columns whose old values name the row, in the order of their parameters.
    private(set) lazy var locating = table.route.isKeyless ? Array(names.indices) : table.route.key
    private(set) lazy var restColumns = names.indices.filter { !table.route.key.contains($0) }

    init(_ table: TargetTable, in place: String, on session: SQLiteSession) {
        self.table = table
        self.place = place
        self.session = session
    }

    func insert() throws -> SQLiteStatement {
        if let insertMade { return insertMade }
        let marks = names.indices.map { "?\($0 + 1)" }.joined(separator: ", ")
        let list = names.joined(separator: ", ")
        let made = try session.prepare("INSERT INTO \(place) (\(list)) VALUES (\(marks))")
        insertMade = made
        return made
    }

    func delete() throws -> SQLiteStatement {
        if let deleteMade { return deleteMade }
        let made = try session.prepare("DELETE FROM \(place) WHERE \(condition)")
        deleteMade = made
        return made
    }

    func find() throws -> SQLiteStatement {
        try session.statement("SELECT 1 FROM \(place) WHERE \(condition)")
    }

    /// Puts the located row into another place, whole.
    func copy(to other: String) throws -> SQLiteStatement {
        let list = table.allColumns.map(\.quotedIdentifier).joined(separator: ", ")
        return try session.statement(
            "INSERT INTO \(other) (\(list)) SELECT \(list) FROM \(place) WHERE \(condition)")
    }

    /// Sets these columns of the located row.
    func update(_ columns: [Int]) throws -> SQLiteStatement {
        if let found = byColumns[columns] { return found }
        let list = columns.map { "\(names[$0]) = ?\($0 + 1)" }
        // Nothing to set (a table that is all key): the row must still be there.
        let assignments = list.isEmpty ? ["\(names[locating[0]]) = \(names[locating[0]])"] : list
        let made = try session.prepare(
            "UPDATE \(place) SET \(assignments.joined(separator: ", ")) WHERE \(condition)")
        if byColumns.count >= Self.keptUpdates { byColumns.removeAll() }
        byColumns[columns] = made
        return made
    }

    private var condition: String {
        let isKeyless = table.route.isKeyless
        let terms = locating.enumerated().map { place, column in
            "\(names[column]) \(isKeyless ? "IS" : "=") ?\(names.count + place + 1)"
        }
        let all = terms.joined(separator: " AND ")
        guard isKeyless else { return all }
        // Equal rows are interchangeable, but a change is for exactly one of them (P05).
        let row = table.rowIDName
        return "\(row) = (SELECT \(row) FROM \(place) WHERE \(all) LIMIT 1)"
    }
}
