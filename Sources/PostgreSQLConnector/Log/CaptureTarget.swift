import Foundation
internal import ReplicationEngine
internal import ReplicationModel

/// Which log is read, and the words to ask for it.
struct CaptureTarget: Sendable {
    var url: String
    var password: String?
    var names: CaptureNames
    var senderTimeoutMilliseconds: Int

    /// How long a slot that is still held by a link just closed is waited for (P22).
    static let activeWaitSeconds = 2.0

    /// START_REPLICATION with what this server's version knows. From 14 on, that is all that is
    /// supported, in-progress transactions and logical messages can be asked for.
    func startCommand(_ start: LogPosition, _ streaming: StreamingMode, _ version: Int) -> String {
        // Two quotings: names in a list of identifiers, the list in a literal (P69).
        let publications = Self.literal(names.publication.quotedIdentifier)
        var options = [
            "proto_version '\(Self.protocolVersion(version))'",
            "publication_names \(publications)", "messages 'true'",
        ]
        if streaming != .off { options.append("streaming '\(streaming.rawValue)'") }
        return "START_REPLICATION SLOT \(names.slot.quotedIdentifier) LOGICAL \(start) ("
            + options.joined(separator: ", ") + ")"
    }

    /// 14 knows 2 (streaming), 15 knows 3 (two-phase), 16 and later 4 (parallel streaming).
    static func protocolVersion(_ server: Int) -> Int {
        server >= 160000 ? 4 : server >= 150000 ? 3 : 2
    }

    static func literal(_ text: String) -> String { "'" + text.replacing("'", with: "''") + "'" }

    /// From 18 on the server passes over a publication that is not there with a mere warning, and
    /// with it over every change (P33).
    func requirePublication(on connection: PGConnection) throws {
        let name = Self.literal(names.publication)
        let found = try connection.run("SELECT 1 FROM pg_publication WHERE pubname = \(name)")
        guard found.rowCount == 1 else { throw publicationMissing() }
    }

    func retryWhileActive(_ seconds: Double, _ body: () throws -> Void) throws {
        let deadline = Date().addingTimeInterval(seconds)
        while true {
            do { return try body() } catch let error as ReplicationError
                where error.kind == .slotActive && deadline.timeIntervalSinceNow > 0
            {
                Thread.sleep(forTimeInterval: 0.05)
            }
        }
    }
}

// MARK: Errors

extension CaptureTarget {
    /// Maps what the server says before the stream has started. SQLSTATE decides, not the words:
    /// these may be in any language.
    func mapErrors(on connection: PGConnection, _ body: () throws -> Void) throws {
        do { try body() } catch let error as PGError.Server {
            switch error.sqlState {
            case "42704": throw slotMissing(error)
            case "55006": throw slotActive(error, on: connection)
            case "55000", "58P01": throw notUsable(error, on: connection)
            default: throw error.replicationError()
            }
        }
    }

    /// The same once the stream runs.
    func streamError(_ error: any Error) -> any Error {
        guard let server = error as? PGError.Server else { return error }
        switch server.sqlState {
        case "42704": return publicationMissing()
        case "55000", "58P01": return invalidated(server.message)
        default: return server.replicationError()
        }
    }

    private func slotMissing(_ error: PGError.Server) -> ReplicationError {
        ReplicationError(
            .slotMissing, "read the log from slot \(names.slot)", why: error.message,
            try: "martlet run PIPELINE --fresh (a slot made anew would leave a gap)")
    }

    private func slotActive(
        _ error: PGError.Server, on connection: PGConnection
    ) -> ReplicationError {
        let pid = (try? slotColumn("active_pid", on: connection)) ?? nil
        return ReplicationError(
            .slotActive, "read the log from slot \(names.slot)", why: error.message,
            try: pid.map { "if that is a link long dead: SELECT pg_terminate_backend(\($0))" })
    }

    /// One column of the slot's row; nil if it is NULL, or there is no slot.
    private func slotColumn(_ column: String, on connection: PGConnection) throws -> String? {
        let name = Self.literal(names.slot)
        let result = try connection.run(
            "SELECT \(column) FROM pg_replication_slots WHERE slot_name = \(name)")
        return result.rowCount == 1 ? result.text(0, 0) : nil
    }

    /// P19: a slot that is ahead is moved on without a word, and what lies between is lost.
    func requireNoGap(before start: LogPosition, on connection: PGConnection) throws {
        guard
            let confirmed = try slotColumn("confirmed_flush_lsn", on: connection)
                .flatMap({ LogPosition(parsing: $0) }), confirmed > start
        else { return }
        throw ReplicationError(
            .positionGap, "read the log from slot \(names.slot)", position: start,
            why: "the slot is ahead, at \(confirmed): what was committed between is lost",
            try: "martlet run PIPELINE --fresh (was the target restored from a backup?)")
    }

    private func invalidated(_ message: String) -> ReplicationError {
        ReplicationError(
            .slotInvalidated, "read the log from slot \(names.slot)", why: message,
            try: "martlet run PIPELINE --fresh (the log that was not read is gone)")
    }

    func publicationMissing() -> ReplicationError {
        ReplicationError(
            .unfitSchema, "read the log through publication \(names.publication)",
            why: "the publication does not exist, or did not where the slot stands",
            try: "martlet run PIPELINE --fresh (changes were made while it was not there)")
    }

    /// One SQLSTATE for many things; the catalogue knows which it is.
    private func notUsable(_ error: PGError.Server, on connection: PGConnection) -> ReplicationError
    {
        let status = (try? slotColumn("wal_status", on: connection)) ?? nil
        if error.sqlState == "58P01" || status == "lost" {
            return invalidated(error.message)
        }
        return ReplicationError(
            .unfitSetting, "read the log from slot \(names.slot)", why: error.message)
    }
}
