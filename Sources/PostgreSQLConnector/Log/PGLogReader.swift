import Foundation
package import ReplicationEngine
package import ReplicationModel

/// PostgreSQL's log: a logical slot read with pgoutput over the replication protocol.
///
/// Opens the stream in `init`, then runs a thread of its own (`pg-log`). Batches hold up to a third
/// of `memoryShare` each: one is built, one waits, one is with the consumer.
///
/// A `TransactionMark` without changes whose xid is 0 stands for no transaction: it only says that
/// the log is read up to its `endPosition` (P15). It is made durable and confirmed like any other.
///
/// After `close`, confirmations still reach the server until all that was delivered is confirmed,
/// for 10 s at most. The slot is free when the last reference is gone.
package final class PGLogReader: ChangeSource {
    private static let batchChanges = 20_000

    private let link: LogLink

    /// - Parameters:
    ///   - url: what libpq takes.
    ///   - password: overrides `PGPASSFILE` and the URL.
    ///   - start: what is durable at the target; transactions that end there or before are dropped.
    ///   - spoolDirectory: made if it is not there.
    ///   - spoolMax: bytes of open transactions that are stored here. Beyond, and if it is 0, the
    ///     server stores them.
    ///   - memoryShare: bytes.
    ///   - senderTimeoutMilliseconds: `wal_sender_timeout` of the session: how long a dead client
    ///     keeps the slot.
    ///   - statusSeconds: between two status updates that nobody asked for.
    /// - Throws: `ReplicationError`: `.slotActive`, `.slotMissing`, `.slotInvalidated`,
    ///   `.unfitSchema` (no such publication), or what a connection throws.
    package init(
        url: String, password: String?, capture: CaptureNames, start: LogPosition,
        spoolDirectory: String, spoolMax: Int64, memoryShare: Int, senderTimeoutMilliseconds: Int,
        statusSeconds: Double = 1
    ) throws {
        let target = CaptureTarget(
            url: url, password: password, names: capture,
            senderTimeoutMilliseconds: senderTimeoutMilliseconds)
        let limits = BatchLimits(
            bytes: max(64 << 10, memoryShare / 3), changes: Self.batchChanges)
        link = try LogLink(start: start)
        let receiver: LogReceiver
        do {
            receiver = try LogReceiver(
                target, link: link,
                settings: .init(
                    spoolDirectory: spoolDirectory, spoolBytes: spoolMax, limits: limits,
                    statusSeconds: statusSeconds))
        } catch {
            throw error.asReplicationError(position: start)
        }
        WorkerThread.start("pg-log") { receiver.run() }
    }

    deinit { link.abandon() }

    package func next(timeout: Double) throws -> ChangeBatch? { try link.take(timeout: timeout) }

    package func confirm(_ position: LogPosition) { link.confirm(position) }

    package var received: LogPosition { link.received }

    package func close() { link.close() }
}
