internal import CLibPQ
import Foundation
internal import ReplicationEngine
package import ReplicationModel

/// Makes a logical slot and learns what its exported snapshot sees.
///
///     replication connection          importing session           watching session
///     CREATE_REPLICATION_SLOT ...     .                           every 2 s: who is waited for
///       (waits for every open transaction, P38)
///     consistent point, snapshot
///     (idle: keeps the snapshot)      SET TRANSACTION SNAPSHOT
///     .                               pg_current_snapshot()   E
///     .                               .                           pg_current_snapshot()   L
///     close                           ROLLBACK
///
/// E is built from the log: it sees what was committed there before the consistent point. L follows
/// what other sessions see. A transaction can be in E and not yet in L (P36): it is not in the
/// stream either, so chunk snapshots must be made to wait for it (DESIGN 6.1, 6.4).
struct SlotCreation {
    let source: PostgreSQLSource
    let slot: String
    /// Waiting longer means that a transaction has been forgotten somewhere.
    var deadlineSeconds = 600.0
    var reportAfterSeconds = 2.0

    func run() throws -> CaptureStart {
        let isStandby = try source.sessions.use { try $0.isInRecovery() }
        let replication = try PGConnection(
            url: source.url, password: source.password, label: "slot", purpose: .replication)
        let created = try create(replication, isStandby)
        guard let position = LogPosition(parsing: created.string(0, 1)) else {
            throw ReplicationError(
                .protocolViolation, "create the slot \(slot)",
                why: "the answer holds no consistent point")
        }
        guard !isStandby, let exported = created.text(0, 2) else {
            return CaptureStart(place: LogPlace(position: position))
        }
        let early = try snapshot(exported)
        let late = try source.visibility()
        return CaptureStart(
            place: LogPlace(position: position), unseen: early.seen(butNotIn: late))
    }

    private func snapshot(_ exported: String) throws -> Visibility {
        try source.sessions.use { connection in
            try connection.run(
                "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY; "
                    + "SET TRANSACTION SNAPSHOT \(exported.quotedLiteral)")
            let text = try connection.run("SELECT pg_current_snapshot()").string(0, 0)
            try connection.run("ROLLBACK")
            guard let snapshot = Visibility(parsing: text) else {
                throw ReplicationError(
                    .protocolViolation, "read the exported snapshot", why: "it is not a snapshot")
            }
            return snapshot
        }
    }

    /// Options came in parentheses with 15.
    private func statement(_ connection: PGConnection, _ isStandby: Bool) -> String {
        let isNew = connection.serverVersion >= 150000
        let option =
            isStandby
            ? (isNew ? "(SNAPSHOT 'nothing')" : "NOEXPORT_SNAPSHOT")
            : (isNew ? "(SNAPSHOT 'export')" : "EXPORT_SNAPSHOT")
        return "CREATE_REPLICATION_SLOT \(slot.quotedIdentifier) LOGICAL pgoutput \(option)"
    }

    private func create(_ connection: PGConnection, _ isStandby: Bool) throws -> PGResult {
        let sql = statement(connection, isStandby)
        guard PQsendQuery(connection.handle, sql) == 1 else { throw PGError.lost(connection, sql) }
        let start = ContinuousClock.now
        var reported: [String] = []
        while PQisBusy(connection.handle) == 1 {
            if try isReadable(connection, sql) { continue }
            let waited = (ContinuousClock.now - start) / .seconds(1)
            if isStandby { source.logRunningTransactionsAtPrimary() }
            let blockers = try blockers(connection.backendPID)
            guard waited < deadlineSeconds else { throw timeout(connection, blockers) }
            if !blockers.isEmpty, blockers != reported {
                reported = blockers
                source.reportSlotWait(slot, blockers)
            }
        }
        defer { while let more = PQgetResult(connection.handle) { PQclear(more) } }
        do {
            return try PGResult(checking: PQgetResult(connection.handle), on: connection, what: sql)
        } catch let error as PGError.Server { throw explained(error) }
    }

    /// Waits for bytes; false when none came in time.
    private func isReadable(_ connection: PGConnection, _ sql: String) throws -> Bool {
        var descriptor = pollfd(fd: PQsocket(connection.handle), events: Int16(POLLIN), revents: 0)
        guard poll(&descriptor, 1, Int32(reportAfterSeconds * 1000)) > 0 else { return false }
        guard PQconsumeInput(connection.handle) == 1 else { throw PGError.lost(connection, sql) }
        return true
    }

    /// The sessions and prepared transactions that the new slot waits for. `pg_blocking_pids` gives
    /// 0 for a prepared one.
    private func blockers(_ pid: Int32) throws -> [String] {
        try source.sessions.use { connection in
            let result = try connection.query(
                """
                WITH waited AS (SELECT unnest(pg_blocking_pids($1::int)) AS pid)
                SELECT format('pid %s (%s, database %s)', a.pid, coalesce(a.usename, '?'),
                  coalesce(a.datname, '?'))
                FROM pg_stat_activity a WHERE a.pid IN (TABLE waited)
                UNION
                SELECT format('prepared transaction %L in database %s', p.gid, p.database)
                FROM pg_prepared_xacts p WHERE EXISTS (SELECT FROM waited WHERE pid = 0)
                ORDER BY 1
                """, [String(pid)])
            return result.column(0)
        }
    }

    private func timeout(_ connection: PGConnection, _ blockers: [String]) -> ReplicationError {
        // A cancelled creation leaves no slot behind.
        if let request = PQgetCancel(connection.handle) {
            _ = PQcancel(request, nil, 0)
            PQfreeCancel(request)
        }
        let names = blockers.isEmpty ? "transactions" : blockers.joined(separator: "; ")
        return ReplicationError(
            .serverBusy, "create the slot \(slot)",
            why: "after \(Int(deadlineSeconds)) s it still waits for the end of: \(names)",
            try: "end them: SELECT pg_terminate_backend(PID), or ROLLBACK PREPARED 'GID'")
    }

    private func explained(_ error: PGError.Server) -> ReplicationError {
        switch error.sqlState {
        case "53400":
            return ReplicationError(
                .slotExhausted, "create the slot \(slot)", why: error.message,
                try: "drop an unused slot: SELECT pg_drop_replication_slot(slot_name) FROM "
                    + "pg_replication_slots WHERE slot_name = 'NAME' AND NOT active; or "
                    + "ALTER SYSTEM SET max_replication_slots = 20 and restart the server")
        case "42710":
            return ReplicationError(
                .preflight, "create the slot \(slot)", why: error.message,
                try: "if nothing uses it: SELECT pg_drop_replication_slot(\(slot.quotedLiteral))")
        default: return error.replicationError()
        }
    }
}

extension Visibility {
    /// The ids that this snapshot sees and `later` does not, in order.
    package func seen(butNotIn later: Visibility) -> [TransactionID] {
        let above = later.xmax < xmax ? Array(later.xmax.rawValue..<xmax.rawValue) : []
        let invisible = later.running.union(above.map { TransactionID(rawValue: $0) })
        return invisible.filter { sees($0) }.sorted()
    }
}
