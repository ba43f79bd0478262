package import ReplicationModel

/// What IDENTIFY_SYSTEM answers on a replication connection.
package struct SystemIdentification: Sendable, Equatable {
    package var systemIdentifier: String
    package var timeline: Int
    /// How far the server's log is flushed.
    package var flushed: LogPosition
    package var database: String

    /// - Parameter connection: one of purpose `.replication`.
    package init(on connection: PGConnection) throws {
        let result = try connection.run("IDENTIFY_SYSTEM")
        guard let identifier = result.text(0, 0), let timeline = result.integer(0, 1),
            let flushed = result.text(0, 2).flatMap({ LogPosition(parsing: $0) })
        else {
            throw ReplicationError(
                .protocolViolation, "identify the source", why: "IDENTIFY_SYSTEM gave no answer")
        }
        systemIdentifier = identifier
        self.timeline = Int(timeline)
        self.flushed = flushed
        database = result.text(0, 3) ?? ""
    }
}
