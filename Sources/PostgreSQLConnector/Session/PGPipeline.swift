internal import CLibPQ
import Foundation
internal import ReplicationEngine
import ReplicationModel

/// A flight of statements on one connection: libpq's pipeline mode.
///
///     enter -> send ... send -> finish (waits for every answer, leaves pipeline mode)
///
/// Statements run in the order sent; the first failure makes the server skip the rest up to
/// `finish`, which throws it. A statement that touched another number of rows than expected is a
/// failure too; it is noticed when its answer is read, so that later ones may have run: the caller
/// rolls back.
///
/// Output that the socket has not taken stays under 1 MB and answers are read while it waits;
/// otherwise both ends would block on full buffers (I6).
final class PGPipeline {
    /// What a failed statement was, for the caller that sent it.
    struct Failure: Error {
        var tag: Int
        var cause: Cause

        enum Cause {
            case server(any Error)
            /// Rows touched and rows expected.
            case rows(Int64, expected: Int64)
        }
    }

    private struct Expected {
        /// nil: whatever it touches is fine.
        var rows: Int64?
        /// `rows` or fewer are fine.
        var isLimit = false
        var tag: Int
        var what: String
        /// The statement that this answer prepares.
        var preparing: PGPrepared?
        var returns = false
    }

    /// Unflushed output at which sending waits for the socket, in bytes.
    private static let flushLimit = 1 << 20

    let connection: PGConnection
    private var expected: [Expected] = []
    private var answered = 0
    private var unflushed = 0
    private(set) var failure: Failure?
    private var isEntered = false
    /// The last thing read was the nil after a statement's results.
    private var isAtEnd = false

    private var handle: OpaquePointer { connection.handle }

    init(_ connection: PGConnection) { self.connection = connection }

    func enter() throws {
        precondition(!isEntered, "a flight is on its way")
        guard PQenterPipelineMode(handle) == 1, PQsetnonblocking(handle, 1) == 0 else {
            throw PGError.lost(connection, "enter pipeline mode")
        }
        isEntered = true
        failure = nil
        expected.removeAll(keepingCapacity: true)
        answered = 0
        unflushed = 0
        isAtEnd = false
    }

    /// Sends one statement with text parameters, without preparing it.
    func send(_ sql: String, _ parameters: [String?] = [], rows: Int64? = nil, tag: Int) throws {
        guard failure == nil else { return }
        let copies = parameters.map { $0.map { strdup($0) } ?? nil }
        defer { for copy in copies { free(copy) } }
        let sent = copies.map { UnsafePointer($0) }.withUnsafeBufferPointer { values in
            PQsendQueryParams(
                handle, sql, Int32(parameters.count), nil, values.baseAddress, nil, nil, 0)
        }
        try wasSent(sent, Expected(rows: rows, tag: tag, what: sql), bytes: sql.utf8.count)
    }

    /// Sends a prepared statement, preparing it first where needed. `lengths` and `formats` as
    /// libpq takes them; `bytes` is the size of the parameters together; `isLimit` means that fewer
    /// rows than `rows` are fine.
    func send(
        _ statement: PGPrepared, values: UnsafePointer<UnsafePointer<CChar>?>?,
        lengths: UnsafePointer<Int32>?, formats: UnsafePointer<Int32>?, bytes: Int, rows: Int64?,
        isLimit: Bool = false, tag: Int
    ) throws {
        guard failure == nil else { return }
        if !statement.isPrepared { try prepare(statement, tag: tag) }
        let sent = PQsendQueryPrepared(
            handle, statement.name, Int32(statement.types.count), values, lengths, formats, 0)
        try wasSent(
            sent, Expected(rows: rows, isLimit: isLimit, tag: tag, what: statement.sql),
            bytes: bytes + 64)
    }

    private func prepare(_ statement: PGPrepared, tag: Int) throws {
        let sent = PQsendPrepare(
            handle, statement.name, statement.sql, Int32(statement.types.count), statement.types)
        statement.isPrepared = true
        try wasSent(
            sent, Expected(tag: tag, what: statement.sql, preparing: statement),
            bytes: statement.sql.utf8.count + 64)
    }

    private func wasSent(_ result: Int32, _ entry: Expected, bytes: Int) throws {
        guard result == 1 else {
            entry.preparing?.isPrepared = false
            throw PGError.lost(connection, entry.what)
        }
        expected.append(entry)
        unflushed += bytes
        if unflushed > Self.flushLimit { try flush() }
    }

    /// Waits until the socket has taken everything, reading answers meanwhile.
    private func flush() throws {
        while true {
            let state = PQflush(handle)
            guard state >= 0 else { throw PGError.lost(connection, "send statements") }
            if state == 0 { break }
            var waiting = pollfd(
                fd: PQsocket(handle), events: Int16(POLLIN | POLLOUT), revents: 0)
            guard poll(&waiting, 1, -1) >= 0 || errno == EINTR else {
                throw PGError.lost(connection, "wait for the server")
            }
            if waiting.revents & Int16(POLLIN) != 0 { try takeInput() }
        }
        unflushed = 0
    }

    private func takeInput() throws {
        guard PQconsumeInput(handle) == 1 else {
            throw PGError.lost(connection, "read the server's answers")
        }
        while answered < expected.count, PQisBusy(handle) == 0 {
            _ = try take(PQgetResult(handle))
        }
    }

    /// Waits for every answer and leaves pipeline mode; throws the first failure as `Failure`, or
    /// `.connectionLost`.
    ///
    /// `failpoint` is the crash window between the sending and the answers.
    func finish(_ failpoint: Failpoint? = nil) throws {
        guard isEntered else { return }
        isEntered = false
        defer { PQsetnonblocking(handle, 0) }
        guard PQpipelineSync(handle) == 1 else { throw PGError.lost(connection, "end a flight") }
        try flush()
        if let failpoint { Failpoint.hit(failpoint) }
        while try !take(PQgetResult(handle)) {
            guard connection.isAlive else {
                throw PGError.lost(connection, "read the server's answers")
            }
        }
        guard PQexitPipelineMode(handle) == 1 else {
            throw PGError.lost(connection, "leave pipeline mode")
        }
        if let failure { throw failure }
    }

    /// Takes one result; nil ends a statement's results. True for the answer to the sync.
    ///
    /// Two nils in a row, with answers missing: libpq gave up. That is all it says when a write
    /// failed and the server's last words were a notice (an immediate shutdown); the connection's
    /// status stays good.
    private func take(_ result: OpaquePointer?) throws -> Bool {
        guard let result else {
            guard !isAtEnd else { throw PGError.lost(connection, "read the server's answers") }
            isAtEnd = true
            if answered < expected.count, expected[answered].returns { answered += 1 }
            return false
        }
        isAtEnd = false
        defer { PQclear(result) }
        switch PQresultStatus(result) {
        case PGRES_PIPELINE_SYNC: return true
        case PGRES_COMMAND_OK, PGRES_TUPLES_OK: check(result)
        case PGRES_PIPELINE_ABORTED: abandon()
        default: fail(result)
        }
        if answered < expected.count { expected[answered].returns = true }
        return false
    }

    private func check(_ result: OpaquePointer) {
        guard answered < expected.count, let wanted = expected[answered].rows, failure == nil else {
            return
        }
        let found = Self.rows(PQcmdTuples(result))
        let isRight = found == wanted || expected[answered].isLimit && found < wanted
        if !isRight, !Failpoint.isTakenAway(.noRowCountCheck) {
            failure = Failure(
                tag: expected[answered].tag, cause: .rows(found, expected: wanted))
        }
    }

    /// The number in a command tag without making a String of it.
    private static func rows(_ text: UnsafePointer<CChar>?) -> Int64 {
        guard let text else { return 0 }
        return Int64(atoll(text))
    }

    private func abandon() {
        if answered < expected.count { expected[answered].preparing?.isPrepared = false }
    }

    private func fail(_ result: OpaquePointer) {
        guard answered < expected.count else { return }
        let entry = expected[answered]
        entry.preparing?.isPrepared = false
        guard failure == nil else { return }
        failure = Failure(
            tag: entry.tag, cause: .server(PGError.from(result, connection, entry.what)))
    }
}
