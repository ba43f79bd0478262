internal import ReplicationEngine
internal import ReplicationModel

/// `--start-at`: the place that a dump or a restored backup was taken at.
enum GivenStart {
    /// - Throws: `.positionGap` if the server cannot send everything behind it, `.usage` for what
    ///   is no place of this server's.
    static func place(_ start: LogStart, on connection: MySQLConnection) throws -> LogPlace {
        switch start {
        case .gtids(let set):
            try LogCheck.check(.gtids(set), on: connection)
            // Before any file: where to begin is the set's matter alone.
            guard let position = LogPosition(file: 0, offset: 0) else { throw refusal("no place") }
            return LogPlace(position: position, gtids: set)
        case .position(let position):
            guard position.generation == 0 else {
                throw refusal("'\(position)' is a place after a failover")
            }
            return try place(position, on: connection)
        }
    }

    private static func place(
        _ position: LogPosition, on connection: MySQLConnection
    ) throws -> LogPlace {
        guard connection.flavour == .mariadb else {
            throw refusal("MySQL does not tell which GTIDs it had written at a place")
        }
        let files = try LogFiles(connection)
        guard let file = files.name(of: position.file) else {
            let oldest = files.names.first ?? "none"
            throw gap(position, "the source has no such file; its oldest is \(oldest)")
        }
        guard let set = try LogFiles.gtids(before: position.offset, in: file, on: connection) else {
            throw gap(position, "no event of \(file) begins there")
        }
        return LogPlace(position: position, gtids: set)
    }

    private static func gap(_ position: LogPosition, _ why: String) -> ReplicationError {
        ReplicationError(
            .positionGap, "follow from a given position", position: position, why: why,
            try: "give the place that the dump was taken at, or take a new one")
    }

    private static func refusal(_ why: String) -> ReplicationError {
        ReplicationError(
            .usage, "follow from a given position", place: "option --start-at", why: why,
            try: "--start-at gtid:SET, as the dump says it (GTID_PURGED, gtid_slave_pos)")
    }
}
