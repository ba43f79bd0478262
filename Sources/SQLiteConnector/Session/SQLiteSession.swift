internal import CSQLite
import Foundation
internal import ReplicationModel

/// One connection to a database file, used by one thread at a time.
///
/// Pinned and read back (docs/types.md): WAL, foreign keys off (rows arrive in the source's order,
/// cascades arrive as changes of their own: P68), triggers off (A31). Commits write the log without
/// a sync (`synchronous=NORMAL`); `syncLog` makes them durable.
final class SQLiteSession {
    enum Access {
        case readOnly
        /// The file must be there.
        case readWrite
        case create
    }

    let handle: OpaquePointer
    let path: String
    private var cached: [String: SQLiteStatement] = [:]

    /// - Parameter busySeconds: how long a statement waits for another process's lock.
    init(path: String, access: Access, busySeconds: Double) throws {
        var opened: OpaquePointer?
        // One thread at a time per session: SQLite's own mutex would only cost.
        let flags = Self.flags(access) | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE
        let code = sqlite3_open_v2(path, &opened, flags, nil)
        guard code == SQLITE_OK, let opened else {
            defer { sqlite3_close_v2(opened) }
            let message = opened.map { String(cString: sqlite3_errmsg($0)) } ?? "out of memory"
            throw SQLiteError(code: code, message: message, what: "open the target", path: path)
        }
        handle = opened
        self.path = path
        do { try pin(access, busySeconds) } catch {
            sqlite3_close_v2(opened)
            throw error
        }
    }

    deinit {
        cached.removeAll()
        sqlite3_close_v2(handle)
    }

    private static func flags(_ access: Access) -> Int32 {
        switch access {
        case .readOnly: SQLITE_OPEN_READONLY
        case .readWrite: SQLITE_OPEN_READWRITE
        case .create: SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE
        }
    }

    private func pin(_ access: Access, _ busySeconds: Double) throws {
        sqlite3_busy_timeout(handle, Int32(busySeconds * 1000))
        try check(martlet_sqlite_pin(handle), "fix the session's settings")
        // Reads the file: what is not a database says so here.
        try expect("PRAGMA encoding", "UTF-8")
        guard access != .readOnly else { return }
        try expect("PRAGMA journal_mode = WAL", "wal")
        try run(
            """
            PRAGMA synchronous = NORMAL; PRAGMA foreign_keys = OFF; PRAGMA cache_size = -16000; \
            PRAGMA wal_autocheckpoint = 4000; PRAGMA journal_size_limit = 67108864; \
            PRAGMA ignore_check_constraints = OFF; PRAGMA temp_store = FILE
            """)
        try expect("PRAGMA foreign_keys", "0")
        try expect("PRAGMA synchronous", "1")
    }

    private func expect(_ pragma: String, _ wanted: String) throws {
        let statement = try prepare(pragma)
        let found = try statement.step() ? statement.text(0) : nil
        guard found == wanted else {
            throw ReplicationError(
                .unfitSetting, "fix the setting \(pragma) of \(path)",
                why: "it is '\(found ?? "")' instead of '\(wanted)'",
                try: "use a database file of UTF-8 encoding on a local file system")
        }
    }
}

// MARK: Statements

extension SQLiteSession {
    /// Runs one or more statements whose rows do not matter.
    func run(_ sql: String) throws {
        try check(sqlite3_exec(handle, sql, nil, nil, nil), "run \(MessageText.outline(sql))")
    }

    /// A statement that is kept for the session's life.
    func statement(_ sql: String) throws -> SQLiteStatement {
        if let found = cached[sql] { return found }
        let made = try prepare(sql)
        cached[sql] = made
        return made
    }

    func prepare(_ sql: String) throws -> SQLiteStatement {
        try SQLiteStatement(sql, on: self)
    }

    /// Runs a cached statement with these values; for statements that return no rows.
    /// Returns how many rows it changed.
    @discardableResult
    func execute(_ sql: String, _ values: [SQLiteValue] = []) throws -> Int64 {
        let statement = try statement(sql)
        defer { statement.reset() }
        try statement.bind(values)
        while try statement.step() {}
        return sqlite3_changes64(handle)
    }

    /// The rows of a statement, each read by `body`.
    func rows<Row>(
        _ sql: String, _ values: [SQLiteValue] = [], _ body: (SQLiteStatement) throws -> Row
    ) throws -> [Row] {
        let statement = try prepare(sql)
        try statement.bind(values)
        var all: [Row] = []
        while try statement.step() { all.append(try body(statement)) }
        return all
    }

    var isInTransaction: Bool { sqlite3_get_autocommit(handle) == 0 }

    /// Makes every earlier commit durable, this session's and others'.
    func syncLog() throws { try check(martlet_sqlite_sync_log(handle), "sync the log of \(path)") }

    func check(_ code: Int32, _ what: @autoclosure () -> String) throws {
        guard code != SQLITE_OK else { return }
        throw error(code, what())
    }

    func error(_ code: Int32, _ what: String) -> SQLiteError {
        let extended = sqlite3_extended_errcode(handle)
        let isSame = extended & 0xFF == code & 0xFF
        return SQLiteError(
            code: isSame ? extended : code,
            message: String(cString: isSame ? sqlite3_errmsg(handle) : sqlite3_errstr(code)),
            what: what, path: path)
    }
}
