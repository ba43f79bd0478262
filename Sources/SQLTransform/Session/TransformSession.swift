internal import CSQLite
import ReplicationModel

/// One connection of SQLite's with one table of one row, the functions, and nothing else: no file,
/// no clock, no way to write.
final class TransformSession {
    let handle: OpaquePointer
    let row: SourceRow
    let table: String
    let context = ChangeContext()
    let clock: StoppedClock
    /// Names of SQLite's own functions that always give the same for the same.
    private let deterministic: Set<String>
    /// Those that look at many rows unless OVER follows.
    let aggregates: Set<String>
    private let listener = Listener()
    private var work = Work()

    /// What the statement being prepared reads and calls.
    final class Listener {
        var columns: Set<String> = []
        var table = ""
        var allowed: Set<String> = []
        var refusedFunction: String?
    }

    /// Steps of SQLite's machine in one evaluation, in units of `unit`.
    private final class Work {
        var done = 0
        static let unit: Int32 = 100_000
        static let limit = 1_000
    }

    /// - Parameter hasClock: 'now' may be asked for.
    init(table: String, row: SourceRow, keys: TransformKeys, hasClock: Bool) throws {
        guard let clock = StoppedClock(isStopped: !hasClock) else { throw Self.fault(nil, "open") }
        var made: OpaquePointer?
        let flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_MEMORY | SQLITE_OPEN_NOMUTEX
        let code = sqlite3_open_v2(":memory:", &made, flags, clock.name)
        guard code == SQLITE_OK, let made else {
            sqlite3_close(made)
            throw Self.fault(nil, "open")
        }
        (handle, self.row, self.table, self.clock) = (made, row, table, clock)
        (deterministic, aggregates) = Self.functions(of: made)
        context.keys = keys
        try check(martlet_sqlite_confine(made), "set up")
        try check(RowTable.register(row, on: made), "set up")
        for function in FunctionLibrary.all {
            try check(function.register(on: made, context), "register \(function.name)")
        }
        try check(
            sqlite3_exec(
                made, "CREATE VIRTUAL TABLE \(table.quotedIdentifier) USING \(RowTable.moduleName)",
                nil, nil, nil), "make the row's table")
        listener.table = table
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
        var (aggregates, scalars) = (Set<String>(), Set<String>())
        var statement: OpaquePointer?
        let sql = "SELECT name, type, flags & 2048 FROM pragma_function_list"
        sqlite3_prepare_v2(handle, sql, -1, &statement, nil)
        defer { sqlite3_finalize(statement) }
        while sqlite3_step(statement) == SQLITE_ROW {
            guard let name = sqlite3_column_text(statement, 0).map({ String(cString: $0) }) else {
                continue
            }
            let type = sqlite3_column_text(statement, 1).map { String(cString: $0) }
            if type == "s" { scalars.insert(name) } else { aggregates.insert(name) }
            if sqlite3_column_int(statement, 2) != 0 || type != "s" { deterministic.insert(name) }
        }
        return (deterministic, aggregates.subtracting(scalars))
    }
}

// MARK: Statements

extension TransformSession {
    struct Prepared {
        var statement: TransformStatement
        /// Indices of the row's columns that it reads.
        var reads: Set<Int>
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
        listener.columns = []
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
        return Prepared(
            statement: TransformStatement(made, on: self),
            reads: Set(row.columns.filter { names.contains($0.name) }.map(\.field)))
    }

    /// What may be called.
    var functionNames: [String] { listener.allowed.sorted() }

    /// An endless recursion is ended.
    func beginEvaluation() { work.done = 0 }

    private func listen() {
        sqlite3_set_authorizer(
            handle,
            { listener, action, first, second, _, _ in
                guard let listener else { return SQLITE_DENY }
                return Unmanaged<Listener>.fromOpaque(listener)._withUnsafeGuaranteedRef {
                    $0.judge(action, first, second)
                }
            }, Unmanaged.passUnretained(listener).toOpaque())
        sqlite3_progress_handler(
            handle, Work.unit,
            { work in
                guard let work else { return 1 }
                return Unmanaged<Work>.fromOpaque(work)._withUnsafeGuaranteedRef { work in
                    work.done += 1
                    return work.done > Work.limit ? 1 : 0
                }
            }, Unmanaged.passUnretained(work).toOpaque())
    }
}

extension TransformSession.Listener {
    /// Tables of SQLite's own that take their rows from an argument.
    private static let tables: Set<String> = ["json_each", "json_tree"]

    func judge(
        _ action: Int32, _ first: UnsafePointer<CChar>?, _ second: UnsafePointer<CChar>?
    ) -> Int32 {
        switch action {
        case SQLITE_SELECT, SQLITE_RECURSIVE: return SQLITE_OK
        case SQLITE_READ:
            let name = first.map { String(cString: $0) } ?? ""
            guard name == table else { return Self.tables.contains(name) ? SQLITE_OK : SQLITE_DENY }
            if let second { columns.insert(String(cString: second)) }
            return SQLITE_OK
        case SQLITE_FUNCTION:
            let name = second.map { String(cString: $0) } ?? ""
            if allowed.contains(name) { return SQLITE_OK }
            refusedFunction = name
            return SQLITE_DENY
        default: return SQLITE_DENY
        }
    }
}
