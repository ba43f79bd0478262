package import ReplicationEngine
package import ReplicationModel

/// Writes rows to PostgreSQL on one connection.
///
/// Handed: batches of decoded changes in commit order, blocks of COPY rows, journal entries, a
/// checkpoint. Hands on: target transactions that hold all of it or none (I1).
///
///     begin    BEGIN, epoch check, constraints deferred, mark            one flight
///     apply    [savepoint,] statements                                   one flight per call
///     commit   synchronous_commit, checkpoint, COMMIT                    one flight
///
/// `apply` first tries the *net* change per key and table (NetApply.swift). What that cannot
/// express makes a statement fail: a unique value handed from row to row in an order of the
/// source's own, a row that is missing or there already. Then it goes back to where `apply` began
/// and runs the same changes one by one (SequentialApply.swift): either that succeeds, or its
/// failure names the change. Why not one by one at once: a batch of 2,000 small changes is 4 to 40
/// statements instead of 2,000.
///
/// The session is a replica where the role allows it: triggers and foreign keys do not fire,
/// because what they did at the source is in the log (P68). Where it is refused, everything runs
/// one by one with constraints deferred.
package final class PGApplier: ChangeApplier {
    let connection: PGConnection
    let fence: PGFence
    let tables: [AppliedTable]
    /// By staged route: the target's own table, where `tables` has the staging table.
    let homes: [Int: AppliedTable]
    let pipeline: PGPipeline
    /// Triggers and foreign keys do not fire.
    package let isReplica: Bool

    /// By route: what has been gathered in the running `apply`.
    var nets: [NetChanges]
    /// Empty where the server checks them itself.
    private(set) var deferredKeys: [DeferredKeyCheck] = []
    let arrays = ArrayParameters()
    let texts = TextParameters()
    /// Ranges that had to be run one by one after all; for tests and measurements.
    package internal(set) var fallbacks = 0
    var backOff = NetBackOff()

    private var statementCount = 0
    var hasSavepoint = false
    var copy: PGCopyIn?
    var foreignRows: ForeignRows?
    /// Values of this transaction that were converted, by what the configuration calls it.
    var lossyCounts: [LossyConversions.Kind: Int64] = [:]
    /// Route of the last `beginRows`.
    var copiedTable = 0

    /// Statements a session keeps prepared before it drops all (a table with many distinct patterns
    /// of unchanged columns makes many).
    private static let statementLimit = 2000

    /// Reads the target's catalogue of every route: the tables must exist. The connection is this
    /// object's alone from here on.
    package convenience init(
        connection: PGConnection, fence: PGFence, routes: [TableRoute], staged: Set<Int> = [],
        lossy: LossyConversions = LossyConversions()
    ) throws {
        try self.init(
            connection: connection, fence: fence, routes: routes, staged: staged, mayNet: true,
            lossy: lossy)
    }

    /// `mayNet` false: everything one by one.
    package init(
        connection: PGConnection, fence: PGFence, routes: [TableRoute], staged: Set<Int> = [],
        mayNet: Bool, lossy: LossyConversions = LossyConversions()
    ) throws {
        self.connection = connection
        self.fence = fence
        pipeline = PGPipeline(connection)
        do {
            isReplica = try Self.prepareSession(connection)
            var (tables, homes) = ([AppliedTable](), [Int: AppliedTable]())
            for (index, route) in routes.enumerated() {
                let mayNet = mayNet && isReplica
                let catalogue = try AppliedCatalogue(route.target, on: connection)
                let table = try AppliedTable(
                    index: index, route: route, catalogue: catalogue, mayNet: mayNet, lossy: lossy)
                guard staged.contains(index) else {
                    tables.append(table)
                    continue
                }
                homes[index] = table
                tables.append(try table.staging(catalogue, mayNet: mayNet, lossy, on: connection))
            }
            (self.tables, self.homes) = (tables, homes)
        } catch { throw error.asReplicationError() }
        nets = tables.map { NetChanges(key: $0.route.key, width: $0.columns.count) }
        guard isReplica else { return }
        for table in tables {
            for names in table.deferredKeys {
                let check = DeferredKeyCheck(table, names: names, number: nextStatementNumber)
                deferredKeys.append(check)
            }
        }
    }

    /// Plans that suit key look-ups for any table size: the number of rows in an array parameter is
    /// unknown when a plan is made, and a hash join would read the whole table for each batch.
    /// Without JIT: the planner's penalty for what is off would start it each time.
    private static func prepareSession(_ connection: PGConnection) throws -> Bool {
        try connection.run(
            """
            SET enable_seqscan = off; SET enable_hashjoin = off; SET enable_mergejoin = off; \
            SET enable_bitmapscan = off; SET jit = off; SET plan_cache_mode = force_generic_plan
            """)
        do {
            try connection.run("SET session_replication_role = replica")
            return true
        } catch let error as PGError.Server where error.sqlState == "42501" {
            return false
        }
    }

    func nextStatementNumber() -> Int {
        statementCount += 1
        return statementCount
    }
}

// MARK: Transactions

extension PGApplier {
    package func begin() throws {
        hasSavepoint = false
        lossyCounts = [:]
        for check in deferredKeys where check.isTouched { check.reset() }
        if statementCount > Self.statementLimit { try dropStatements() }
        try flight("begin a transaction") {
            try pipeline.send("BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE", tag: 0)
            try pipeline.send(PGFence.sql, fence.parameters, rows: 1, tag: Self.fenceTag)
            try pipeline.send("SET CONSTRAINTS ALL DEFERRED", tag: 0)
            try pipeline.send(
                "SELECT pg_logical_emit_message(true, 'martlet', $1::text)", [String(fence.epoch)],
                tag: 0)
        }
    }

    package func record(_ entries: [JournalEntry]) throws {
        do {
            try PGState.write(entries, pipeline: fence.pipeline, on: connection)
        } catch { throw error.asReplicationError() }
    }

    /// The checkpoint names the epoch too, but the lock taken in `begin` already keeps it ours: so
    /// its answer need not be waited for before COMMIT is sent.
    package func commit(_ checkpoint: Checkpoint?, durable: Bool) throws {
        try checkDeferredKeys()
        let sent = checkpoint == nil ? Failpoint.chunkCommitSent : .streamCommitSent
        try flight("commit a transaction", failpoint: sent) {
            try pipeline.send(
                "SET LOCAL synchronous_commit = \(durable ? "on" : "off")", tag: 0)
            let state = checkpoint.map { PGState.statements(for: $0, fence: fence) } ?? []
            for statement in PGState.statements(for: lossyCounts, fence: fence) + state {
                try pipeline.send(
                    statement.sql, statement.parameters, rows: statement.expectedRows,
                    tag: Self.fenceTag)
            }
            try pipeline.send("COMMIT", tag: 0)
        }
        hasSavepoint = false
    }

    package func rollback() {
        copy?.abandon()
        copy = nil
        hasSavepoint = false
        clearNets()
        // A link that is gone has rolled back by itself.
        if connection.isAlive, connection.isInTransaction { _ = try? connection.run("ROLLBACK") }
    }

    /// The session ends when the last reference to the connection goes.
    package func close() { rollback() }

    static let fenceTag = -1

    /// Runs `body` as one flight of statements that belong to no change.
    private func flight(
        _ what: String, failpoint: Failpoint? = nil, _ body: () throws -> Void
    ) throws {
        do { try inFlight(failpoint, body) } catch let failure as PGPipeline.Failure {
            switch failure.cause {
            case .rows: throw fence.violation
            case .server(let error):
                var error = error.asReplicationError()
                error.what = what
                throw error
            }
        }
    }

    func inFlight(_ failpoint: Failpoint? = nil, _ body: () throws -> Void) throws {
        try pipeline.enter()
        do { try body() } catch {
            // The cause is known; the answers only have to be out of the way.
            try? pipeline.finish()
            throw error
        }
        try pipeline.finish(failpoint)
    }

    private func dropStatements() throws {
        do { try connection.run("DEALLOCATE ALL") } catch { throw error.asReplicationError() }
        statementCount = 0
        for table in tables { table.forgetStatements() }
        for check in deferredKeys { check.forgetStatements() }
    }

    func clearNets() {
        for index in nets.indices where !nets[index].isEmpty { nets[index].removeAll() }
    }
}
