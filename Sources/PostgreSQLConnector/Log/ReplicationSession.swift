internal import CLibPQ
import Foundation
internal import ReplicationModel

/// A replication connection in COPY BOTH, without blocking. One thread at a time.
final class ReplicationSession {
    private let connection: PGConnection
    private let capture: CaptureTarget
    let streaming: StreamingMode
    /// Bytes wait in libpq for the socket to take them.
    private(set) var hasUnsent = false
    private let notices = LogNotices()

    /// Connects and starts the stream.
    ///
    /// - Parameter waitSeconds: how long a slot is waited for that another link holds.
    init(
        _ capture: CaptureTarget, start: LogPosition, allowsStreaming: Bool, waitSeconds: Double
    ) throws {
        connection = try PGConnection(
            url: capture.url, password: capture.password, label: "log", purpose: .replication)
        self.capture = capture
        streaming = allowsStreaming ? .on : .off
        notices.listen(on: connection)
        try capture.mapErrors(on: connection) {
            // A role may silence warnings; one of them says that changes are left out.
            try connection.run("SET client_min_messages = warning")
            try connection.run("SET wal_sender_timeout = '\(capture.senderTimeoutMilliseconds)ms'")
            try capture.requirePublication(on: connection)
            try capture.requireNoGap(before: start, on: connection)
        }
        try capture.retryWhileActive(waitSeconds) {
            try capture.mapErrors(on: connection) {
                try connection.run(capture.startCommand(start, streaming, connection.serverVersion))
            }
        }
        PQsetnonblocking(connection.handle, 1)
    }

    var descriptor: Int32 { connection.descriptor }

    /// The next block; nil if nothing more has arrived.
    func receive() throws -> CopyBlock? {
        if let block = try take() { return block }
        guard PQconsumeInput(connection.handle) == 1 else {
            throw PGError.lost(connection, "read the log")
        }
        return try take()
    }

    private func take() throws -> CopyBlock? {
        var start: UnsafeMutablePointer<CChar>?
        let length = PQgetCopyData(connection.handle, &start, 1)
        if notices.sawSkippedPublication {
            PQfreemem(start)
            throw capture.publicationMissing()
        }
        if length > 0, let start { return CopyBlock(start: start, count: Int(length)) }
        if length == 0 { return nil }
        throw capture.streamError(ending())
    }

    /// Why the server ended the stream.
    private func ending() -> any Error {
        guard let result = PQgetResult(connection.handle) else {
            return PGError.lost(connection, "read the log")
        }
        defer { PQclear(result) }
        switch PQresultStatus(result) {
        case PGRES_FATAL_ERROR, PGRES_BAD_RESPONSE, PGRES_NONFATAL_ERROR:
            return PGError.from(result, connection, "read the log")
        default:
            return ReplicationError(
                .connectionLost, "read the log", why: "the server ended the stream (shutdown)")
        }
    }

    /// Tells the server the confirmed position. Skipped while an earlier one has not left yet: the
    /// server does not read, and a newer one will follow.
    func sendStatus(_ position: LogPosition, asksForReply: Bool) throws {
        try flush()
        guard !hasUnsent else { return }
        let bytes = StandbyStatus.bytes(position, asksForReply: asksForReply)
        let sent = bytes.withUnsafeBytes {
            PQputCopyData(
                connection.handle, $0.baseAddress?.assumingMemoryBound(to: CChar.self),
                Int32($0.count))
        }
        guard sent >= 0 else { throw PGError.lost(connection, "confirm a position") }
        try flush()
    }

    func flush() throws {
        let left = PQflush(connection.handle)
        guard left >= 0 else { throw PGError.lost(connection, "confirm a position") }
        hasUnsent = left == 1
    }

    /// Ends the stream and gives the server a moment to release the slot, so that the next start
    /// does not find it active (P22). What still arrives is passed over: it was not confirmed.
    func finish() {
        guard PQputCopyEnd(connection.handle, nil) == 1 else { return }
        let deadline = Date().addingTimeInterval(0.5)
        while deadline.timeIntervalSinceNow > 0, PQflush(connection.handle) >= 0 {
            var start: UnsafeMutablePointer<CChar>?
            let length = PQgetCopyData(connection.handle, &start, 1)
            if let start { PQfreemem(start) }
            if length < 0 { return waitForEnd(deadline) }
            if length == 0, !waitForInput(deadline) { return }
        }
    }

    private func waitForEnd(_ deadline: Date) {
        while deadline.timeIntervalSinceNow > 0 {
            if PQisBusy(connection.handle) == 1 {
                guard waitForInput(deadline) else { return }
            } else {
                guard let result = PQgetResult(connection.handle) else { return }
                PQclear(result)
            }
        }
    }

    private func waitForInput(_ deadline: Date) -> Bool {
        var entry = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        let milliseconds = max(0, Int32(deadline.timeIntervalSinceNow * 1000))
        return poll(&entry, 1, milliseconds) > 0 && PQconsumeInput(connection.handle) == 1
    }
}

/// One block of COPY data, in libpq's memory.
struct CopyBlock: ~Copyable {
    private let start: UnsafeMutablePointer<CChar>
    private let count: Int

    init(start: UnsafeMutablePointer<CChar>, count: Int) {
        self.start = start
        self.count = count
    }

    deinit { PQfreemem(start) }

    /// Valid while the block lives.
    var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: start, count: count) }
}
