import Foundation
internal import ReplicationModel

/// What the reading thread and the consumer share: the decoder, behind one lock.
///
///     reader    read event (blocks) -> lock: decode -> batch full? wait until it is taken
///     consumer  lock: whole transactions there? take them, else wait
///
/// The consumer takes whatever is whole at the moment it asks: when it is slow, batches are large.
/// There is no queue between the two, and a reader that waits for the server holds nothing back.
final class BinlogLink: @unchecked Sendable {  // `condition` guards everything below it.
    /// A position without a transaction is worth a commit at the target now and then.
    private static let fillerSeconds = 0.5

    private let session: BinlogSession
    private let condition = NSCondition()
    private var decoder: BinlogDecoder
    private var failure: ReplicationError?
    private var isClosing = false
    private var hasEnded = false
    /// The last part of a large transaction: nothing may come behind it in its batch.
    private var endsParts = false
    private var lastTaken = Date.distantPast
    private var newest: LogPosition
    /// Where the last mark ends.
    private var marked: LogPosition

    init(_ session: BinlogSession, received: LogPosition, decoder: consuming BinlogDecoder) {
        self.session = session
        self.decoder = decoder
        newest = received
        marked = received
    }

    private func locked<Result>(_ body: () throws -> Result) rethrows -> Result {
        condition.lock()
        defer { condition.unlock() }
        return try body()
    }

    var received: LogPosition { locked { newest } }

    /// Ends reading; what is whole is still delivered.
    func close() {
        locked {
            isClosing = true
            condition.broadcast()
        }
        session.stop()
    }
}

// MARK: The reading thread

extension BinlogLink {
    /// Runs until `close` or an error.
    func run() {
        do {
            while try take(session.next()) {}
            end(nil)
        } catch {
            var failure = error.asReplicationError(position: received)
            failure.position = failure.position ?? received
            end(failure)
        }
    }

    private func end(_ error: ReplicationError?) {
        session.stop()
        locked {
            // What is not whole comes again (I3).
            decoder.builder.dropOpen()
            if !isClosing { failure = error }
            hasEnded = true
            condition.broadcast()
        }
    }

    /// - Returns: false when no more is wanted.
    private func take(_ event: UnsafeRawBufferPointer) throws -> Bool {
        try locked {
            do {
                try decode(event)
            } catch let error as MalformedEvent {
                throw error.replicationError(at: decoder.place)
            }
            if let position = try? decoder.eventEnd() { newest = max(newest, position) }
            return !isClosing
        }
    }

    private func decode(_ event: UnsafeRawBufferPointer) throws {
        switch try decoder.decode(event) {
        case .payload:
            while let outcome = try decoder.decodePayload() { try handle(outcome) }
        case .heartbeat where decoder.isIdle && decoder.builder.isEmpty: try markPosition()
        case let outcome: try handle(outcome)
        }
    }

    private func handle(_ outcome: BinlogDecoder.Outcome) throws {
        if outcome == .passed { try markPosition() }
        if case .transactionEnded(let inParts) = outcome {
            endsParts = inParts
            if let position = try? decoder.eventEnd() { marked = max(marked, position) }
        }
        if decoder.builder.hasWholeTransactions { condition.signal() }
        while decoder.builder.isFull || endsParts, !isClosing {
            condition.signal()
            condition.wait()
        }
    }

    /// P15's like: files begin with events that belong to no transaction, and whoever waits for the
    /// log's end waits for these too, and for groups
    /// that are applied, of another server's log.
    private func markPosition() throws {
        let position = try decoder.eventEnd()
        guard position > marked else { return }
        decoder.builder.filler(from: marked, to: position)
        marked = position
        condition.signal()
    }
}

// MARK: The consumer

extension BinlogLink {
    func next(timeout: Double) throws -> ChangeBatch? {
        let deadline = Date().addingTimeInterval(timeout)
        return try locked {
            while true {
                if let batch = takeBatch() { return batch }
                if let failure { throw failure }
                if hasEnded { return nil }
                guard condition.wait(until: nextLook(deadline)) || Date() < deadline else {
                    return takeBatch()
                }
            }
        }
    }

    private func takeBatch() -> ChangeBatch? {
        if decoder.builder.hasWholeTransactions {
            guard !decoder.builder.holdsOnlyFiller || isFillerDue || hasEnded else { return nil }
            return taken(decoder.builder.takeWhole())
        }
        guard decoder.builder.isFull, decoder.builder.hasOpen else { return nil }
        return taken(decoder.builder.takePart())
    }

    private func taken(_ batch: ChangeBatch) -> ChangeBatch {
        endsParts = false
        lastTaken = Date()
        condition.broadcast()
        return batch
    }

    private var isFillerDue: Bool { -lastTaken.timeIntervalSinceNow >= Self.fillerSeconds }

    /// A filler that waits is looked at again when it is due.
    private func nextLook(_ deadline: Date) -> Date {
        guard decoder.builder.holdsOnlyFiller else { return deadline }
        return min(deadline, lastTaken.addingTimeInterval(Self.fillerSeconds))
    }
}
