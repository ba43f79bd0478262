internal import CMariaDB
import Foundation
internal import ReplicationModel

/// One connection to a MySQL or MariaDB server: owns the handle and closes it. All calls block.
///
/// Used by one thread at a time; only `interrupt` may come from another.
/// Every connection pins the settings that decide how values look and reads them back. A statement
/// is one statement: the protocol's way to send several at once stays off.
package final class MySQLConnection {
    package enum Purpose: Sendable {
        case source, target
        /// Reads the binlog.
        case log
    }

    /// For the transport of the log and for prepared statements, in this module.
    let handle: UnsafeMutablePointer<MYSQL>
    package let label: String
    /// The server's number of this session, for KILL.
    package let sessionID: UInt64
    package private(set) var facts = ServerFacts(rows: [])
    let infile = LocalInfile()
    /// The server or the link is gone.
    private var isLost = false
    /// A descriptor of our own for the connection's socket, for `interrupt`: the library closes
    /// its own as soon as the link breaks, and the number is then somebody else's.
    private let socket: Int32

    package var flavour: ServerFlavour { facts.flavour }

    /// - Parameters:
    ///   - url: `mysql://user@host:port/database?socket=/path&sslmode=...` (`ServerAddress`).
    ///   - password: nil leaves it to `~/.my.cnf`.
    ///   - label: shown as `program_name` (`martlet LABEL`) in performance_schema.
    ///   - readTimeoutSeconds: how long the server may be silent while an answer is awaited; 0 is
    ///     for ever, because a statement may run long. TCP's keepalive finds dead links.
    package init(
        url: String, password: String?, label: String, purpose: Purpose,
        readTimeoutSeconds: UInt32 = 0
    ) throws {
        let address = try ServerAddress(parsing: url)
        let login = Login(
            address: address, password: password, label: label, purpose: purpose,
            readTimeoutSeconds: readTimeoutSeconds)
        handle = try login.connect()
        self.label = label
        sessionID = UInt64(mysql_thread_id(handle))
        socket = fcntl(mysql_get_socket(handle), F_DUPFD_CLOEXEC, 0)
        // Everything is initialized: if this throws, `deinit` runs, and it is what frees the
        // handle.
        infile.attach(to: self)
        let names = ServerFacts.names.map { "'\($0)'" }.joined(separator: ", ")
        facts = ServerFacts(
            rows: try query("SHOW GLOBAL VARIABLES WHERE Variable_name IN (\(names))").rows)
        try pinSettings(purpose)
    }

    deinit {
        mysql_close(handle)
        if socket >= 0 { _ = close(socket) }
    }

    package var isAlive: Bool { !isLost }
    package var isInTransaction: Bool {
        handle.pointee.server_status & UInt32(SERVER_STATUS_IN_TRANS) != 0
    }

    /// Breaks whatever call is blocked on this connection; it fails with `.connectionLost`.
    /// Safe from any thread.
    package func interrupt() {
        if socket >= 0 { _ = shutdown(socket, Int32(SHUT_RDWR)) }
    }

    /// Gives up a connection in the middle of an answer. An open transaction is rolled back.
    func abandon() {
        isLost = true
        interrupt()
    }

    /// The handle's error; remembers when it means that the connection is gone.
    func failure(_ what: String) -> any Error {
        let error = MySQLError.last(handle, label, what)
        if (error as? ReplicationError)?.kind == .connectionLost { abandon() }
        return error
    }
}

// MARK: Statements

/// What a statement did that returned no rows.
package struct MySQLOutcome: Sendable {
    /// Rows found, not rows changed: an UPDATE that changes nothing counts its row (A29).
    package var affectedRows: Int64
    package var warnings: Int
}

/// One row while it is being read; its bytes are gone with the next one.
package struct MySQLRow {
    let values: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>
    let lengths: UnsafeMutablePointer<UInt>
    package let count: Int

    /// A value's text; nil for NULL.
    package subscript(index: Int) -> UnsafeRawBufferPointer? {
        values[index].map { UnsafeRawBufferPointer(start: $0, count: Int(lengths[index])) }
    }

    package func text(_ index: Int) -> String? {
        self[index].map { String(decoding: $0, as: UTF8.self) }
    }
}

/// The rows of one answer.
package struct MySQLResult: Sendable {
    package private(set) var rows: [[String?]] = []

    package var rowCount: Int { rows.count }
    package func text(_ row: Int, _ column: Int) -> String? { rows[row][column] }
    package func integer(_ row: Int, _ column: Int) -> Int64? {
        text(row, column).flatMap { Int64($0) }
    }
    /// All rows of one column, NULLs left out.
    package func column(_ index: Int) -> [String] { rows.compactMap { $0[index] } }

    mutating func append(_ row: MySQLRow) { rows.append((0..<row.count).map(row.text)) }
}

extension MySQLConnection {
    /// Runs one statement; rows that it returns are thrown away.
    @discardableResult
    package func run(_ sql: String) throws -> MySQLOutcome {
        var sql = sql
        return try sql.withUTF8 { try run(bytes: UnsafeRawBufferPointer($0)) }
    }

    /// The same for a statement that was put together as bytes.
    @discardableResult
    package func run(bytes sql: UnsafeRawBufferPointer) throws -> MySQLOutcome {
        try send(sql)
        let outcome = MySQLOutcome(
            affectedRows: Int64(bitPattern: mysql_affected_rows(handle)),
            warnings: Int(mysql_warning_count(handle)))
        // Read to the end: an error may come in place of a row.
        if mysql_field_count(handle) > 0 { _ = try receive(sql) { _ in } }
        try skipFurtherResults(sql)
        return outcome
    }

    /// All rows at once: for catalogues and states, not for tables.
    package func query(_ sql: String) throws -> MySQLResult {
        var result = MySQLResult()
        try stream(sql) { result.append($0) }
        return result
    }

    /// Rows one by one, as the server sends them. When `body` throws, the connection is given up:
    /// what is left of the answer may be a whole table.
    /// - Returns: the number of rows.
    @discardableResult
    package func stream(_ sql: String, _ body: (MySQLRow) throws -> Void) throws -> Int64 {
        var sql = sql
        return try sql.withUTF8 { text in
            try send(UnsafeRawBufferPointer(text))
            let count = try receive(UnsafeRawBufferPointer(text), body)
            try skipFurtherResults(UnsafeRawBufferPointer(text))
            return count
        }
    }

    /// Runs LOAD DATA LOCAL INFILE 'martlet' with rows that `supply` writes into the buffer it is
    /// given; it returns their length, 0 at the end. When it throws, the connection is given up,
    /// since the protocol cannot take back what was sent.
    package func load(
        _ sql: String, from supply: (UnsafeMutableRawBufferPointer) throws -> Int
    ) throws -> MySQLOutcome {
        try infile.armed(with: supply) { try run(sql) }
    }

    private func receive(_ sql: UnsafeRawBufferPointer, _ body: (MySQLRow) throws -> Void) throws
        -> Int64
    {
        guard let result = mysql_use_result(handle) else {
            // No rows and no error: a statement that returns none.
            guard mysql_errno(handle) == 0 else { throw failure(Self.words(sql)) }
            return 0
        }
        var isWhole = false
        defer {
            if !isWhole { abandon() }
            mysql_free_result(result)
        }
        let columns = Int(mysql_num_fields(result))
        var count: Int64 = 0
        while let row = mysql_fetch_row(result), let lengths = mysql_fetch_lengths(result) {
            try body(MySQLRow(values: row, lengths: lengths, count: columns))
            count += 1
        }
        isWhole = true
        guard mysql_errno(handle) == 0 else { throw failure(Self.words(sql)) }
        return count
    }

    private func send(_ sql: UnsafeRawBufferPointer) throws {
        guard !isLost else {
            throw ReplicationError(
                .connectionLost, "run \(Self.words(sql)) on connection '\(label)'",
                why: "the connection was lost before")
        }
        let start = sql.baseAddress?.assumingMemoryBound(to: CChar.self)
        guard mysql_real_query(handle, start, UInt(sql.count)) == 0 else {
            throw infile.takeError() ?? failure(Self.words(sql))
        }
    }

    /// CALL answers with its procedure's result sets and a status at the end.
    private func skipFurtherResults(_ sql: UnsafeRawBufferPointer) throws {
        while mysql_more_results(handle) != 0 {
            guard mysql_next_result(handle) == 0 else { throw failure(Self.words(sql)) }
            if mysql_field_count(handle) > 0 { _ = try receive(sql) { _ in } }
        }
    }

    /// Enough of a statement for `MessageText.outline`.
    private static func words(_ sql: UnsafeRawBufferPointer) -> String {
        String(decoding: sql.prefix(200), as: UTF8.self)
    }
}
