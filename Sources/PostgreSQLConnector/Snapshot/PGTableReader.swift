import Foundation
internal import ReplicationEngine
internal import ReplicationModel

/// Reads chunks of tables, each under a snapshot of its own (DESIGN 6.3), on one connection.
///
///     begin:  BEGIN, LOCK TABLE ACCESS SHARE (takes no snapshot yet)
///             SELECT pg_current_snapshot(), fingerprint     <- the snapshot of the chunk
///             SELECT pg_current_wal_insert_lsn()            <- the chunk position
///     copy:   COPY (SELECT ...) TO STDOUT, once or more
///     finish: ROLLBACK (nothing was written)
///
/// The order matters: without the lock first, a rewriting ALTER TABLE that commits between snapshot
/// and COPY makes the old snapshot read 0 rows; a position taken before the snapshot could lie
/// before transactions that the snapshot sees.
///
/// On a standby `pg_current_snapshot()` lists no running transaction and says nothing. There a
/// window is taken (DESIGN 6.6):
///
///     begin:  pg_last_wal_replay_lsn()                      <- everything before it is visible
///             BEGIN, LOCK TABLE, snapshot
///             pg_last_wal_replay_lsn() = R
///     settle: the first greater value than R                <- nothing visible commits after it
///
/// Why greater: a commit is visible a moment before its record counts as replayed. Why not before
/// `finish`: while the lock is held, the log's next record may have to wait for it.
final class PGTableReader: TableReader {
    /// How long a read waits for an ALTER TABLE or the like; then it is tried again later.
    private static let lockTimeout = "10s"
    private static let durabilityDeadlineSeconds = 60.0

    let connection: PGConnection
    let isStandby: Bool
    /// Writes something of no meaning to the log.
    private let nudge: () throws -> Void
    private var orders: [UInt32: (fingerprint: String, order: KeyOrder)] = [:]
    private var pageBytes: UInt64?

    init(_ connection: PGConnection, nudge: @escaping () throws -> Void) throws {
        self.connection = connection
        self.nudge = nudge
        isStandby = try connection.isInRecovery()
        // The costs below would make the server compile a plan that runs once.
        try connection.run("SET jit = off; SET lock_timeout = '\(Self.lockTimeout)'")
    }

    func cut(_ route: TableRoute, after lower: Key?, rows: Int) throws -> Key? {
        guard !route.isKeyless, !route.isOneChunk, rows > 0 else { return nil }
        return try attempt(route) {
            let order = try order(route)
            let range = order.condition("x", KeyRange(after: lower, through: nil))
            let result = try indexed {
                try connection.run(
                    "SELECT \(order.list("x")) FROM \(route.origin) AS x "
                        + (range.map { "WHERE \($0) " } ?? "")
                        + "ORDER BY \(order.list("x")) OFFSET \(rows - 1) LIMIT 1")
            }
            guard result.rowCount == 1 else { return nil }
            return Key(texts: order.columns.indices.map { result.string(0, $0) })
        }
    }

    func begin(_ route: TableRoute) throws -> ChunkSnapshot {
        try attempt(route) {
            let low = isStandby ? try flushed() : nil
            try connection.run(
                "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY; "
                    + "LOCK TABLE \(route.origin) IN ACCESS SHARE MODE")
            Failpoint.hit(.snapshotAwaited)
            let seen = try connection.query(
                """
                SELECT pg_current_snapshot(), \(CatalogFingerprint.expression("c")), \
                pg_is_in_recovery() FROM pg_class c WHERE c.oid = $1::regclass
                """, [route.source.name.quoted])
            guard seen.rowCount == 1, seen.boolean(0, 2) == isStandby else {
                throw ReplicationError(
                    .connectionLost, "take the snapshot of a chunk", table: route.source.name,
                    why: "the server is another than before: a standby was promoted")
            }
            Failpoint.hit(.snapshotTaken)
            return ChunkSnapshot(
                snapshot: try low.map(window) ?? .visibility(visibility(seen)),
                position: try insertPosition(), fingerprint: seen.string(0, 1))
        }
    }

    private func visibility(_ seen: PGResult) throws -> Visibility {
        if let visibility = Visibility(parsing: seen.string(0, 0)) { return visibility }
        throw ReplicationError(
            .protocolViolation, "take the snapshot of a chunk",
            why: "the server's answer is not a snapshot")
    }

    /// A commit record that begins at the replayed position is not yet replayed.
    private func window(_ replayed: LogPosition) -> SourceSnapshot {
        let low = LogPosition(rawValue: max(replayed.rawValue, 1) - 1)
        return .window(low: low, high: low)
    }

    private func insertPosition() throws -> LogPosition {
        if isStandby { return try flushed() }
        let answer = try connection.run("SELECT pg_current_wal_insert_lsn()")
        return try position(answer)
    }

    private func position(_ answer: PGResult) throws -> LogPosition {
        if let position = LogPosition(parsing: answer.string(0, 0)) { return position }
        throw ReplicationError(
            .protocolViolation, "ask for the log's end",
            why: "the server's answer is not a position")
    }

    func copy(
        _ route: TableRoute, _ range: KeyRange, format: RowFormat,
        into sink: (UnsafeRawBufferPointer) throws -> Void
    ) throws -> Int64 {
        try attempt(route) {
            let condition =
                route.isKeyless ? pages("x", range) : try order(route).condition("x", range)
            let columns = route.columns.map { "x." + $0.name.quotedIdentifier }
            let form = format == .copyBinary ? "binary" : "text"
            let sql =
                "COPY (SELECT \(columns.joined(separator: ", ")) FROM \(route.origin) AS x"
                + (condition.map { " WHERE \($0)" } ?? "") + ") TO STDOUT (FORMAT \(form))"
            // Without statistics the planner would read the whole table for every chunk.
            try connection.run("SET enable_seqscan = \(condition == nil ? "on" : "off")")
            var stream = CopyStream(connection, isBinary: format == .copyBinary)
            return try stream.run(sql, into: sink)
        }
    }

    func finish() throws {
        guard connection.isInTransaction else { return }
        do { try connection.run("ROLLBACK") } catch { throw error.asReplicationError() }
    }

    /// Gives up an open transaction; the connection goes with the last reference to the reader.
    func close() { try? finish() }

    // MARK: Durability

    func settle(_ chunk: ChunkSnapshot) throws -> ChunkSnapshot {
        do {
            guard isStandby, case .window(let low, _) = chunk.snapshot else {
                _ = try wait(until: try reachable(chunk.position), nudgingAfter: 1)
                return chunk
            }
            // Whatever a standby has replayed is on its disk.
            let next = LogPosition(rawValue: chunk.position.rawValue + 1)
            let high = try wait(until: next, nudgingAfter: 0.01)
            return ChunkSnapshot(
                snapshot: .window(low: low, high: high), position: high,
                fingerprint: chunk.fingerprint)
        } catch { throw error.asReplicationError() }
    }

    /// An idle open transaction leaves its rows in a part-filled page of the log that nothing
    /// flushes by itself: after a while without progress a message of no meaning is committed.
    private func wait(until needed: LogPosition, nudgingAfter patience: Double) throws
        -> LogPosition
    {
        let start = ContinuousClock.now
        var pause = 0.002
        var nudgeAt = patience
        while true {
            let found = try flushed()
            if found >= needed { return found }
            let waited = (ContinuousClock.now - start) / .seconds(1)
            guard waited < Self.durabilityDeadlineSeconds else { throw notDurable(needed) }
            if waited > nudgeAt {
                try nudge()
                nudgeAt = waited + 2
            }
            Thread.sleep(forTimeInterval: pause)
            pause = min(pause * 2, 0.1)
        }
    }

    private func flushed() throws -> LogPosition {
        let function = isStandby ? "pg_last_wal_replay_lsn" : "pg_current_wal_flush_lsn"
        return try position(try connection.run("SELECT \(function)()"))
    }

    /// At the start of a page the insert position already counts the page's header (24 bytes, 40 in
    /// a segment's first page), which is flushed only with the next record.
    private func reachable(_ position: LogPosition) throws -> LogPosition {
        let page: UInt64
        if let known = pageBytes {
            page = known
        } else {
            let answer = try connection.run("SELECT current_setting('wal_block_size')")
            page = UInt64(answer.integer(0, 0) ?? 8192)
            pageBytes = page
        }
        let inPage = position.rawValue % page
        return inPage <= 40 ? LogPosition(rawValue: position.rawValue - inPage) : position
    }

    private func notDurable(_ position: LogPosition) -> ReplicationError {
        ReplicationError(
            .serverBusy,
            isStandby ? "wait until the standby replays" : "wait until the source's log is on disk",
            position: position,
            why: "not reached within \(Int(Self.durabilityDeadlineSeconds)) s")
    }

    // MARK: Pieces

    private func order(_ route: TableRoute) throws -> KeyOrder {
        if let known = orders[route.source.id], known.fingerprint == route.source.fingerprint {
            return known.order
        }
        let order = try KeyOrder.load(connection, route)
        orders[route.source.id] = (route.source.fingerprint, order)
        return order
    }

    /// Runs a look-up that must go through the index, whatever the statistics say.
    private func indexed<Result>(_ body: () throws -> Result) throws -> Result {
        try connection.run(
            "SET enable_seqscan = off; SET enable_sort = off; SET enable_bitmapscan = off")
        let result = try body()
        try connection.run("RESET enable_sort; RESET enable_bitmapscan")
        return result
    }

    func attempt<Result>(_ route: TableRoute, _ body: () throws -> Result) throws -> Result {
        // What a sink throws is its caller's own and passes as it is.
        do { return try body() } catch let error as PGError.Server {
            var told = error.asReplicationError(table: route.source.name)
            // A standby cancels what its replay must not wait for any longer.
            if isStandby, error.sqlState == "40001" { told.kind = .snapshotGone }
            throw told
        }
    }
}

extension TableRoute {
    /// What rows are read from: a partitioned root as a whole, any other table without the children
    /// that inherit from it (P41).
    var origin: String { (source.isPartitioned ? "" : "ONLY ") + source.name.quoted }
}
