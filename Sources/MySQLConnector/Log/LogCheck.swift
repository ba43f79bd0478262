import ReplicationModel

/// Whether a server can still send everything after a start: asked before, because servers answer
/// with one error for many causes, or begin elsewhere (B26, B32).
enum LogCheck {
    static func check(_ start: BinlogStart, on connection: MySQLConnection) throws {
        switch start {
        case .gtids(let set):
            if connection.flavour == .mysql { try checkGTIDs(set, on: connection) }
        // MariaDB compares its domains itself, exactly (`slave_gtid_strict_mode`).
        case .file(let name, _): try checkFile(name, on: connection)
        }
    }

    private static func checkGTIDs(_ set: GTIDSet, on connection: MySQLConnection) throws {
        let found = try connection.query("SELECT @@GLOBAL.gtid_purged, @@GLOBAL.gtid_executed")
        guard let purged = found.text(0, 0).flatMap({ GTIDSet(parsing: $0) }),
            let executed = found.text(0, 1).flatMap({ GTIDSet(parsing: $0) })
        else {
            throw ReplicationError(
                .protocolViolation, "compare GTIDs with the source",
                why: "its gtid_purged or gtid_executed is not a set")
        }
        let missing = purged.subtracting(set)
        guard missing.isEmpty else {
            throw ReplicationError(
                .positionGap, "read the log from where the target is",
                why: "the source has purged \(missing), which the target does not have",
                try: "a new initial load; keep logs longer (binlog_expire_logs_seconds)")
        }
        let unknown = set.subtracting(executed)
        guard unknown.isEmpty else {
            throw ReplicationError(
                .positionGap, "read the log from where the target is",
                why: "the target has \(unknown), which this source does not know",
                try: "connect to the server that has it, or make a new initial load")
        }
    }

    private static func checkFile(_ name: String, on connection: MySQLConnection) throws {
        let files = try connection.query("SHOW BINARY LOGS").column(0)
        guard files.contains(name) else {
            throw ReplicationError(
                .positionGap, "read the log from \(name)",
                why: "the source's oldest file is \(files.first ?? "none")",
                try: "a new initial load; keep logs longer (binlog_expire_logs_seconds)")
        }
    }
}
