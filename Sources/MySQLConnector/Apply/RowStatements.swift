internal import ReplicationEngine
internal import ReplicationModel

/// A statement that touched another number of rows than it should, or that the server did with a
/// warning.
struct StatementFault: Error {
    enum Cause {
        case rows(found: Int64, expected: Int64)
        case server(any Error)
    }

    var cause: Cause
}

/// Runs statements that change rows, and checks what they did (I5).
final class RowStatements {
    let connection: MySQLConnection
    /// The text being put together.
    var text: [UInt8] = []
    /// What a statement may be long; a single row may be longer, up to what the server takes.
    let shareBytes: Int
    private let packetBytes: Int

    private static let keptBytes = 1 << 20

    init(_ connection: MySQLConnection) {
        self.connection = connection
        let limit = connection.facts.variable("max_allowed_packet").flatMap { Int($0) }
        packetBytes = limit ?? 1 << 22
        shareBytes = min(packetBytes / 2, 1 << 20)
    }

    /// Runs `text` and empties it.
    ///
    /// - Parameter expected: rows that it must touch.
    func run(expecting expected: Int64, table: AppliedTable) throws {
        try run(expecting: expected...expected, table: table)
    }

    func run(expecting expected: ClosedRange<Int64>, table: AppliedTable) throws {
        defer { reset() }
        guard text.count < packetBytes else {
            throw ReplicationError(
                .unfitSetting, "send a row to the target", table: table.name,
                why: "it takes \(text.count) bytes, and max_allowed_packet is \(packetBytes)",
                try: "raise max_allowed_packet at the target (at most 1 GB), then run again")
        }
        do {
            let outcome = try text.withUnsafeBytes { try connection.run(bytes: $0) }
            if outcome.warnings > 0 { throw try warning() }
            guard !expected.contains(outcome.affectedRows), !Failpoint.isTakenAway(.noRowCountCheck)
            else { return }
            throw StatementFault(
                cause: .rows(found: outcome.affectedRows, expected: expected.upperBound))
        } catch let error as StatementFault { throw error } catch {
            throw StatementFault(cause: .server(error))
        }
    }

    /// A conversion that loses something is a warning, or a note, where the mode does not make it
    /// an error (A43); LOAD DATA LOCAL turns every error of a row into one.
    func warning() throws -> any Error {
        let rows = try connection.query("SHOW WARNINGS LIMIT 1")
        let code = rows.integer(0, 1).flatMap { UInt32(exactly: $0) } ?? 1265
        return MySQLError.Server(
            code: code, sqlState: "22000", message: rows.text(0, 2) ?? "a warning",
            statement: "write rows")
    }

    private func reset() {
        if text.capacity > Self.keptBytes {
            text = []
        } else {
            text.removeAll(keepingCapacity: true)
        }
    }

    func append(_ words: String) { text.append(contentsOf: words.utf8) }
}
