internal import Foundation
package import ReplicationEngine
package import ReplicationModel
import Synchronization

/// A MySQL or MariaDB server that rows are written to. A schema of the source is a database there;
/// Martlet's own tables are in database `martlet`.
///
/// Connections: one for state and catalogue, one for the lease alone, so that renewing never waits
/// behind anything, and one of its own for every `run` and `empty`, which may take as long as an
/// index build. All are recorded with the lease once it is ours, so that whoever takes over can
/// end them (I7).
package final class MySQLTarget: ReplicationTarget {
    private let url: String
    private let password: String?
    private let place: StatePlace
    private let ownership = Ownership()
    private let control: SessionSlot<MySQLConnection>
    private let lease: SessionSlot<MySQLConnection>
    private let running = Mutex<Running>(Running())

    /// What `acquire` gave us; read by every connection that opens.
    private final class Ownership: Sendable {
        let current = Mutex<(fence: MySQLFence, holder: Holder)?>(nil)
        var fence: MySQLFence? { current.withLock { $0?.fence } }
        var holder: Holder? { current.withLock { $0?.holder } }
    }

    private struct Running {
        var slots: [SessionSlot<MySQLConnection>] = []
        var isClosed = false
    }

    /// Opens nothing: the first call connects.
    ///
    /// - Parameters:
    ///   - url: `mysql://user@host:port/...`; a database in it is not looked at.
    ///   - password: overrides the option file.
    ///   - stateDatabase: where Martlet's own tables are; tests have their own.
    package init(url: String, password: String?, stateDatabase: String = "martlet") {
        self.url = url
        self.password = password
        place = StatePlace(database: stateDatabase)
        let ownership = ownership
        let open: @Sendable (String) throws -> MySQLConnection = { label in
            try Self.connect(url, password, label, ownership.fence)
        }
        control = SessionSlot(label: "state", open: open)
        lease = SessionSlot(label: "lease", open: open)
    }

    private static func connect(
        _ url: String, _ password: String?, _ label: String, _ fence: MySQLFence?
    ) throws -> MySQLConnection {
        let connection = try MySQLConnection(
            url: url, password: password, label: label, purpose: .target)
        if let fence { try MySQLLease.register(connection, fence) }
        return connection
    }

    /// The epoch we took; writing without one is a fault of the caller's.
    private func ownFence() throws -> MySQLFence {
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

extension MySQLTarget {
    package func prepare() throws {
        try control.with(repeats: true) { try MySQLStateFormat.prepare($0, place) }
    }

    package func load(pipeline: String) throws -> StoredPipeline? {
        try control.with(repeats: true) { connection in
            guard try MySQLStateFormat.read(connection, place) != nil else { return nil }
            return try connection.inSnapshot {
                try MySQLStateReader(connection: connection, place: place, pipeline: pipeline)
                    .read()
            }
        }
    }

    package func acquire(
        pipeline: String, setup: PipelineSetup, holder: Holder, lease seconds: Double
    ) throws -> StoredPipeline {
        // Connections made from here on must not register under an epoch that is about to end.
        ownership.current.withLock { $0 = nil }
        return try control.with { connection in
            let lease = MySQLLease(connection: connection, place: place, pipeline: pipeline)
            let (fence, state) = try lease.acquire(setup: setup, holder: holder, seconds: seconds)
            ownership.current.withLock { $0 = (fence, holder) }
            return state
        }
    }

    package func renewLease(_ report: RunReport) throws {
        let fence = try ownFence()
        try lease.with(repeats: true) { try MySQLLease.renew(report, fence, on: $0) }
    }

    package func release(_ report: RunReport) throws {
        let fence = try ownFence()
        try lease.with(repeats: true) { try MySQLLease.release(report, fence, on: $0) }
    }

    package func store(
        setup: PipelineSetup, checkpoint: Checkpoint?, tables: [TableProgress]
    ) throws {
        let fence = try ownFence()
        try control.with(repeats: true) { connection in
            try connection.inTransaction(fencedBy: fence) {
                let set = try MySQLLease.assignments(of: setup).map {
                    "\(SQLText.name($0.column)) = \($0.literal)"
                }
                try connection.run(
                    "UPDATE \(place.table("pipeline")) SET \(SQLText.list(set)) "
                        + "WHERE \(fence.condition)")
                let state = MySQLState(connection: connection, fence: fence)
                try state.write(tables.map { .table($0) })
                if let checkpoint { try state.write(checkpoint) }
            }
        }
    }

    package func drop(pipeline: String) throws {
        let holder = ownership.holder ?? Self.thisProcess
        try control.with { connection in
            guard try MySQLStateFormat.read(connection, place) != nil else { return }
            try MySQLLease(connection: connection, place: place, pipeline: pipeline)
                .drop(heldBy: holder)
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

extension MySQLTarget {
    /// Statements of a plan commit one by one (A08). DDL ends the transaction that checked the
    /// epoch; the session is recorded, so that whoever takes over ends it before the epoch does.
    /// The states are written last: a start that finds the old ones makes the plan again, which
    /// then holds what is missing.
    package func run(_ statements: [String], tables: [TableProgress]) throws {
        let fence = try ownFence()
        try withOwnSession("schema") { connection in
            for statement in statements {
                try connection.inTransaction(fencedBy: fence) { try connection.run(statement) }
            }
            try connection.inTransaction(fencedBy: fence) {
                try MySQLState(connection: connection, fence: fence)
                    .write(tables.map { .table($0) })
            }
        }
    }

    /// Not TRUNCATE, which commits by itself, and is refused where foreign keys point to the table.
    package func empty(_ table: TableName, share: RowShare? = nil) throws {
        let fence = try ownFence()
        try withOwnSession("empty") { connection in
            try connection.run("SET SESSION foreign_key_checks = 0")
            try connection.inTransaction(fencedBy: fence) {
                try connection.run("DELETE FROM \(SQLText.name(table))\(share.clause)")
            }
        }
    }

    package func setAside(_ table: TableName) throws {
        let fence = try ownFence()
        try withOwnSession("set aside") { connection in
            guard let stored = try TargetCatalog(connection: connection).table(table) else {
                return
            }
            try TargetKeptRows(connection: connection, place: place).setAside(stored, fence)
        }
    }

    package func openApplier(
        _ routes: [TableRoute], label: String, staged: Set<Int>
    ) throws -> any ChangeApplier {
        let fence = try ownFence()
        do {
            let connection = try Self.connect(url, password, label, fence)
            return try MySQLApplier(
                connection: connection, fence: fence, routes: routes, staged: staged)
        } catch { throw error.asReplicationError() }
    }

    private func withOwnSession(_ label: String, _ body: (MySQLConnection) throws -> Void) throws {
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

extension MySQLTarget {
    package func shape(of table: TableName, share: RowShare? = nil) throws -> TargetShape? {
        try control.with(repeats: true) { connection in
            let catalog = TargetCatalog(connection: connection)
            guard let stored = try catalog.table(table) else { return nil }
            return TargetShape(
                columns: stored.columns.map {
                    TargetShape.Column(
                        name: $0.name, declaration: $0.declaration, isNullable: $0.isNullable,
                        isGenerated: $0.isGenerated, hasDefault: $0.hasDefault)
                }, hasRows: try catalog.hasRows(table, share), primaryKey: stored.primaryKey,
                uniqueKeys: stored.uniqueKeys)
        }
    }

    /// Schema objects of the source (types, sequences) have no counterpart: values of such types
    /// travel as text.
    package func schemaPlan(
        _ routes: [TableRoute], prerequisites: [SchemaObject]
    ) throws -> SchemaPlan {
        try control.with(repeats: true) {
            try TargetSchemaPlan.make(
                routes, TargetCatalog(connection: $0),
                TargetKeptRows(connection: $0, place: place))
        }
    }

    package func preflight(
        _ routes: [TableRoute], prerequisites: [SchemaObject]
    ) throws -> [Finding] {
        try control.with(repeats: true) {
            try TargetPreflight(
                catalog: TargetCatalog(connection: $0), place: place, routes: routes
            ).findings()
        }
    }

    package func questions(_ routes: [TableRoute]) throws -> [ValueQuestion] {
        try control.with(repeats: true) { connection in
            let catalog = TargetCatalog(connection: connection)
            return try routes.flatMap {
                try TargetQuestions(connection)
                    .questions($0, catalog.table($0.target))
            }
        }
    }

    package func grantStatements(_ routes: [TableRoute]) throws -> [String] {
        try control.with(repeats: true) {
            try TargetGrants(connection: $0, place: place, routes: routes).statements()
        }
    }
}
