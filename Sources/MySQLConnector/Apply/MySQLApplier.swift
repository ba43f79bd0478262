internal import Foundation
package import ReplicationEngine
package import ReplicationModel

/// Writes rows to MySQL or MariaDB on one connection.
///
/// Handed: batches of decoded changes in commit order, blocks of COPY rows, journal entries, a
/// checkpoint. Hands on: target transactions that hold all of it or none (I1).
///
/// `apply` first tries the *net* change per key and table (NetApply.swift), because a statement is
/// a way to the server and back. When that fails it goes back to where `apply` began and runs the
/// same changes one by one (SequentialApply.swift): either that succeeds, or its failure names the
/// change.
///
/// Foreign keys are off in the session: what their actions did at the source is in the log (P68).
/// Unique keys are not: the server has no way to check them later.
package final class MySQLApplier: ChangeApplier {
    let connection: MySQLConnection
    let fence: MySQLFence
    let tables: [AppliedTable]
    let statements: RowStatements
    /// By route: what has been gathered in the running `apply`.
    var nets: [NetChanges]
    /// Ranges that had to be run one by one after all; for tests and measurements.
    private(set) var fallbacks = 0
    private var load: RowLoad?
    /// By route.
    private let staging: [Int: StagingTable]

    /// Reads the target's catalogue of every route: the tables must exist. The connection is this
    /// object's alone from here on.
    init(
        connection: MySQLConnection, fence: MySQLFence, routes: [TableRoute],
        staged: Set<Int> = [], mayNet: Bool = true
    ) throws {
        self.connection = connection
        self.fence = fence
        statements = RowStatements(connection)
        try Self.prepareSession(connection)
        let catalog = TargetCatalog(connection: connection)
        var tables: [AppliedTable] = []
        var staging: [Int: StagingTable] = [:]
        for index in staged {
            staging[index] = StagingTable(routes[index], number: index, in: fence.place)
            try staging[index]?.make(connection)
        }
        for (index, route) in routes.enumerated() {
            guard let stored = try catalog.table(route.target), stored.isTable else {
                throw AppliedTable.unfit(route, nil, "the target has no such table")
            }
            tables.append(
                try AppliedTable(
                    index: index, route: route, stored: stored, on: connection.flavour,
                    mayNet: mayNet, staging: staging[index]?.place))
        }
        self.tables = tables
        self.staging = staging
        nets = tables.map { NetChanges(key: $0.route.key, width: $0.codings.count) }
    }

    /// Notes count as warnings: cutting the digits of a decimal is only a note.
    private static func prepareSession(_ connection: MySQLConnection) throws {
        try connection.run("SET SESSION foreign_key_checks = 0, SESSION sql_notes = 1")
        let found = try connection.query(
            "SELECT @@SESSION.foreign_key_checks, @@SESSION.sql_notes, @@SESSION.unique_checks")
        guard found.rows == [["0", "1", "1"]] else {
            throw ReplicationError(
                .unfitSetting, "prepare a session at the target",
                why: "foreign_key_checks, sql_notes and unique_checks do not read back as set")
        }
    }
}

// MARK: Transactions

extension MySQLApplier {
    package func begin() throws {
        try telling("begin a transaction") {
            try connection.run("START TRANSACTION")
            try fence.check(connection)
        }
    }

    package func record(_ entries: [JournalEntry]) throws {
        try telling("write the journal") {
            try MySQLState(connection: connection, fence: fence).write(entries)
        }
    }

    /// How durable a commit is, is the server's to say (innodb_flush_log_at_trx_commit): a session
    /// can ask for neither more nor less, so that `durable` changes nothing.
    package func commit(_ checkpoint: Checkpoint?, durable: Bool) throws {
        try telling("commit a transaction") {
            if let checkpoint {
                try MySQLState(connection: connection, fence: fence).write(checkpoint)
            }
            Failpoint.hit(checkpoint == nil ? .chunkCommitSent : .streamCommitSent)
            try connection.run("COMMIT")
        }
    }

    package func rollback() {
        load = nil
        statements.text = []
        for index in nets.indices where !nets[index].isEmpty { nets[index].removeAll() }
        // A link that is gone has rolled back by itself; a deadlock has, too.
        if connection.isAlive { _ = try? connection.run("ROLLBACK") }
    }

    /// The session ends when the last reference to the connection goes.
    package func close() { rollback() }

    private func telling<Result>(
        _ what: String, _ table: TableName? = nil, _ body: () throws -> Result
    ) throws -> Result {
        do { return try body() } catch { throw told(error, what, table) }
    }
}

// MARK: Changes

extension MySQLApplier {
    /// What of a batch is to be applied.
    struct Work {
        var range: Range<Int>
        var actions: [ChangeAction]?

        func action(_ index: Int) -> ChangeAction { actions?[index] ?? .whole }
    }

    package func apply(
        _ batch: ChangeBatch, range: Range<Int>, actions: [ChangeAction]?, routes: [Int],
        counts: inout [ChangeCounts]
    ) throws {
        let tables = tablesByRoute(of: batch, routes)
        let work = Work(range: range, actions: actions)
        let tally = try batch.bytes.withUnsafeBytes { bytes in
            try batch.values.withUnsafeBufferPointer { values in
                try batch.changes.withUnsafeBufferPointer { changes in
                    let view = BatchView(
                        memory: BatchMemory(bytes: bytes, values: values), changes: changes,
                        tables: tables)
                    return try apply(work, of: view, in: batch)
                }
            }
        }
        for (index, count) in tally.enumerated() {
            counts[index].inserts += count.inserts
            counts[index].updates += count.updates
            counts[index].deletes += count.deletes
        }
    }

    private func tablesByRoute(of batch: ChangeBatch, _ routes: [Int]) -> [AppliedTable?] {
        batch.tables.indices.map { index -> AppliedTable? in
            guard tables.indices.contains(routes[index]) else { return nil }
            let table = tables[routes[index]]
            let names = batch.tables[index].columns.lazy.map(\.name)
            return names.elementsEqual(table.route.columns.lazy.map(\.name)) ? table : nil
        }
    }

    private func apply(
        _ work: Work, of view: BatchView, in batch: ChangeBatch
    ) throws -> [ChangeCounts] {
        do {
            if view.tables.contains(where: { $0.map { $0.mode != .sequential } ?? false }) {
                do { return try applyNet(work, of: view) } catch  where isWorthRepeating(error) {
                    statements.text = []
                    try connection.run("ROLLBACK TO SAVEPOINT martlet")
                    fallbacks += 1
                }
            }
            var sequence = SequentialApply(applier: self, view: view)
            try sequence.run(work)
            return sequence.tally
        } catch { throw placed(error, in: batch, view) }
    }

    private func applyNet(_ work: Work, of view: BatchView) throws -> [ChangeCounts] {
        defer { for index in nets.indices where !nets[index].isEmpty { nets[index].removeAll() } }
        try connection.run("SAVEPOINT martlet")
        var gathering = NetApply(applier: self, view: view)
        try gathering.run(work)
        return gathering.tally
    }

    package func wipe(route: Int) throws {
        try telling("empty the table", tables[route].name) { try removeAll(tables[route]) }
    }

    /// TRUNCATE would commit by itself (I3).
    func removeAll(_ table: AppliedTable) throws {
        try connection.run("DELETE FROM \(table.place)\(table.route.share.clause)")
    }
}

// MARK: Rows

extension MySQLApplier {
    package func beginRows(route: Int, format: RowFormat, isMore: Bool) throws {
        guard format == .copyText else {
            throw ReplicationError(
                .unsupported, "load rows", table: tables[route].name,
                why: "the target takes rows as COPY text only")
        }
        if !isMore {
            try telling("load rows", tables[route].name) { try staging[route]?.empty(connection) }
        }
        load = RowLoad(tables[route], statements)
    }

    package func moveStaged(route: Int) throws {
        guard let staging = staging[route] else {
            throw ReplicationError(
                .internalFault, "move staged rows", table: tables[route].name,
                why: "the route is not staged")
        }
        try telling("move staged rows", tables[route].name) {
            try staging.move(statements, tables[route])
        }
    }

    package func writeRows(_ block: UnsafeRawBufferPointer) throws {
        let load = try openLoad()
        try telling("load rows", load.table.name) { try load.write(block) }
    }

    package func endRows() throws -> Int64 {
        let load = try openLoad()
        self.load = nil
        try telling("load rows", load.table.name) { try load.finish() }
        return load.rows
    }

    package func rowFormats(route: Int) -> [RowFormat] { [.copyText] }

    private func openLoad() throws -> RowLoad {
        guard let load else {
            throw ReplicationError(.internalFault, "load rows", why: "no load is open")
        }
        return load
    }
}
