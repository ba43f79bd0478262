import Foundation
internal import ReplicationModel

/// What the threads of one attempt share, behind one `Monitor`.
struct RunState: Sendable {
    var ledger: MergeLedger
    /// By route index.
    var tables: [TableProgress]
    /// As committed at the target last.
    var checkpoint: Checkpoint
    /// First failure of any thread: ends the attempt.
    var failure: ReplicationError?
    /// Asked to stop: what was received whole until then is applied.
    var drainDeadline: Date?
    var isFinished = false
    /// Why each thread waits, by its name; empty when none does.
    var waiting: [String: String] = [:]
    var confirmed: LogPosition?
    /// TRUNCATEs of each table that the stream has passed: they explain a new file (P47).
    var truncates: [Int: Int] = [:]
    var watch: FingerprintWatch
    var beats = PositionBeats()

    init(
        ledger: MergeLedger, tables: [TableProgress], checkpoint: Checkpoint,
        watch: FingerprintWatch
    ) {
        self.watch = watch
        self.ledger = ledger
        self.tables = tables
        self.checkpoint = checkpoint
    }

    /// Threads other than the stream stop as soon as this is true.
    var isStopping: Bool { failure != nil || drainDeadline != nil || isFinished }

    mutating func fail(_ error: ReplicationError) { if failure == nil { failure = error } }

    mutating func note(_ reason: String?, by thread: String) { waiting[thread] = reason }
}
