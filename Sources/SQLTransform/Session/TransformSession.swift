internal import CSQLite
import ReplicationModel

/// One connection of SQLite's with one table of one row, the lookups, the functions, and nothing
/// else: no file, no clock, no way to write.
final class TransformSession {
    let handle: OpaquePointer
    let row: SourceRow
    let table: String
    let context = ChangeContext()
    let clock: StoppedClock
    let lookups: Lookups?
    /// Names of SQLite's own functions that always give the same for the same.
    private let deterministic: Set<String>
    /// Those that look at many rows.
    let aggregates: Set<String>
    /// printf() gives NULL, not an error, where its text would be longer than SQLite's limit: that
    /// one stays high, and what comes out is looked at.
    private var printsText = false
    private let listener = Listener()

    /// What the statement being prepared reads and calls.
    final class Listener {
        var columns: Set<String> = []
        var lookups: Set<String> = []
        var table = ""
        /// Names of lookups that may be read, in lower case.
        var known: Set<String> = []
        var allowed: Set<String> = []
        var refusedFunction: String?
        var printsText = false
    }

    /// - Parameter hasClock: 'now' may be asked for.
    init(
        table: String, row: SourceRow, keys: TransformKeys, hasClock: Bool, lookups: Lookups?
    ) throws {
        guard let clock = StoppedClock(isStopped: !hasClock) else { throw Self.fault(nil, "open") }
        var made: OpaquePointer?
        // Not SQLITE_OPEN_MEMORY, which would hold for what is attached too.
        let flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_URI | SQLITE_OPEN_NOMUTEX
        let code = sqlite3_open_v2(":memory:", &made, flags, clock.name)
        guard code == SQLITE_OK, let made else {
            sqlite3_close(made)
            throw Self.fault(nil, "open")
        }
        (handle, self.row, self.table, self.clock) = (made, row, table, clock)
        self.lookups = lookups
        (deterministic, aggregates) = Self.functions(of: made)
        context.keys = keys
        try check(martlet_sqlite_confine(made), "set up")
        if let lookups { try check(lookups.attach(to: made), "attach the lookups to") }
        try check(RowTable.register(row, on: made), "set up")
        for function in FunctionLibrary.all {
            try check(function.register(on: made, context), "register \(function.name)")
        }
        try check(
            sqlite3_exec(
                made, "CREATE VIRTUAL TABLE \(table.quotedIdentifier) USING \(RowTable.moduleName)",
                nil, nil, nil), "make the row's table")
        // They are made when they are first named, which the authorizer would refuse.
        try check(
            sqlite3_exec(made, "SELECT 1 FROM json_each('[]'), json_tree('[]')", nil, nil, nil),
            "find JSON's tables")
        listener.table = table
        listener.known = Set(lookups?.tables.map { $0.name.lowercased() } ?? [])
        listener.allowed = deterministic.union(FunctionLibrary.all.map(\.name))
        listen()
    }

    deinit { sqlite3_close_v2(handle) }

    private func check(_ code: Int32, _ what: String) throws {
        if code != SQLITE_OK { throw Self.fault(handle, what) }
    }

    private static func fault(_ handle: OpaquePointer?, _ what: String) -> ReplicationError {
        ReplicationError(
            .internalFault, "\(what) the transforms' SQLite",
            why: handle.map { String(cString: sqlite3_errmsg($0)) } ?? "it cannot be opened")
    }

    /// `PRAGMA function_list` knows what is deterministic; its flag is SQLITE_DETERMINISTIC.
    private static func functions(
        of handle: OpaquePointer
    ) -> (deterministic: Set<String>, aggregates: Set<String>) {
        var deterministic: Set<String> = []
        // min() and max() are both.
        var aggregates: Set<String> = []
        var statement: OpaquePointer?
        let sql = "SELECT name, type, flags & 2048 FROM pragma_function_list"
        sqlite3_prepare_v2(handle, sql, -1, &statement, nil)
        defer { sqlite3_finalize(statement) }
        while sqlite3_step(statement) == SQLITE_ROW {
            guard let name = sqlite3_column_text(statement, 0).map({ String(cString: $0) }) else {
                continue
            }
            let type = sqlite3_column_text(statement, 1).map { String(cString: $0) }
            if type != "s" { aggregates.insert(name) }
            if sqlite3_column_int(statement, 2) != 0 || type != "s" { deterministic.insert(name) }
        }
        return (deterministic, aggregates)
    }
}

// MARK: Statements

extension TransformSession {
    struct Prepared {
        var statement: TransformStatement
        /// Indices of the row's columns that it reads.
        var reads: Set<Int>
        /// Names of lookups that it reads, in lower case.
        var lookups: Set<String>
    }

    /// Why SQLite refused a statement.
    struct Refusal: Error {
        /// Byte of the statement, or nil.
        var offset: Int?
        var message: String
        /// It calls a function that may give another result each time.
        var function: String?
    }

    func prepare(_ sql: String, allowing extra: Set<String> = []) throws(Refusal) -> Prepared {
        (listener.columns, listener.lookups) = ([], [])
        listener.refusedFunction = nil
        listener.allowed.formUnion(extra)
        defer { listener.allowed.subtract(extra) }
        var made: OpaquePointer?
        let code = sqlite3_prepare_v3(
            handle, sql, -1, UInt32(SQLITE_PREPARE_PERSISTENT), &made, nil)
        guard code == SQLITE_OK, let made else {
            let offset = Int(sqlite3_error_offset(handle))
            throw Refusal(
                offset: offset < 0 ? nil : offset, message: String(cString: sqlite3_errmsg(handle)),
                function: listener.refusedFunction)
        }
        let names = listener.columns
        printsText = printsText || listener.printsText
        return Prepared(
            statement: TransformStatement(made, on: self),
            reads: Set(row.columns.filter { names.contains($0.name) }.map(\.field)),
            lookups: listener.lookups)
    }

    /// In lower case.
    var lookupNames: Set<String> { listener.known }

    /// What may be called.
    var functionNames: [String] { listener.allowed.sorted() }

    /// - Parameter rowBytes: of all values of the row.
    func beginEvaluation(rowBytes: Int) {
        context.time.begin()
        let limit = min(Self.valueBytes + 8 * rowBytes, 1_000_000_000)
        guard limit != context.valueLimit else { return }
        context.valueLimit = limit
        if !printsText { sqlite3_limit(handle, SQLITE_LIMIT_LENGTH, Int32(limit)) }
    }

    /// A value that is made of a row may be eight times as long as the row, and that much longer
    /// (I6).
    private static let valueBytes = 1 << 20

    private func listen() {
        sqlite3_set_authorizer(
            handle,
            { listener, action, first, second, database, _ in
                guard let listener else { return SQLITE_DENY }
                return Unmanaged<Listener>.fromOpaque(listener)._withUnsafeGuaranteedRef {
                    $0.judge(action, first, second, database)
                }
            }, Unmanaged.passUnretained(listener).toOpaque())
        sqlite3_progress_handler(
            handle, EvaluationTime.steps,
            { time in
                guard let time else { return 1 }
                return Unmanaged<EvaluationTime>.fromOpaque(time)._withUnsafeGuaranteedRef {
                    $0.look() ? 0 : 1
                }
            }, Unmanaged.passUnretained(context.time).toOpaque())
    }
}

extension TransformSession.Listener {
    /// Tables of SQLite's own that take their rows from an argument.
    private static let tables: Set<String> = ["json_each", "json_tree"]
    private static let owners = ["sqlite_", "pragma_"]

    func judge(
        _ action: Int32, _ first: UnsafePointer<CChar>?, _ second: UnsafePointer<CChar>?,
        _ database: UnsafePointer<CChar>?
    ) -> Int32 {
        switch action {
        case SQLITE_SELECT, SQLITE_RECURSIVE: return SQLITE_OK
        case SQLITE_READ:
            let name = first.map { String(cString: $0) } ?? ""
            let column = second.map { String(cString: $0) } ?? ""
            if database.map({ String(cString: $0) }) == Lookups.schema,
                known.contains(name.lowercased())
            {
                lookups.insert(name.lowercased())
                return SQLITE_OK
            }
            if name == table { columns.insert(column) }
            // Of rows that nothing is read of: a CTE's, or SQLite's own.
            let isCounted = column.isEmpty && !Self.owners.contains { name.hasPrefix($0) }
            let isAllowed = name == table || Self.tables.contains(name) || isCounted
            return isAllowed ? SQLITE_OK : SQLITE_DENY
        case SQLITE_FUNCTION:
            let name = second.map { String(cString: $0) } ?? ""
            if name == "printf" || name == "format" { printsText = true }
            if allowed.contains(name) { return SQLITE_OK }
            refusedFunction = name
            return SQLITE_DENY
        default: return SQLITE_DENY
        }
    }
}
