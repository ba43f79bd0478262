internal import Foundation
package import ReplicationEngine
package import ReplicationModel
internal import Synchronization

/// A database file of SQLite as target: Martlet's state (tables `martlet_...`), the schema,
/// sessions that write rows.
///
/// One target object serves one pipeline, from `acquire` on. Its writers take turns (`WriteLock`);
/// other processes' locks are waited for `busySeconds`, then `.targetUnavailable` names the file.
/// Readers are never blocked (WAL). Reads open a read-only session each and never make the file.
///
/// Commits are written to the log at once and synced when they are asked to be durable: one sync
/// makes every earlier commit durable as well, so a later durable commit is never older (A03).
package final class SQLiteTarget: ReplicationTarget {
    package let path: String
    let busySeconds: Double
    let writeLock = WriteLock()
    private let owned = Mutex<Ownership?>(nil)

    /// - Parameters:
    ///   - path: the file; made by `prepare` if it is missing, its directory is not.
    ///   - busySeconds: how long another process's write lock is waited for.
    package init(path: String, busySeconds: Double = 10) {
        self.path = path
        self.busySeconds = busySeconds
    }

    package func prepare() throws {
        try writing("make Martlet's tables", .create) { session in
            try session.migrateState()
        }
    }

    package func load(pipeline: String) throws -> StoredPipeline? {
        try reading("read the state of pipeline \(pipeline)") { try $0.stored(pipeline) } ?? nil
    }

    package func acquire(
        pipeline: String, setup: PipelineSetup, holder: Holder, lease: Double
    ) throws -> StoredPipeline {
        try writing("take over pipeline \(pipeline)", .readWrite) { session in
            if let stored = try session.stored(pipeline) {
                try Takeover.check(stored, by: holder, pipeline)
            } else {
                try session.insert(setup, pipeline)
            }
            var ownership = Ownership(pipeline: pipeline, epoch: 0, leaseSeconds: lease)
            try session.take(ownership, holder)
            guard let stored = try session.stored(pipeline) else {
                throw ReplicationError(
                    .internalFault, "take over pipeline \(pipeline)", why: "it is not stored")
            }
            ownership.epoch = stored.epoch
            return (stored, ownership)
        } committed: { (_, ownership) in
            self.owned.withLock { $0 = ownership }
        }.0
    }

    package func renewLease(_ report: RunReport) throws {
        let ownership = try ownership()
        // A long transaction of our own keeps everybody else out, and renews when it commits.
        guard writeLock.lock(within: min(1, ownership.leaseSeconds / 3)) else { return }
        defer { writeLock.unlock() }
        try transaction("renew the lease", .readWrite) { session in
            try session.checkEpoch(ownership)
            let until = StateCoding.now() + ownership.leaseMicroseconds
            try session.write(report, leaseUntil: until, ownership.pipeline)
        }
    }

    package func release(_ report: RunReport) throws {
        try fenced("give the lease back") { session, ownership in
            try session.write(report, leaseUntil: nil, ownership.pipeline)
        }
    }

    package func store(
        setup: PipelineSetup, checkpoint: Checkpoint?, tables: [TableProgress]
    ) throws {
        try fenced("store the pipeline's setup") { session, ownership in
            try session.update(setup, ownership.pipeline)
            for table in tables { try session.write(table, ownership.pipeline) }
            if let checkpoint { try session.write(checkpoint, ownership.pipeline) }
        }
    }

    package func run(_ statements: [String], tables: [TableProgress]) throws {
        try fenced("run statements at the target") { session, ownership in
            for statement in statements { try session.run(statement) }
            for table in tables { try session.write(table, ownership.pipeline) }
        }
    }

    package func empty(_ table: TableName, share: RowShare? = nil) throws {
        try fenced("empty \(table)") { session, _ in
            try session.execute("DELETE FROM \(table.inFile)\(share.clause)")
        }
    }

    package func setAside(_ table: TableName) throws {
        try fenced("set aside the rows of \(table)") { session, _ in
            try session.setAside(table)
        }
    }

    package func openApplier(
        _ routes: [TableRoute], label: String, staged: Set<Int>
    ) throws -> any ChangeApplier {
        do {
            return try SQLiteApplier(self, routes: routes, label: label, staged: staged)
        } catch {
            throw error.asReplicationError("open \(path) for \(label)")
        }
    }

    package func drop(pipeline: String) throws {
        guard FileManager.default.fileExists(atPath: path) else { return }
        try writing("remove pipeline \(pipeline)", .readWrite) { session in
            guard let stored = try session.stored(pipeline) else { return }
            if let ownership = self.owned.withLock({ $0 }), ownership.pipeline == pipeline {
                try session.checkEpoch(ownership)
            } else {
                try Takeover.check(stored, by: .here, pipeline)
            }
            for table in stored.tables {
                for statement in try session.putBack(table.target, key: table.key) {
                    try session.run(statement)
                }
            }
            try session.remove(pipeline)
        }
    }

    package func close() { owned.withLock { $0 = nil } }
}

// MARK: Sessions and transactions

extension SQLiteTarget {
    func ownership() throws -> Ownership {
        guard let ownership = owned.withLock({ $0 }) else {
            throw ReplicationError(
                .internalFault, "write to \(path)", why: "no pipeline has been acquired")
        }
        return ownership
    }

    func openSession(_ access: SQLiteSession.Access) throws -> SQLiteSession {
        try SQLiteSession(path: path, access: access, busySeconds: busySeconds)
    }

    /// Reads in one transaction; nil if there is no file.
    func reading<Result>(
        _ what: String, _ body: (SQLiteSession) throws -> Result
    ) throws -> Result? {
        guard FileManager.default.fileExists(atPath: path) else { return nil }
        do {
            let session = try openSession(.readOnly)
            try session.run("BEGIN")
            return try body(session)
        } catch { throw error.asReplicationError(what) }
    }

    /// A durable transaction that first proves that the epoch is ours.
    private func fenced(
        _ what: String, _ body: (SQLiteSession, Ownership) throws -> Void
    ) throws {
        let ownership = try ownership()
        try writing(what, .readWrite) { session in
            try session.checkEpoch(ownership)
            try body(session, ownership)
        }
    }

    @discardableResult
    private func writing<Result>(
        _ what: String, _ access: SQLiteSession.Access,
        _ body: (SQLiteSession) throws -> Result, committed: (Result) -> Void = { _ in }
    ) throws -> Result {
        writeLock.lock()
        defer { writeLock.unlock() }
        let result = try transaction(what, access, body)
        committed(result)
        return result
    }

    /// A durable transaction on a session of its own, which rolls it back when it goes.
    private func transaction<Result>(
        _ what: String, _ access: SQLiteSession.Access, _ body: (SQLiteSession) throws -> Result
    ) throws -> Result {
        do {
            let session = try openSession(access)
            try session.run("BEGIN IMMEDIATE")
            let result = try body(session)
            try session.run("COMMIT")
            try session.syncLog()
            return result
        } catch { throw error.asReplicationError(what) }
    }
}

extension SQLiteSession {
    /// Bumps the epoch and starts the lease; from now on the former holder is fenced.
    fileprivate func take(_ ownership: Ownership, _ holder: Holder) throws {
        try execute(
            """
            UPDATE main.martlet_pipeline SET epoch = epoch + 1, holder_host = ?, holder_pid = ?, \
            holder_instance = ?, lease_until = ? WHERE name = ?
            """,
            [
                .text(holder.host), .integer(Int64(holder.pid)), .text(holder.instance),
                .integer(StateCoding.now() + ownership.leaseMicroseconds),
                .text(ownership.pipeline),
            ])
    }

    /// Removes the pipeline's rows, and Martlet's tables when it was the last one.
    fileprivate func remove(_ pipeline: String) throws {
        try execute("DELETE FROM martlet_pipeline WHERE name = ?", [.text(pipeline)])
        for table in ["martlet_checkpoint", "martlet_table_state", "martlet_chunk"] {
            try execute("DELETE FROM \(table) WHERE pipeline = ?", [.text(pipeline)])
        }
        let others = try rows("SELECT 1 FROM martlet_pipeline") { _ in true }
        guard others.isEmpty else { return }
        for table in StateSchema.tables { try run("DROP TABLE \(table)") }
    }
}

extension Holder {
    /// This process, when it asks without running a pipeline.
    fileprivate static var here: Holder {
        Holder(host: ProcessInfo.processInfo.hostName, pid: getpid(), instance: "")
    }
}
