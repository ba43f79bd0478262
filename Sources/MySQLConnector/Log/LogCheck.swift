import ReplicationModel

/// Whether a server can still send everything after a start: asked before, because servers answer
/// with one error for many causes, or begin elsewhere (B26, B32).
enum LogCheck {
    static func check(_ start: BinlogStart, on connection: MySQLConnection) throws {
        switch start {
        case .gtids(let set):
            switch connection.flavour {
            case .mysql: try checkGTIDs(set, on: connection)
            // What it has purged MariaDB says itself, exactly (`slave_gtid_strict_mode`).
            case .mariadb:
                let written = try connection.query("SELECT @@GLOBAL.gtid_binlog_pos").text(0, 0)
                try requireKnown(set, by: written.flatMap { GTIDSet(parsing: $0) })
            }
        case .file(let name, _): try checkFile(name, on: connection)
        }
    }

    private static func checkGTIDs(_ set: GTIDSet, on connection: MySQLConnection) throws {
        let found = try connection.query("SELECT @@GLOBAL.gtid_purged, @@GLOBAL.gtid_executed")
        let purged = found.text(0, 0).flatMap { GTIDSet(parsing: $0) }
        guard let purged else { throw unreadable() }
        let missing = purged.subtracting(set)
        guard missing.isEmpty else {
            throw ReplicationError(
                .positionGap, "read the log from where the target is",
                why: "the source has purged \(missing), which the target does not have",
                try: "a new initial load; keep logs longer (binlog_expire_logs_seconds)")
        }
        try requireKnown(set, by: found.text(0, 1).flatMap { GTIDSet(parsing: $0) })
    }

    private static func requireKnown(_ set: GTIDSet, by executed: GTIDSet?) throws {
        guard let executed else { throw unreadable() }
        let unknown = set.subtracting(executed)
        guard unknown.isEmpty else {
            throw ReplicationError(
                .positionGap, "read the log from where the target is",
                why: "the target has \(unknown), which this source does not know",
                try: "connect to the server that has it, or make a new initial load")
        }
    }

    private static func unreadable() -> ReplicationError {
        ReplicationError(
            .protocolViolation, "compare GTIDs with the source",
            why: "what it says it has is not a set of GTIDs")
    }

    /// Whether the server's log still says at this place what it said: one that was reset numbers
    /// its files and its transactions anew, and GTIDs that it gives again would pass for applied.
    /// Of a file that was purged, or of another server's, the GTIDs alone decide (B26).
    static func checkHistory(_ place: LogPlace, on connection: MySQLConnection) throws {
        let position = place.position
        guard position.generation == 0, let gtids = place.gtids else { return }
        let files = try LogFiles(connection)
        let newest = files.names.last
        guard let last = newest.flatMap(LogFiles.number), position.file <= last else {
            throw replaced(place, "its newest file is \(newest ?? "none")")
        }
        guard let file = files.name(of: position.file) else { return }
        switch connection.flavour {
        case .mariadb: try compareState(place, gtids, file, on: connection)
        case .mysql: try compareNext(place, gtids, file, on: connection)
        }
    }

    private static func compareState(
        _ place: LogPlace, _ gtids: GTIDSet, _ file: String, on connection: MySQLConnection
    ) throws {
        let found = try LogFiles.gtids(before: place.position.offset, in: file, on: connection)
        guard found == gtids else {
            throw replaced(place, "its GTIDs there are '\(found?.description ?? "")'")
        }
    }

    /// What begins there is no transaction that was applied, and something begins there.
    private static func compareNext(
        _ place: LogPlace, _ gtids: GTIDSet, _ file: String, on connection: MySQLConnection
    ) throws {
        let next: String?
        do {
            next =
                try connection.query(
                    "SHOW BINLOG EVENTS IN \(SQLText.literal(file)) "
                        + "FROM \(place.position.offset) LIMIT 1"
                ).rows.first?.last ?? nil
        } catch let error as MySQLError.Server where error.code == 1220 {
            throw replaced(place, "no event begins there")
        }
        let words = next?.split(separator: "'") ?? []
        guard words.count > 1, let found = GTIDSet(parsing: words[1]), !found.isEmpty else {
            return
        }
        guard gtids.subtracting(found) == gtids else {
            throw replaced(place, "\(found), which the target has, begins there")
        }
    }

    private static func replaced(_ place: LogPlace, _ found: String) -> ReplicationError {
        ReplicationError(
            .positionGap, "read the log from where the target is", position: place.position,
            why: "the source's log was reset or replaced: \(found)",
            try: "martlet run PIPELINE --fresh --yes")
    }

    private static func checkFile(_ name: String, on connection: MySQLConnection) throws {
        let files = try LogFiles(connection).names
        guard files.contains(name) else {
            throw ReplicationError(
                .positionGap, "read the log from \(name)",
                why: "the source's oldest file is \(files.first ?? "none")",
                try: "a new initial load; keep logs longer (binlog_expire_logs_seconds)")
        }
    }
}
