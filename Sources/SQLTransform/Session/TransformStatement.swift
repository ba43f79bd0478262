internal import CSQLite
import ReplicationModel

/// A prepared statement over the session's row.
final class TransformStatement {
    private let handle: OpaquePointer
    // The connection must outlive its statements.
    private let session: TransformSession
    let columnCount: Int

    init(_ handle: OpaquePointer, on session: TransformSession) {
        self.handle = handle
        self.session = session
        columnCount = Int(sqlite3_column_count(handle))
    }

    deinit { sqlite3_finalize(handle) }

    func name(_ column: Int) -> String {
        sqlite3_column_name(handle, Int32(column)).map { String(cString: $0) } ?? ""
    }

    /// The row's column that the output is, if it is nothing else.
    func origin(_ column: Int) -> String? {
        guard let (table, name) = place(column), table == session.table else { return nil }
        return name
    }

    /// The lookup's column that the output is, if it is nothing else.
    func found(_ column: Int) -> LookupTable.Column? {
        guard let (table, name) = place(column) else { return nil }
        return session.lookups?.named(table)?.columns.first { $0.name == name }
    }

    private func place(_ column: Int) -> (table: String, name: String)? {
        guard let table = sqlite3_column_table_name(handle, Int32(column)),
            let name = sqlite3_column_origin_name(handle, Int32(column))
        else { return nil }
        return (String(cString: table), String(cString: name))
    }

    /// Whether the row passes; then its outputs can be read until `reset`.
    func step() throws(ValueRefusal) -> Bool {
        session.row.refusal = nil
        session.context.fault = nil
        switch sqlite3_step(handle) {
        case SQLITE_ROW: return true
        case SQLITE_DONE: return false
        default: throw refusal
        }
    }

    /// There is one row at most of one row.
    func finish() throws(ValueRefusal) {
        switch sqlite3_step(handle) {
        case SQLITE_DONE: sqlite3_reset(handle)
        case SQLITE_ROW:
            sqlite3_reset(handle)
            throw ValueRefusal("it makes several rows of one")
        default: throw refusal
        }
    }

    func reset() { sqlite3_reset(handle) }

    private var refusal: ValueRefusal {
        let message = String(cString: sqlite3_errmsg(session.handle))
        sqlite3_reset(handle)
        if let refusal = session.row.refusal { return refusal.why }
        if session.context.time.isOver {
            return ValueRefusal("it takes longer than \(Int(session.context.time.limitSeconds)) s")
        }
        if let fault = session.context.fault { return ValueRefusal(fault) }
        return ValueRefusal(Self.withoutValues(message))
    }

    /// SQLite quotes what it complains of, and that may be a value (I9).
    private static func withoutValues(_ message: String) -> String {
        guard let quote = message.firstIndex(where: { "'\":".contains($0) }) else { return message }
        return message[..<quote] + "..."
    }

    /// What an output is, valid until the next step.
    enum Output {
        case null
        case integer(Int64)
        case real(Double)
        case text(UnsafeRawBufferPointer)
        case blob(UnsafeRawBufferPointer)
    }

    func output(_ column: Int) -> Output {
        let index = Int32(column)
        switch sqlite3_column_type(handle, index) {
        case SQLITE_INTEGER: return .integer(sqlite3_column_int64(handle, index))
        case SQLITE_FLOAT: return .real(sqlite3_column_double(handle, index))
        case SQLITE_TEXT:
            let start = sqlite3_column_text(handle, index)
            return .text(
                UnsafeRawBufferPointer(
                    start: start, count: Int(sqlite3_column_bytes(handle, index))))
        case SQLITE_BLOB:
            let start = sqlite3_column_blob(handle, index)
            return .blob(
                UnsafeRawBufferPointer(
                    start: start, count: Int(sqlite3_column_bytes(handle, index))))
        default: return .null
        }
    }
}
