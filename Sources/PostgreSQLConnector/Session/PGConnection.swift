internal import CLibPQ
import Foundation
internal import ReplicationModel

/// One libpq connection: owns the handle and closes it. All calls block.
///
/// Used by one thread at a time; only `interrupt` may come from another.
/// Every connection pins the settings that decide how values look (P54) and reads them back.
package final class PGConnection {
    package enum Purpose: Sendable {
        case source, target
        /// `replication=database`: START_REPLICATION and slot commands, simple queries only.
        case replication
    }

    let handle: OpaquePointer
    package let label: String
    /// 150018 for 15.18.
    package let serverVersion: Int
    package let backendPID: Int32
    /// The socket under a number of our own, which nothing else can have as long as this object
    /// lives: libpq closes its own as soon as the link is lost, and the next file opened gets it.
    private let socket: Int32

    /// - Parameters:
    ///   - url: what libpq takes: `postgres://user@host:port/db?sslmode=...`.
    ///   - password: overrides `PGPASSFILE` and the URL; nil leaves it to libpq.
    ///   - label: shown as `application_name` (`martlet LABEL`).
    package init(url: String, password: String?, label: String, purpose: Purpose) throws {
        let keywords = Self.parameters(url, password, label, purpose)
        handle = try Self.connect(keywords, label)
        self.label = label
        serverVersion = Int(PQserverVersion(handle))
        backendPID = PQbackendPID(handle)
        socket = fcntl(PQsocket(handle), F_DUPFD_CLOEXEC, 0)
        PQsetNoticeProcessor(handle, { _, _ in }, nil)
        // Everything is initialized: if this throws, `deinit` runs, and it is what frees the
        // handle.
        try pinSettings(purpose)
    }

    deinit {
        PQfinish(handle)
        if socket >= 0 { close(socket) }
    }

    /// libpq's socket, -1 when it has closed it: for the thread that uses the connection.
    var descriptor: Int32 { PQsocket(handle) }

    /// Breaks whatever call is blocked on this connection; it fails with `.connectionLost`.
    /// Safe from any thread.
    package func interrupt() {
        if socket >= 0 { _ = shutdown(socket, Int32(SHUT_RDWR)) }
    }

    private static func parameters(
        _ url: String, _ password: String?, _ label: String, _ purpose: Purpose
    ) -> [(String, String)] {
        // Later keywords win over those that `dbname` expands to; connect_timeout must not.
        // A network that swallows packets is noticed within a minute, not after TCP's quarter hour.
        var all = [
            ("connect_timeout", "10"), ("keepalives_idle", "10"), ("keepalives_interval", "10"),
            ("keepalives_count", "3"), ("tcp_user_timeout", "60000"), ("dbname", url),
        ]
        all.append(("application_name", "martlet \(label)"))
        all.append(("client_encoding", "UTF8"))
        if let password { all.append(("password", password)) }
        if purpose == .replication { all.append(("replication", "database")) }
        return all
    }

    private static func connect(_ all: [(String, String)], _ label: String) throws -> OpaquePointer
    {
        let names = all.map { strdup($0.0) } + [nil]
        let values = all.map { strdup($0.1) } + [nil]
        defer { for pointer in names + values { free(pointer) } }
        let handle = names.map { UnsafePointer($0) }.withUnsafeBufferPointer { names in
            values.map { UnsafePointer($0) }.withUnsafeBufferPointer { values in
                PQconnectdbParams(names.baseAddress, values.baseAddress, 1)
            }
        }
        guard let handle else {
            throw ReplicationError(.internalFault, "connect to PostgreSQL", why: "out of memory")
        }
        guard PQstatus(handle) == CONNECTION_OK else {
            defer { PQfinish(handle) }
            throw PGError.connectFailure(handle)
        }
        return handle
    }

    /// Pins and reads back: roles and databases may carry other defaults (P37, P54).
    private func pinSettings(_ purpose: Purpose) throws {
        var settings = [
            ("datestyle", "ISO, MDY"), ("intervalstyle", "postgres"), ("extra_float_digits", "3"),
            ("bytea_output", "hex"), ("timezone", "UTC"), ("lc_monetary", "C"),
            ("xmloption", "content"), ("search_path", ""), ("statement_timeout", "0"),
            ("lock_timeout", "0"), ("idle_in_transaction_session_timeout", "0"),
            ("standard_conforming_strings", "on"),
        ]
        if serverVersion >= 170000 { settings.append(("transaction_timeout", "0")) }
        if purpose != .replication { settings.append(("row_security", "off")) }
        if purpose == .target { settings.append(("default_transaction_read_only", "off")) }
        try run(settings.map { "SET \($0.0) = '\($0.1)'" }.joined(separator: "; "))
        let list = settings.map { "current_setting('\($0.0)')" }.joined(separator: ", ")
        let result = try run("SELECT " + list)
        for (index, (name, wanted)) in settings.enumerated() {
            // A SET of the empty list reads back as two quotes.
            let found = result.text(0, index).map { $0 == "\"\"" ? "" : $0 }
            guard found == wanted else {
                throw ReplicationError(
                    .unfitSetting, "fix the session setting \(name)",
                    why: "it reads back as '\(found ?? "")' instead of '\(wanted)'")
            }
        }
    }
}

// MARK: Queries

extension PGConnection {
    /// Runs one or more statements without parameters (simple query protocol); the last result.
    @discardableResult
    package func run(_ sql: String) throws -> PGResult {
        try PGResult(checking: PQexec(handle, sql), on: self, what: sql)
    }

    /// Runs one statement with text parameters, nil for NULL.
    @discardableResult
    package func query(_ sql: String, _ parameters: [String?]) throws -> PGResult {
        let copies = parameters.map { $0.map { strdup($0) } ?? nil }
        defer { for copy in copies { free(copy) } }
        return try copies.map { UnsafePointer($0) }.withUnsafeBufferPointer { values in
            try PGResult(
                checking: PQexecParams(
                    handle, sql, Int32(parameters.count), nil, values.baseAddress, nil, nil, 0),
                on: self, what: sql)
        }
    }

    package var isAlive: Bool { PQstatus(handle) == CONNECTION_OK }
    package var isInTransaction: Bool { PQtransactionStatus(handle) != PQTRANS_IDLE }
}

/// One result, freed when the last reference goes.
package final class PGResult {
    let pointer: OpaquePointer

    /// Takes ownership; throws the server's error, or `.connectionLost` when the link is gone.
    init(checking pointer: OpaquePointer?, on connection: PGConnection, what: String) throws {
        guard let pointer else { throw PGError.lost(connection, what) }
        switch PQresultStatus(pointer) {
        case PGRES_COMMAND_OK, PGRES_TUPLES_OK, PGRES_COPY_IN, PGRES_COPY_OUT, PGRES_COPY_BOTH,
            PGRES_SINGLE_TUPLE, PGRES_EMPTY_QUERY, PGRES_PIPELINE_SYNC:
            self.pointer = pointer
        default:
            defer { PQclear(pointer) }
            throw PGError.from(pointer, connection, what)
        }
    }

    deinit { PQclear(pointer) }

    package var rowCount: Int { Int(PQntuples(pointer)) }
    package var columnCount: Int { Int(PQnfields(pointer)) }

    /// The number of rows an INSERT, UPDATE, DELETE or COPY touched.
    package var affectedRows: Int64 { Int64(String(cString: PQcmdTuples(pointer))) ?? 0 }

    /// A value's text; nil for NULL.
    package func text(_ row: Int, _ column: Int) -> String? {
        guard PQgetisnull(pointer, Int32(row), Int32(column)) == 0 else { return nil }
        let length = Int(PQgetlength(pointer, Int32(row), Int32(column)))
        guard let start = PQgetvalue(pointer, Int32(row), Int32(column)) else { return nil }
        return String(decoding: UnsafeRawBufferPointer(start: start, count: length), as: UTF8.self)
    }

    package func integer(_ row: Int, _ column: Int) -> Int64? {
        text(row, column).flatMap { Int64($0) }
    }
    package func boolean(_ row: Int, _ column: Int) -> Bool { text(row, column) == "t" }

    /// All rows of one column, NULLs left out.
    package func column(_ index: Int) -> [String] { (0..<rowCount).compactMap { text($0, index) } }
}
