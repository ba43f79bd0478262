internal import Foundation
internal import ReplicationEngine
internal import ReplicationModel

/// Who may write for a pipeline, and until when, by the target's clock (I7).
///
///     old holder   begin, check epoch 4 ........ rows ........ [ended]
///     newcomer       lock lease row; lease over?; end old sessions; epoch 5; commit
///     old holder again: register -> waits for the lease row -> epoch 5 -> fenced
///
/// A session is registered before it may write, under the lease row's lock: none can slip in
/// between the ending of the old ones and the new epoch. Should one survive (another role's, which
/// we may not end), the bump waits for its transaction, because that holds `pipeline`'s row.
struct PGLease {
    let connection: PGConnection
    let pipeline: String

    /// How long to wait for one old session to end, in milliseconds; ending aborts a transaction,
    /// which is quick in PostgreSQL whatever it wrote.
    private static let endTimeout = 10_000
    /// How long a lock on our own rows may take before the attempt is given up (and repeated).
    private static let lockTimeout = "SET LOCAL lock_timeout = '20s'"

    /// One transaction; returns the fence and what is stored.
    func acquire(
        setup: PipelineSetup, holder: Holder, seconds: Double
    ) throws -> (PGFence, StoredPipeline) {
        try connection.transaction {
            try connection.run(Self.lockTimeout)
            try lockFree(for: holder)
            try endSessions()
            let fence = PGFence(pipeline: pipeline, epoch: try bump(setup))
            try take(fence, holder, seconds)
            try Self.insertSession(connection, fence)
            let state = try PGStateReader(connection: connection, pipeline: pipeline).read()
            guard let state else { throw fence.violation }
            return (fence, state)
        }
    }

    /// Locks the lease row; throws `.fenced` while it is somebody else's.
    private func lockFree(for newcomer: Holder?) throws {
        try connection.query(
            "INSERT INTO martlet.lease (pipeline, epoch) VALUES ($1, 0) ON CONFLICT DO NOTHING",
            [pipeline])
        let row = try connection.query(
            """
            SELECT host, pid, instance, coalesce(expires > clock_timestamp(), false), \
            to_char(expires, 'YYYY-MM-DD"T"HH24:MI:SS"Z"') \
            FROM martlet.lease WHERE pipeline = $1 FOR UPDATE
            """, [pipeline])
        guard row.boolean(0, 3), let holder = Self.holder(row, 0), holder != newcomer,
            !Self.isDead(holder, seenFrom: newcomer)
        else { return }
        throw ReplicationError(
            .fenced, "take over pipeline '\(pipeline)'",
            why: "process \(holder.pid) on host \(holder.host) holds it "
                + "until \(row.text(0, 4) ?? "?") by the target's clock, and renews that",
            try: "stop process \(holder.pid) on \(holder.host), or wait until its lease has ended")
    }

    /// Only for a process of this host: pids of another one say nothing. A pid that lives may be
    /// somebody else's by now; then the lease has to run out. Our own pid under another instance
    /// is one that was used before us.
    static func isDead(_ holder: Holder, seenFrom newcomer: Holder?) -> Bool {
        guard let newcomer, holder.host == newcomer.host, holder.pid > 0 else { return false }
        if holder.pid == newcomer.pid { return true }
        return kill(holder.pid, 0) == -1 && errno == ESRCH
    }

    static func holder(_ row: PGResult, _ index: Int) -> Holder? {
        guard let host = row.text(index, 0), let pid = row.integer(index, 1),
            let instance = row.text(index, 2)
        else { return nil }
        return Holder(host: host, pid: Int32(truncatingIfNeeded: pid), instance: instance)
    }

    /// A backend is ended only if it began when the recorded one did: pids are used again.
    private func endSessions() throws {
        let ended = try connection.query(
            """
            SELECT s.pid, pg_catalog.pg_terminate_backend(s.pid, \(Self.endTimeout)) \
            FROM martlet.session s JOIN pg_catalog.pg_stat_activity a \
            ON a.pid = s.pid AND a.backend_start = s.backend_start \
            WHERE s.pipeline = $1 AND s.pid <> pg_catalog.pg_backend_pid()
            """, [pipeline])
        for row in 0..<ended.rowCount where !ended.boolean(row, 1) {
            throw ReplicationError(
                .serverBusy, "end the former holder's sessions of pipeline '\(pipeline)'",
                why: "target session \(ended.text(row, 0) ?? "?") did not end within 10 s",
                try: "SELECT pg_terminate_backend(\(ended.text(row, 0) ?? "?"))")
        }
        try connection.query("DELETE FROM martlet.session WHERE pipeline = $1", [pipeline])
    }

    /// The first epoch is the seconds since 2026: a pipeline that was dropped and made again does
    /// not reach an epoch that a process stopped before the drop still believes in.
    private func bump(_ setup: PipelineSetup) throws -> Int64 {
        let bumped = try connection.query(
            "UPDATE martlet.pipeline SET epoch = epoch + 1 WHERE name = $1 RETURNING epoch",
            [pipeline])
        if let epoch = bumped.integer(0, 0), bumped.rowCount == 1 { return epoch }
        let first = try connection.query(
            """
            INSERT INTO martlet.pipeline (epoch, name, phase, slot, publication, \
            publication_is_given, source, configuration, is_consistent) VALUES (extract(epoch FROM \
            clock_timestamp() - timestamptz '2026-01-01 00:00:00+00')::bigint, \
            $1, $2, $3, $4, $5::boolean, $6::jsonb, $7, $8::boolean) RETURNING epoch
            """, [pipeline] + Self.parameters(of: setup))
        guard let epoch = first.integer(0, 0) else {
            throw ReplicationError(
                .internalFault, "store pipeline '\(pipeline)'", why: "INSERT returned no epoch")
        }
        return epoch
    }

    static func parameters(of setup: PipelineSetup) throws -> [String?] {
        let identity = String(decoding: try JSONEncoder().encode(setup.source), as: UTF8.self)
        return [
            setup.phase.rawValue, setup.capture.slot, setup.capture.publication,
            setup.capture.publicationIsGiven ? "t" : "f", identity, setup.configuration,
            setup.isConsistent ? "t" : "f",
        ]
    }

    private func take(_ fence: PGFence, _ holder: Holder, _ seconds: Double) throws {
        try connection.query(
            """
            UPDATE martlet.lease SET epoch = $2::bigint, host = $3, pid = $4::integer, \
            instance = $5, seconds = $6::double precision, \
            expires = clock_timestamp() + make_interval(secs => $6::double precision), \
            state = 'starting', received = NULL, confirmed = NULL, waiting = NULL, error = NULL, \
            reported_at = clock_timestamp() WHERE pipeline = $1
            """,
            fence.parameters + [holder.host, String(holder.pid), holder.instance, String(seconds)])
    }
}

// MARK: What a holder does

extension PGLease {
    /// One statement that names the epoch: it never touches `pipeline`.
    static func renew(_ report: RunReport, _ fence: PGFence, on connection: PGConnection) throws {
        try update(
            """
            expires = clock_timestamp() + make_interval(secs => seconds)
            """, report, fence, on: connection)
    }

    /// The holder's name goes, so that the next start need not wait for the end of the lease.
    static func release(_ report: RunReport, _ fence: PGFence, on connection: PGConnection) throws {
        try update(
            "host = NULL, pid = NULL, instance = NULL, expires = clock_timestamp()",
            report, fence, on: connection)
    }

    private static func update(
        _ lease: String, _ report: RunReport, _ fence: PGFence, on connection: PGConnection
    ) throws {
        let rows = try connection.transaction {
            try connection.query(
                """
                UPDATE martlet.lease SET \(lease), state = $3, received = $4, confirmed = $5, \
                waiting = $6, error = $7, reported_at = clock_timestamp() \
                WHERE pipeline = $1 AND epoch = $2::bigint
                """,
                fence.parameters + [
                    report.state.rawValue, report.received?.description,
                    report.confirmed?.description, report.waiting, report.error,
                ]
            ).affectedRows
        }
        guard rows == 1 else { throw fence.violation }
    }

    /// Records a session of the holder's, so that whoever takes over can end it. Sessions that are
    /// gone are forgotten on the way.
    static func register(_ connection: PGConnection, _ fence: PGFence) throws {
        try connection.transaction {
            try connection.run(lockTimeout)
            let ours = try connection.query(
                """
                SELECT 1 FROM martlet.lease WHERE pipeline = $1 AND epoch = $2::bigint FOR UPDATE
                """, fence.parameters)
            guard ours.rowCount == 1 else { throw fence.violation }
            try connection.query(
                """
                DELETE FROM martlet.session s WHERE pipeline = $1 AND NOT EXISTS \
                (SELECT FROM pg_catalog.pg_stat_activity a WHERE a.pid = s.pid \
                AND (a.backend_start IS NULL OR a.backend_start = s.backend_start))
                """, [fence.pipeline])
            try insertSession(connection, fence)
        }
    }

    private static func insertSession(_ connection: PGConnection, _ fence: PGFence) throws {
        try connection.query(
            """
            INSERT INTO martlet.session (pipeline, pid, backend_start) \
            SELECT $1, pid, backend_start FROM pg_catalog.pg_stat_activity \
            WHERE pid = pg_catalog.pg_backend_pid() \
            ON CONFLICT (pipeline, pid) DO UPDATE SET backend_start = excluded.backend_start
            """, [fence.pipeline])
    }

    /// What a load that has not ended took from the users' tables. Foreign keys come back without a
    /// look at the rows, of which some are missing.
    private func putBack(_ firesNothing: Bool) throws {
        let catalog = TargetCatalog(connection)
        let state = try PGStateReader(connection: connection, pipeline: pipeline).read()
        let tables = state?.tables ?? []
        let found = try catalog.tables(tables.map(\.target))
        for progress in tables {
            guard let table = found[progress.target] else { continue }
            let foreign = table.foreignKeys.filter(\.isTakenOff)
            let rows = TargetKeptRows.putBack(
                table, key: progress.key, firesNothing: firesNothing)
            for statement in rows + foreign.flatMap({ table.putBack($0, isChecked: false) }) {
                try connection.run(statement)
            }
        }
    }

    /// Deletes all rows of the pipeline, in one transaction, and the tables when it was the last.
    /// Refused while a process holds the pipeline, unless that is `holder`'s own.
    func drop(heldBy holder: Holder?) throws {
        let firesNothing = try TargetCatalog(connection).canSetReplicationRole()
        try connection.transaction {
            try connection.run(Self.lockTimeout)
            try lockFree(for: holder)
            try endSessions()
            try putBack(firesNothing)
            for table in ["chunk", "table_state", "checkpoint", "session", "lease"] {
                try connection.query("DELETE FROM martlet.\(table) WHERE pipeline = $1", [pipeline])
            }
            // Older state has no such table, and is dropped as it is.
            if try connection.run("SELECT to_regclass('martlet.lossy')").text(0, 0) != nil {
                try connection.query("DELETE FROM martlet.lossy WHERE pipeline = $1", [pipeline])
            }
            try connection.query("DELETE FROM martlet.pipeline WHERE name = $1", [pipeline])
            let left = try connection.run("SELECT FROM martlet.pipeline LIMIT 1").rowCount
            if left == 0 { try PGStateFormat.remove(connection) }
        }
    }
}
