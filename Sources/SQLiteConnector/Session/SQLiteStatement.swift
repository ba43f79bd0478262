internal import CSQLite
internal import ReplicationModel

/// A value of Martlet's own tables. Rows of the user's tables never take this form.
enum SQLiteValue {
    case null
    case integer(Int64)
    case real(Double)
    case text(String)
    case blob([UInt8])

    init(_ text: String?) { self = text.map { .text($0) } ?? .null }
    init(_ number: Int64?) { self = number.map { .integer($0) } ?? .null }
    init(_ flag: Bool) { self = .integer(flag ? 1 : 0) }
}

/// A prepared statement, finalized when the last reference goes.
final class SQLiteStatement {
    let handle: OpaquePointer
    private unowned let session: SQLiteSession

    init(_ sql: String, on session: SQLiteSession) throws {
        var made: OpaquePointer?
        let code = sqlite3_prepare_v3(
            session.handle, sql, -1, UInt32(SQLITE_PREPARE_PERSISTENT), &made, nil)
        guard code == SQLITE_OK, let made else {
            throw session.error(code, "prepare \(MessageText.outline(sql))")
        }
        handle = made
        self.session = session
    }

    deinit { sqlite3_finalize(handle) }

    /// Whether a row is there. After the last row, and after an error, the statement is reset.
    func step() throws -> Bool {
        switch sqlite3_step(handle) {
        case SQLITE_ROW: return true
        case SQLITE_DONE:
            sqlite3_reset(handle)
            return false
        case let code:
            let sql = sqlite3_sql(handle).map { String(cString: $0) } ?? ""
            let error = session.error(code, "run \(MessageText.outline(sql))")
            sqlite3_reset(handle)
            throw error
        }
    }

    /// Runs a statement that returns no rows; how many it inserted, updated or deleted.
    func change() throws -> Int64 {
        while try step() {}
        return sqlite3_changes64(session.handle)
    }

    func reset() { sqlite3_reset(handle) }

    func bind(_ values: [SQLiteValue]) throws {
        for (index, value) in values.enumerated() {
            try session.check(bind(value, at: Int32(index + 1)), "bind a parameter")
        }
    }

    private func bind(_ value: SQLiteValue, at index: Int32) -> Int32 {
        switch value {
        case .null: sqlite3_bind_null(handle, index)
        case .integer(let number): sqlite3_bind_int64(handle, index, number)
        case .real(let number): sqlite3_bind_double(handle, index, number)
        case .text(let text):
            sqlite3_bind_text(handle, index, text, -1, martlet_sqlite_transient())
        case .blob(let bytes):
            bytes.isEmpty
                ? sqlite3_bind_zeroblob(handle, index, 0)
                : sqlite3_bind_blob(
                    handle, index, bytes, Int32(bytes.count), martlet_sqlite_transient())
        }
    }
}

// MARK: Columns of the current row

extension SQLiteStatement {
    func isNull(_ column: Int32) -> Bool { sqlite3_column_type(handle, column) == SQLITE_NULL }

    func text(_ column: Int32) -> String? {
        sqlite3_column_text(handle, column).map { String(cString: $0) }
    }

    func integer(_ column: Int32) -> Int64? {
        isNull(column) ? nil : sqlite3_column_int64(handle, column)
    }

    func real(_ column: Int32) -> Double? {
        isNull(column) ? nil : sqlite3_column_double(handle, column)
    }

    func bytes(_ column: Int32) -> [UInt8]? {
        guard !isNull(column) else { return nil }
        let count = Int(sqlite3_column_bytes(handle, column))
        return [UInt8](
            UnsafeRawBufferPointer(start: sqlite3_column_blob(handle, column), count: count))
    }
}
