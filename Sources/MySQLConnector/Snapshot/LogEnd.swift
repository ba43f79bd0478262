internal import ReplicationModel

/// The end of a server's log, asked in the ways that each server has.
///
/// `SHOW BINARY LOG STATUS` and its like can be ahead of what is visible (B64): good for an upper
/// bound, not for a lower one.
struct LogEnd {
    var file: String
    var offset: Int
    /// MySQL's; MariaDB's only of `start`.
    var gtids: GTIDSet?

    /// Everything visible now is at or before it.
    static func written(_ connection: MySQLConnection) throws -> LogEnd {
        // MySQL renamed the statement and dropped the old name (B29); MariaDB has the old one.
        let statement =
            connection.flavour == .mysql ? "SHOW BINARY LOG STATUS" : "SHOW MASTER STATUS"
        let row = try connection.query(statement).rows.first
        let set = row.flatMap { $0.count > 4 ? $0[4] : nil }
        return try LogEnd(file: row?[0], offset: row?[1], set: set)
    }

    /// A place to start streaming at, position and set of exactly the same moment.
    static func start(_ connection: MySQLConnection) throws -> LogEnd {
        var end = try written(connection)
        guard connection.flavour == .mariadb else { return end }
        // `gtid_binlog_pos` is of a later moment than the position: a transaction between the two
        // would be neither streamed nor caught by a chunk.
        let set = try LogFiles.gtids(before: end.offset, in: end.file, on: connection)
        guard let gtids = set else {
            throw ReplicationError(
                .protocolViolation, "find where to start reading the log",
                why: "the server does not know the GTIDs of \(end.file):\(end.offset)")
        }
        end.gtids = gtids
        return end
    }

    /// What the server leaves out of its log, by the option that says so.
    static func filters(_ connection: MySQLConnection) throws -> [(name: String, list: String)] {
        let statement =
            connection.flavour == .mysql ? "SHOW BINARY LOG STATUS" : "SHOW MASTER STATUS"
        guard let row = try connection.query(statement).rows.first, row.count > 3 else {
            return []
        }
        return [("binlog_do_db", row[2] ?? ""), ("binlog_ignore_db", row[3] ?? "")]
            .filter { !$0.1.isEmpty }
    }

    /// Everything at or before it is visible to whoever looks from now on. In a transaction,
    /// MariaDB may tell a place before its snapshot's.
    static func visible(_ connection: MySQLConnection) throws -> LogEnd {
        switch connection.flavour {
        case .mysql: try visibleInMySQL(connection)
        case .mariadb: try visibleInMariaDB(connection)
        }
    }

    /// The server lets the commits that are under way end first.
    private static func visibleInMySQL(_ connection: MySQLConnection) throws -> LogEnd {
        let row = try connection.query(
            """
            SELECT JSON_UNQUOTE(JSON_EXTRACT(local, '$.binary_log_file')),
            JSON_EXTRACT(local, '$.binary_log_position'), JSON_UNQUOTE(JSON_EXTRACT(local,
            '$.gtid_executed')) FROM performance_schema.log_status
            """
        ).rows.first
        return try LogEnd(file: row?[0], offset: row?[1], set: row?[2])
    }

    /// What is committed in the engines, or was a moment ago. All sessions write their answer to
    /// the same two variables (`MYSQL_BIN_LOG::set_status_variables`), so that it may be another
    /// session's: an older one, and never a later one than what is committed. File and offset of
    /// two sessions show as an offset that the file has not reached.
    private static func visibleInMariaDB(_ connection: MySQLConnection) throws -> LogEnd {
        for _ in 0..<visibleAttempts {
            let rows = try connection.query("SHOW STATUS LIKE 'binlog_snapshot_%'").rows
            var values: [String: String] = [:]
            for row in rows { if let name = row[0] { values[name.lowercased()] = row[1] } }
            let end = try LogEnd(
                file: values["binlog_snapshot_file"], offset: values["binlog_snapshot_position"],
                set: nil)
            let written = try written(connection)
            if end.file != written.file || end.offset <= written.offset { return end }
        }
        throw ReplicationError(
            .serverBusy, "find what of the log is visible",
            why: "Binlog_snapshot_position was beyond the end of the log \(visibleAttempts) times")
    }

    private static let visibleAttempts = 10

    private init(file: String?, offset: String?, set: String?) throws {
        guard let file, !file.isEmpty, let number = offset.flatMap({ Int($0) }) else {
            throw ReplicationError(
                .unfitSetting, "find the end of the log", why: "the server writes no log",
                try: "log_bin = binlog, and a restart of the server")
        }
        self.file = file
        self.offset = number
        gtids = set.flatMap { GTIDSet(parsing: $0) }
    }

    func position(generation: Int) throws -> LogPosition {
        guard let number = LogFiles.number(of: file),
            let position = LogPosition(file: number, offset: offset, generation: generation)
        else {
            throw ReplicationError(
                .unsupported, "find the end of the log",
                why: "\(file):\(offset) is no position that can be ordered")
        }
        return position
    }
}
