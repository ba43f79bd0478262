import Foundation
internal import ReplicationEngine
internal import ReplicationModel
import Synchronization

/// The reading thread's work: receives, decodes, hands batches over, and keeps the link alive.
///
/// Handed: a replication session. Hands on: batches and the error that ended it, through `LogLink`.
///
///     read all that has arrived --dry--> hand over whole transactions --> wait (<= 1 s) --+
///       ^   \--batch full--> wait for the slot; no reading, but status updates (P21)      |
///       +----------------------------------------------------------------------------------+
///
/// Only `link.confirmed` is ever confirmed (I2). Where the log moves on without a transaction of
/// ours (P15), the position of the server's keepalive goes to the consumer as an empty mark, in
/// order with everything else (P14), and comes back as a confirmation like any other.
final class LogReceiver: @unchecked Sendable {  // Belongs to its thread once it was started.
    struct Settings: Sendable {
        var spoolDirectory: String
        var spoolBytes: Int64
        var limits: BatchLimits
        /// Between two status updates that nobody asked for.
        var statusSeconds: Double
    }

    private struct Stopped: Error {}

    /// An idle position is worth a commit at the target now and then, not more often.
    private static let idleMarkSeconds = 2.0
    /// A waiting consumer gets a batch of this size though more can be read.
    private static let worthwhileChanges = 1_000
    /// How much the socket may gather while nobody waits: about 100 rows of a busy server. Woken
    /// for each message, both ends spend more on waking than on the message.
    private static let gatherMicroseconds: UInt32 = 300
    /// How long after `close` confirmations are still passed on.
    static let lingerSeconds = 10.0

    private let target: CaptureTarget
    let link: LogLink
    private let spool: StreamSpool
    var session: ReplicationSession
    private var decoder: LogDecoder
    let deadLinkSeconds: Double
    let statusSeconds: Double

    /// Newest keepalive; zero before the first.
    var keepalive = LogPosition.zero
    /// The server asked for a reply and has not been told yet what it waits for.
    var serverWaits = false
    var lastSent = LogPosition.zero
    var lastStatus = 0.0
    private var lastMark = Clock.seconds
    private var pace = HandOverPace()
    var lastHeard = Clock.seconds
    /// Last position that went into a batch.
    var lastQueued: LogPosition

    init(_ target: CaptureTarget, link: LogLink, settings: Settings) throws {
        self.target = target
        self.link = link
        session = try ReplicationSession(
            target, start: link.confirmed, allowsStreaming: settings.spoolBytes > 0,
            waitSeconds: CaptureTarget.activeWaitSeconds)
        // Only who holds the slot may delete files that an earlier reader of it left.
        spool = try StreamSpool(
            directory: settings.spoolDirectory, slot: target.names.slot, limit: settings.spoolBytes)
        lastQueued = link.confirmed
        decoder = LogDecoder(
            start: link.confirmed, streaming: session.streaming, limits: settings.limits)
        statusSeconds = settings.statusSeconds
        // Longer than any pause of a living server; PostgreSQL's own receiver waits 60 s.
        deadLinkSeconds = max(60, Double(target.senderTimeoutMilliseconds) / 1000 * 4)
    }

    /// Runs until `close` or an error.
    func run() {
        do {
            do { try follow() } catch is Stopped {}
            handOverRest()
            // A link that breaks now breaks nothing: what is not confirmed comes again.
            try? linger()
        } catch {
            handOverRest()
            link.fail(error.asReplicationError(position: link.received))
        }
        spool.discardAll()
        session.finish()
        link.endDeliveries()
    }

    private func follow() throws {
        while !link.isClosing {
            do {
                try readAvailable()
                try whenDry()
            } catch is StreamSpool.Overflow {
                try reconnectWithoutStreaming()
            }
        }
    }

    /// Reads until nothing more has arrived.
    private func readAvailable() throws {
        var count = 0
        while let block = try session.receive() {
            try handle(block.bytes)
            count &+= 1
            if count & 0xFF == 0 { try sendStatusIfDue() }
            if link.isClosing { throw Stopped() }
        }
        if count > 0 { lastHeard = Clock.seconds }
    }

    /// From here on the server keeps open transactions itself. What was delivered comes again from
    /// the confirmed position on, and is passed over.
    private func reconnectWithoutStreaming() throws {
        session.finish()
        spool.discardAll()
        session = try ReplicationSession(
            target, start: link.confirmed, allowsStreaming: false, waitSeconds: 30)
        decoder.restart(streaming: session.streaming)
        keepalive = .zero
        lastHeard = Clock.seconds
    }
}

// MARK: Frames and messages

extension LogReceiver {
    private func handle(_ bytes: UnsafeRawBufferPointer) throws {
        let frame: ReplicationFrame
        do { frame = try ReplicationFrame(bytes) } catch {
            throw error.replicationError(at: link.received, type: bytes.first)
        }
        switch frame {
        case .data(let position, let message):
            link.noteReceived(position)
            try act(on: decode(message, at: position))
        case .keepalive(let end, let replyRequested):
            link.noteReceived(end)
            keepalive = end
            if replyRequested { try reply() }
        }
    }

    private func decode(
        _ message: UnsafeRawBufferPointer, at position: LogPosition
    ) throws -> LogDecoder.Outcome {
        do { return try decoder.decode(message) } catch {
            throw error.replicationError(at: position, type: message.first)
        }
    }

    private func act(on outcome: LogDecoder.Outcome) throws {
        switch outcome {
        case .consumed: if decoder.builder.isFull { try handOverFull() }
        case .transactionEnded(let inParts): try transactionEnded(inParts: inParts)
        case .streamStarted(let xid): spool.begin(xid)
        case .streamed(let subxid, let type, let body):
            try spool.append(subxid: subxid, arrival: decoder.arrivals, type: type, body: body)
        case .streamStopped: try spool.end()
        case .streamAborted(let abort): spool.abort(abort.xid, subxid: abort.subxid)
        case .streamCommitted(let commit): try replay(commit)
        }
    }

    private func replay(_ commit: StreamCommitMessage) throws {
        defer { spool.discard(commit.xid) }
        guard !decoder.isOld(commit) else { return decoder.pass(commit) }
        decoder.beginReplay(commit)
        var count = 0
        try spool.replay(commit.xid) { message, arrival in
            do throws(MalformedMessage) {
                try decoder.replay(message, arrival: arrival)
            } catch {
                throw error.replicationError(at: commit.commitPosition, type: message.first)
            }
            if decoder.builder.isFull { try handOverFull() }
            count &+= 1
            if count & 0xFF == 0 { try sendStatusIfDue() }
            if link.isClosing { throw Stopped() }
        }
        try transactionEnded(inParts: decoder.endReplay())
    }
}

// MARK: Handing over

extension LogReceiver {
    private func transactionEnded(inParts: Bool) throws {
        lastQueued = max(lastQueued, decoder.lastEnd)
        if inParts || decoder.builder.isFull {
            try handOverFull()
        } else if link.isConsumerWaiting.load(ordering: .relaxed),
            decoder.builder.batch.changes.count >= Self.worthwhileChanges, link.hasRoom()
        {
            put(decoder.builder.takeWhole())
        }
    }

    private func put(_ batch: ChangeBatch) {
        pace.put(changes: batch.changes.count, at: Clock.seconds)
        link.put(batch)
    }

    /// Waits for the slot. Meanwhile nothing is received, and the link is kept alive (P21).
    private func handOverFull() throws {
        while !link.hasRoom() {
            try sendStatusIfDue()
            if link.isClosing { throw Stopped() }
            link.wait(nil, milliseconds: millisecondsToStatus)
        }
        let isPart = !decoder.builder.hasWholeTransactions
        put(isPart ? decoder.builder.takePart() : decoder.builder.takeWhole())
        lastHeard = Clock.seconds
    }

    /// Nothing more has arrived: whole transactions go on at once, then the thread waits.
    private func whenDry() throws {
        markIdlePosition()
        var milliseconds = millisecondsToStatus
        if decoder.builder.hasWholeTransactions {
            let delay = pace.delay(
                holdsOnlyFiller: decoder.builder.holdsOnlyFiller, at: Clock.seconds)
            if serverWaits || delay <= 0, link.hasRoom() {
                pace.putWhenDry(at: Clock.seconds)
                put(decoder.builder.takeWhole())
            } else if !serverWaits, delay > 0 {
                milliseconds = min(milliseconds, Int32(delay * 1000) + 1)
            }
        }
        try sendStatusIfDue()
        try checkLink()
        gather()
        link.wait(
            session.descriptor, alsoWritable: session.hasUnsent, milliseconds: milliseconds)
    }

    /// Lets the socket fill while a flood runs. Without one, or when a batch could be handed over
    /// now, every message counts at once.
    private func gather() {
        guard pace.isFlood, !decoder.builder.isEmpty else { return }
        usleep(Self.gatherMicroseconds)
    }

    /// P15: the log has moved on without us. P16: no transaction may be open, here or in the spool.
    private func markIdlePosition() {
        guard keepalive > lastQueued, decoder.isIdle, spool.isEmpty else { return }
        guard serverWaits || Clock.seconds - lastMark >= Self.idleMarkSeconds else { return }
        decoder.builder.filler(at: keepalive)
        lastQueued = keepalive
        lastMark = Clock.seconds
    }

    /// What is received whole is still delivered; what is not, comes again (I3).
    private func handOverRest() {
        decoder.builder.dropOpen()
        if decoder.builder.hasWholeTransactions { link.put(decoder.builder.takeWhole()) }
        spool.discardAll()
    }
}

/// Seconds on a clock that only runs forward.
enum Clock {
    static var seconds: Double { Double(DispatchTime.now().uptimeNanoseconds) / 1e9 }
}
