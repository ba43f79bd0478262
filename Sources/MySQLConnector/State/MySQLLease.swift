internal import Foundation
internal import ReplicationEngine
internal import ReplicationModel

/// Who may write for a pipeline, and until when, by the target's clock (I7).
///
///     old holder   begin, check epoch 4 ........ rows ........ [killed]
///     newcomer       lock lease row; lease over?; end old sessions; epoch 5; commit
///     old holder again: register -> waits for the lease row -> epoch 5 -> fenced
///
/// A session is registered before it may write, under the lease row's lock: none can slip in
/// between the ending of the old ones and the new epoch. That is also what fences DDL, which
/// commits by itself and drops every lock: the session that would run it is gone. Should one
/// survive (another user's, which we may not end), the bump waits for its transaction, because
/// that holds `pipeline`'s row.
struct MySQLLease {
    let connection: MySQLConnection
    let place: StatePlace
    let pipeline: String

    /// How long to wait for the old sessions to end. Ending one undoes what it wrote.
    private static let endTimeoutSeconds = 20.0

    private var name: String { SQLText.literal(pipeline) }
    private func table(_ table: String) -> String { place.table(table) }

    /// One transaction; returns the fence and what is stored.
    func acquire(
        setup: PipelineSetup, holder: Holder, seconds: Double
    ) throws -> (MySQLFence, StoredPipeline) {
        try connection.inTransaction {
            try lockFree(for: holder)
            try endSessions()
            let fence = MySQLFence(place: place, pipeline: pipeline, epoch: try bump(setup))
            try take(fence, holder, seconds)
            try Self.insertSession(connection, fence)
            let reader = MySQLStateReader(connection: connection, place: place, pipeline: pipeline)
            guard let state = try reader.read() else { throw fence.violation }
            return (fence, state)
        }
    }

    /// Locks the lease row; throws `.fenced` while it is somebody else's. ON DUPLICATE KEY takes
    /// the row's lock at once: a shared one first would be a deadlock of two newcomers.
    private func lockFree(for newcomer: Holder?) throws {
        try connection.run(
            "INSERT INTO \(table("lease")) (pipeline, epoch) VALUES (\(name), 0) "
                + "ON DUPLICATE KEY UPDATE epoch = epoch")
        let row = try connection.query(
            """
            SELECT host, pid, instance, COALESCE(expires > NOW(6), 0), \
            DATE_FORMAT(expires, '%Y-%m-%dT%H:%i:%sZ') \
            FROM \(table("lease")) WHERE pipeline = \(name) FOR UPDATE
            """)
        guard row.text(0, 3) == "1", let holder = Self.holder(row, 0), holder != newcomer,
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

    static func holder(_ row: MySQLResult, _ index: Int) -> Holder? {
        guard let host = row.text(index, 0), let pid = row.integer(index, 1),
            let instance = row.text(index, 2)
        else { return nil }
        return Holder(host: host, pid: Int32(truncatingIfNeeded: pid), instance: instance)
    }

    /// Kills whoever holds the lock of a recorded session, and waits until nobody does.
    private func endSessions() throws {
        let locks = try connection.query(
            "SELECT lock_name FROM \(table("session")) WHERE pipeline = \(name)"
        ).column(0)
        let deadline = Date(timeIntervalSinceNow: Self.endTimeoutSeconds)
        for lock in locks {
            var wasKilled = false
            while let session = try holder(of: lock) {
                if !wasKilled { try end(session) }
                wasKilled = true
                guard Date() < deadline else { throw stillThere(session) }
                // The server has no call that waits for the end of a session.
                usleep(10_000)
            }
        }
        try connection.run("DELETE FROM \(table("session")) WHERE pipeline = \(name)")
    }

    private func holder(of lock: String) throws -> Int64? {
        let row = try connection.query(
            "SELECT IS_USED_LOCK(\(SQLText.literal(lock))), CONNECTION_ID()")
        return row.integer(0, 0) == row.integer(0, 1) ? nil : row.integer(0, 0)
    }

    private func end(_ session: Int64) throws {
        do { try connection.run("KILL CONNECTION \(session)") } catch let error
            as MySQLError.Server where error.code == 1094
        {}  // NO_SUCH_THREAD: it has ended
    }

    private func stillThere(_ session: Int64) -> ReplicationError {
        ReplicationError(
            .serverBusy, "end the former holder's sessions of pipeline '\(pipeline)'",
            why: "target session \(session) did not end within "
                + "\(Int(Self.endTimeoutSeconds)) s: it undoes what it wrote",
            try: "KILL CONNECTION \(session)")
    }

    /// The first epoch is the seconds since 2026: a pipeline that was dropped and made again does
    /// not reach an epoch that a process stopped before the drop still believes in.
    private func bump(_ setup: PipelineSetup) throws -> Int64 {
        let bumped = try connection.run(
            "UPDATE \(table("pipeline")) SET epoch = epoch + 1 WHERE name = \(name)")
        if bumped.affectedRows == 0 {
            let values = try Self.assignments(of: setup)
            try connection.run(
                "INSERT INTO \(table("pipeline")) (name, epoch, created_at, "
                    + SQLText.list(values.map(\.column))
                    + ") VALUES (\(name), TIMESTAMPDIFF(SECOND, '2026-01-01', NOW()), NOW(6), "
                    + SQLText.list(values.map(\.literal)) + ")")
        }
        let row = try connection.query(
            "SELECT epoch FROM \(table("pipeline")) WHERE name = \(name)")
        guard row.rowCount == 1, let epoch = row.integer(0, 0) else {
            throw ReplicationError(
                .internalFault, "store pipeline '\(pipeline)'", why: "it has no epoch")
        }
        return epoch
    }

    static func assignments(
        of setup: PipelineSetup
    ) throws -> [(column: String, literal: String)] {
        [
            ("phase", SQLText.literal(setup.phase.rawValue)),
            ("slot", SQLText.literal(setup.capture.slot)),
            ("publication", SQLText.literal(setup.capture.publication)),
            ("publication_is_given", SQLText.literal(setup.capture.publicationIsGiven)),
            ("source", SQLText.literal(try MySQLStateCoding.json(setup.source))),
            ("configuration", SQLText.literal(setup.configuration)),
            ("is_consistent", SQLText.literal(setup.isConsistent)),
        ]
    }

    private func take(_ fence: MySQLFence, _ holder: Holder, _ seconds: Double) throws {
        try connection.run(
            """
            UPDATE \(table("lease")) SET epoch = \(fence.epoch), \
            host = \(SQLText.literal(holder.host)), pid = \(holder.pid), \
            instance = \(SQLText.literal(holder.instance)), seconds = \(seconds), \
            expires = \(Self.expiry("\(seconds)")), state = 'starting', received = NULL, \
            confirmed = NULL, waiting = NULL, error = NULL, reported_at = NOW(6) \
            WHERE pipeline = \(name)
            """)
    }

    private static func expiry(_ seconds: String) -> String {
        "TIMESTAMPADD(MICROSECOND, \(seconds) * 1000000, NOW(6))"
    }
}

// MARK: What a holder does

extension MySQLLease {
    /// One statement that names the epoch: it never touches `pipeline`.
    static func renew(
        _ report: RunReport, _ fence: MySQLFence, on connection: MySQLConnection
    ) throws {
        try update("expires = \(expiry("seconds"))", report, fence, connection)
    }

    /// The holder's name goes, so that the next start need not wait for the end of the lease.
    static func release(
        _ report: RunReport, _ fence: MySQLFence, on connection: MySQLConnection
    ) throws {
        try update(
            "host = NULL, pid = NULL, instance = NULL, expires = NOW(6)", report, fence, connection)
    }

    private static func update(
        _ lease: String, _ report: RunReport, _ fence: MySQLFence, _ connection: MySQLConnection
    ) throws {
        let found = try connection.run(
            """
            UPDATE \(fence.place.table("lease")) SET \(lease), \
            state = \(SQLText.literal(report.state.rawValue)), \
            received = \(SQLText.literal(report.received?.description)), \
            confirmed = \(SQLText.literal(report.confirmed?.description)), \
            waiting = \(SQLText.literal(report.waiting)), \
            error = \(SQLText.literal(report.error)), reported_at = NOW(6) \
            WHERE pipeline = \(SQLText.literal(fence.pipeline)) AND epoch = \(fence.epoch)
            """)
        guard found.affectedRows == 1 else { throw fence.violation }
    }

    /// Records the session, so that whoever takes over can end it. Before its first write.
    static func register(_ connection: MySQLConnection, _ fence: MySQLFence) throws {
        try connection.inTransaction {
            let lease = try connection.query(
                "SELECT 1 FROM \(fence.place.table("lease")) WHERE epoch = \(fence.epoch) AND "
                    + "pipeline = \(SQLText.literal(fence.pipeline)) FOR UPDATE")
            guard lease.rowCount == 1 else { throw fence.violation }
            try insertSession(connection, fence)
        }
    }

    /// The lock is held until the connection ends, whatever ends it.
    private static func insertSession(
        _ connection: MySQLConnection, _ fence: MySQLFence
    ) throws {
        let lock = SQLText.literal("martlet-" + UUID().uuidString.lowercased())
        guard try connection.query("SELECT GET_LOCK(\(lock), 0)").text(0, 0) == "1" else {
            throw ReplicationError(
                .internalFault, "record a session at the target", why: "its lock is taken")
        }
        try connection.run(
            "INSERT INTO \(fence.place.table("session")) (pipeline, lock_name) VALUES "
                + "(\(SQLText.literal(fence.pipeline)), \(lock))")
    }

    /// Deletes all rows of the pipeline, in one transaction. The tables stay: dropping them would
    /// commit by itself, and another process may just be using them. Rows that a load which has not
    /// ended set aside go back. Refused while a process holds the pipeline, unless that is
    /// `holder`'s own.
    func drop(heldBy holder: Holder?) throws {
        let removals = try connection.inTransaction {
            try lockFree(for: holder)
            try endSessions()
            let removals = try putBackRows()
            for table in MySQLStateFormat.tables {
                try connection.run("DELETE FROM \(place.table(table)) WHERE pipeline = \(name)")
            }
            try connection.run("DELETE FROM \(table("pipeline")) WHERE name = \(name)")
            return removals
        }
        for statement in removals { try connection.run(statement) }
    }

    /// What is left to do when that has committed.
    private func putBackRows() throws -> [String] {
        let reader = MySQLStateReader(connection: connection, place: place, pipeline: pipeline)
        let kept = TargetKeptRows(connection: connection, place: place)
        let catalog = TargetCatalog(connection: connection)
        return try (reader.read()?.tables ?? []).compactMap { table in
            guard let stored = try catalog.table(table.target) else { return nil }
            return try kept.putBackNow(stored, key: table.key)
        }
    }
}
