internal import Foundation
package import ReplicationEngine
package import ReplicationModel
import Synchronization

/// A PostgreSQL database that rows are written to.
///
/// Connections: one for state and catalogue, one for the lease alone, so that renewing never waits
/// behind anything, and one of its own for every `run` and `empty`, which may take as long as an
/// index build. All are recorded with the lease once it is ours, so that whoever takes over can
/// end them (I7).
package final class PostgreSQLTarget: ReplicationTarget {
    private let url: String
    private let password: String?
    private let lossy: LossyConversions
    private let ownership = Ownership()
    private let control: SessionSlot<PGConnection>
    private let lease: SessionSlot<PGConnection>
    private let running = Mutex<Running>(Running())

    /// What `acquire` gave us; read by every connection that opens.
    private final class Ownership: Sendable {
        let current = Mutex<(fence: PGFence, holder: Holder)?>(nil)
        var fence: PGFence? { current.withLock { $0?.fence } }
        var holder: Holder? { current.withLock { $0?.holder } }
    }

    private struct Running {
        var slots: [SessionSlot<PGConnection>] = []
        var isClosed = false
    }

    /// Opens nothing: the first call connects.
    ///
    /// - Parameters:
    ///   - url: as libpq takes it.
    ///   - password: overrides `PGPASSFILE` and the URL.
    ///   - lossy: what is done to values that PostgreSQL cannot hold.
    package init(
        url: String, password: String?, lossy: LossyConversions = LossyConversions()
    ) {
        self.url = url
        self.password = password
        self.lossy = lossy
        let ownership = ownership
        let open: @Sendable (String) throws -> PGConnection = { label in
            try Self.connect(url, password, label, ownership.fence)
        }
        control = SessionSlot(label: "state", open: open)
        lease = SessionSlot(label: "lease", open: open)
    }

    /// What Martlet stores must survive a crash of the target, whatever the role's default (A03).
    private static func connect(
        _ url: String, _ password: String?, _ label: String, _ fence: PGFence?
    ) throws -> PGConnection {
        let connection = try PGConnection(
            url: url, password: password, label: label, purpose: .target)
        try connection.run(
            """
            SELECT pg_catalog.set_config('synchronous_commit', 'on', false) \
            WHERE pg_catalog.current_setting('synchronous_commit') = 'off'
            """)
        if let fence { try PGLease.register(connection, fence) }
        return connection
    }

    /// The epoch we took; writing without one is a fault of the caller's.
    private func ownFence() throws -> PGFence {
        guard let fence = ownership.fence else {
            throw ReplicationError(
                .internalFault, "write to the target", why: "the pipeline was not acquired before")
        }
        return fence
    }

    package func close() {
        let slots = running.withLock {
            $0.isClosed = true
            return $0.slots
        }
        for slot in slots + [control, lease] { slot.close() }
    }
}

// MARK: State

extension PostgreSQLTarget {
    package func prepare() throws {
        try control.with(repeats: true) { try PGStateFormat.prepare($0) }
    }

    package func load(pipeline: String) throws -> StoredPipeline? {
        try control.with(repeats: true) { connection in
            try connection.transaction("ISOLATION LEVEL REPEATABLE READ READ ONLY") {
                guard try PGStateFormat.read(connection) != nil else { return nil }
                return try PGStateReader(connection: connection, pipeline: pipeline).read()
            }
        }
    }

    package func acquire(
        pipeline: String, setup: PipelineSetup, holder: Holder, lease seconds: Double
    ) throws -> StoredPipeline {
        // Connections made from here on must not register under an epoch that is about to end.
        ownership.current.withLock { $0 = nil }
        return try control.with { connection in
            let place = PGLease(connection: connection, pipeline: pipeline)
            let (fence, state) = try place.acquire(setup: setup, holder: holder, seconds: seconds)
            ownership.current.withLock { $0 = (fence, holder) }
            return state
        }
    }

    package func renewLease(_ report: RunReport) throws {
        let fence = try ownFence()
        try lease.with(repeats: true) { try PGLease.renew(report, fence, on: $0) }
    }

    package func release(_ report: RunReport) throws {
        let fence = try ownFence()
        try lease.with(repeats: true) { try PGLease.release(report, fence, on: $0) }
    }

    package func store(
        setup: PipelineSetup, checkpoint: Checkpoint?, tables: [TableProgress]
    ) throws {
        let fence = try ownFence()
        try control.with(repeats: true) { connection in
            try connection.transaction(fencedBy: fence) {
                try connection.query(
                    """
                    UPDATE martlet.pipeline SET phase = $3, slot = $4, publication = $5, \
                    publication_is_given = $6::boolean, source = $7::jsonb, configuration = $8, \
                    is_consistent = $9::boolean WHERE name = $1 AND epoch = $2::bigint
                    """, fence.parameters + PGLease.parameters(of: setup))
                try PGState.write(
                    tables.map { .table($0) }, pipeline: fence.pipeline, on: connection)
                if let checkpoint {
                    try PGState.write(checkpoint, fence: fence, on: connection)
                }
            }
        }
    }

    package func drop(pipeline: String) throws {
        let holder = ownership.holder ?? Self.thisProcess
        try control.with { connection in
            guard try PGStateFormat.read(connection) != nil else { return }
            try PGLease(connection: connection, pipeline: pipeline).drop(heldBy: holder)
        }
        ownership.current.withLock { $0 = nil }
    }

    /// For `drop` after a crash: a dead process of this host holds nothing.
    private static var thisProcess: Holder {
        let process = ProcessInfo.processInfo
        return Holder(host: process.hostName, pid: process.processIdentifier, instance: "")
    }
}

// MARK: Tables

extension PostgreSQLTarget {
    package func run(_ statements: [String], tables: [TableProgress]) throws {
        let fence = try ownFence()
        try withOwnSession("schema") { connection in
            try connection.transaction(fencedBy: fence) {
                for statement in statements { try connection.run(statement) }
                try PGState.write(
                    tables.map { .table($0) }, pipeline: fence.pipeline, on: connection)
            }
        }
    }

    package func empty(_ table: TableName, share: RowShare? = nil) throws {
        let fence = try ownFence()
        try withOwnSession("empty") { connection in
            try connection.transaction(fencedBy: fence) {
                try TargetCatalog(connection).empty(table, share)
            }
        }
    }

    package func setAside(_ table: TableName) throws {
        let fence = try ownFence()
        try withOwnSession("set aside") { connection in
            try connection.transaction(fencedBy: fence) {
                try TargetKeptRows(TargetCatalog(connection)).setAside(table)
            }
        }
    }

    package func openApplier(
        _ routes: [TableRoute], label: String, staged: Set<Int>
    ) throws -> any ChangeApplier {
        let fence = try ownFence()
        do {
            let connection = try PGConnection(
                url: url, password: password, label: label, purpose: .target)
            try PGLease.register(connection, fence)
            return try PGApplier(
                connection: connection, fence: fence, routes: routes, staged: staged,
                lossy: lossy)
        } catch { throw error.asReplicationError() }
    }

    private func withOwnSession(_ label: String, _ body: (PGConnection) throws -> Void) throws {
        let (url, password, ownership) = (url, password, ownership)
        let slot = SessionSlot(label: label) { label in
            try Self.connect(url, password, label, ownership.fence)
        }
        let isClosed = running.withLock {
            $0.slots.append(slot)
            return $0.isClosed
        }
        if isClosed { slot.close() }
        defer { running.withLock { $0.slots.removeAll { $0 === slot } } }
        try slot.with(body)
    }
}

// MARK: Looking

extension PostgreSQLTarget {
    package func shape(of table: TableName, share: RowShare? = nil) throws -> TargetShape? {
        try control.with(repeats: true) { connection in
            let catalog = TargetCatalog(connection)
            return try catalog.tables([table])[table].map { try catalog.shape(of: $0, share) }
        }
    }

    package func schemaPlan(
        _ routes: [TableRoute], prerequisites: [SchemaObject]
    ) throws -> SchemaPlan {
        try control.with(repeats: true) { connection in
            try TargetSchemaPlan(
                catalog: TargetCatalog(connection), routes: routes, prerequisites: prerequisites,
                lossy: lossy
            ).make()
        }
    }

    package func preflight(
        _ routes: [TableRoute], prerequisites: [SchemaObject]
    ) throws -> [Finding] {
        try control.with(repeats: true) {
            try TargetPreflight(
                catalog: TargetCatalog($0), routes: routes, prerequisites: prerequisites,
                lossy: lossy
            ).findings()
        }
    }

    package func questions(_ routes: [TableRoute]) throws -> [ValueQuestion] {
        try control.with(repeats: true) {
            let existing = try TargetCatalog($0).tables(routes.map(\.target))
            let asking = TargetQuestions(lossy: lossy, existing: Set(existing.keys))
            return routes.flatMap(asking.questions)
        }
    }

    package func grantStatements(_ routes: [TableRoute]) throws -> [String] {
        try control.with(repeats: true) {
            try TargetGrants(catalog: TargetCatalog($0), routes: routes).statements()
        }
    }
}
