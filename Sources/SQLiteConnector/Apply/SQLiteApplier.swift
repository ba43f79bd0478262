internal import Foundation
package import ReplicationEngine
package import ReplicationModel

/// Writes rows and Martlet's state to one database file, on one session.
///
/// Handed batches of decoded transactions and blocks of COPY rows; hands on transactions of SQLite.
/// States: idle -> `begin` (holds the target's write lock and SQLite's) -> `commit` or `rollback`
/// -> idle. Sequential: SQLite has one writer, and a prepared statement costs a microsecond, so
/// that batching or reordering changes would gain nothing and cost the simple argument that the
/// result equals applying one after the other.
package final class SQLiteApplier: ChangeApplier {
    private let target: SQLiteTarget
    private let session: SQLiteSession
    let routes: [TableRoute]
    private let staged: Set<Int>
    private let label: String
    private var writers: [TableWriter?]
    private var load: RowLoad?
    private var holdsLock = false

    init(
        _ target: SQLiteTarget, routes: [TableRoute], label: String, staged: Set<Int>
    ) throws {
        self.target = target
        self.routes = routes
        self.staged = staged
        self.label = label
        session = try target.openSession(.readWrite)
        writers = Array(repeating: nil, count: routes.count)
    }

    deinit { if holdsLock { target.writeLock.unlock() } }

    package func begin() throws {
        precondition(!holdsLock, "begin inside a transaction")
        let ownership = try target.ownership()
        target.writeLock.lock()
        holdsLock = true
        do {
            try session.run("BEGIN IMMEDIATE")
            try session.checkEpoch(ownership)
        } catch {
            rollback()
            throw error.asReplicationError("begin a transaction (\(label))")
        }
    }

    package func apply(
        _ batch: ChangeBatch, range: Range<Int>, actions: [ChangeAction]?, routes: [Int],
        counts: inout [ChangeCounts]
    ) throws {
        try batch.bytes.withUnsafeBytes { bytes in
            var marks = MarkReader(batch.transactions, from: range.lowerBound)
            for index in range {
                if marks.endsTransaction(before: index) { try endSourceTransaction(marks.passed) }
                let change = batch.changes[index]
                let route = routes[Int(change.table)]
                let row = RowChange(
                    change: change, values: batch.values, bytes: bytes, position: marks.position)
                try apply(row, actions?[index] ?? .whole, route, &counts)
            }
            if marks.isAtEnd(range.upperBound) { try endSourceTransaction(marks.position) }
        }
    }

    package func wipe(route: Int) throws {
        try naming("empty the table", nil, routes[route]) { try writer(route).removeAll() }
    }

    package func beginRows(route: Int, format: RowFormat, isMore: Bool) throws {
        guard format == .copyText else {
            throw ReplicationError(
                .unsupported, "load rows", table: routes[route].target,
                why: "SQLite takes rows as COPY text only")
        }
        try naming("load rows", nil, routes[route]) {
            let writer = try writer(route)
            if let staging = writer.staging {
                // Many rows at once, and nothing that the file's other writers wait for.
                try session.run("BEGIN")
                if !isMore { try staging.empty() }
            }
            load = try RowLoad(writer.home)
        }
    }

    package func writeRows(_ block: UnsafeRawBufferPointer) throws { try openLoad().write(block) }

    package func endRows() throws -> Int64 {
        let rows = try openLoad().rows
        load = nil
        if !holdsLock { try naming("stage rows") { try session.run("COMMIT") } }
        return rows
    }

    package func moveStaged(route: Int) throws {
        try endSourceTransaction(nil)
        try naming("move staged rows", nil, routes[route]) { try writer(route).staging?.move() }
    }

    package func rowFormats(route: Int) -> [RowFormat] { [.copyText] }

    package func record(_ entries: [JournalEntry]) throws {
        let pipeline = try target.ownership().pipeline
        try naming("write the journal") { try session.record(entries, pipeline) }
    }

    package func commit(_ checkpoint: Checkpoint?, durable: Bool) throws {
        precondition(holdsLock, "commit outside a transaction")
        let ownership = try target.ownership()
        try endSourceTransaction(checkpoint?.commitPosition)
        try naming("commit", checkpoint?.commitPosition) {
            if let checkpoint { try session.write(checkpoint, ownership.pipeline) }
            try session.extendLease(ownership)
            try session.run("COMMIT")
        }
        // Nothing is sent to a file: the same window is between COMMIT and knowing of it.
        Failpoint.hit(checkpoint == nil ? .chunkCommitSent : .streamCommitSent)
        releaseLock()
        // Others may write meanwhile; the log is synced whole, so order is kept.
        if durable { try naming("make the commit durable") { try session.syncLog() } }
    }

    package func rollback() {
        load = nil
        for writer in writers { writer?.forgetParked() }
        // A full disk may have rolled back already.
        if session.isInTransaction { try? session.run("ROLLBACK") }
        releaseLock()
    }

    package func close() { rollback() }
}

// MARK: Changes

extension SQLiteApplier {
    private func apply(
        _ row: RowChange, _ action: ChangeAction, _ route: Int, _ counts: inout [ChangeCounts]
    ) throws {
        if action == .skip { return }
        do {
            let writer = try writer(route)
            try writer.checkShape(row)
            try writer.clear(action.clears, row)
            switch (action.step, row.change.operation) {
            case (.nothing, _): counts[route].deletes += 1
            case (.insertNew, _), (.whole, .insert):
                try writer.insert(row)
                counts[route].inserts += 1
            case (.deleteOld, _), (.whole, .delete):
                try writer.delete(row)
                counts[route].deletes += 1
            case (.whole, .update), (.updateIfThere, _):
                try writer.update(row, isSure: action.step == .whole)
                counts[route].updates += 1
            case (.whole, .truncate):
                try writer.removeAll()
            }
        } catch {
            throw named(error, "apply \(row.change.operation.word)", row.position, routes[route])
        }
    }

    func writer(_ route: Int) throws -> TableWriter {
        if let writer = writers[route] { return writer }
        let made = try TableWriter(
            routes[route], number: route, isStaged: staged.contains(route), on: session)
        writers[route] = made
        return made
    }

    private func endSourceTransaction(_ position: LogPosition?) throws {
        for (index, writer) in writers.enumerated() {
            guard let writer, writer.hasParked else { continue }
            try naming(
                "put parked rows back at the end of the transaction", position, routes[index]
            ) {
                try writer.endTransaction()
            }
        }
    }

    private func openLoad() throws -> RowLoad {
        guard let load else {
            throw ReplicationError(.internalFault, "load rows", why: "no load is open")
        }
        return load
    }

    private func releaseLock() {
        guard holdsLock else { return }
        holdsLock = false
        target.writeLock.unlock()
    }

    func naming<Result>(
        _ what: String, _ position: LogPosition? = nil, _ route: TableRoute? = nil,
        _ body: () throws -> Result
    ) throws -> Result {
        do { return try body() } catch { throw named(error, what, position, route) }
    }

    private func named(
        _ error: any Error, _ what: String, _ position: LogPosition?, _ route: TableRoute?
    ) -> ReplicationError {
        if let fault = error as? ColumnFault, let route {
            return fault.replicationError(what, position: position, route: route)
        }
        return error.asReplicationError(what, position: position, table: route?.target)
    }
}

extension Change.Operation {
    fileprivate var word: String {
        switch self {
        case .insert: "INSERT"
        case .update: "UPDATE"
        case .delete: "DELETE"
        case .truncate: "TRUNCATE"
        }
    }
}

/// Walks along the transactions of a batch beside its changes.
private struct MarkReader {
    private let marks: [TransactionMark]
    private var current: Int
    /// Commit position of the transaction that has just been left.
    private(set) var passed: LogPosition?

    init(_ marks: [TransactionMark], from index: Int) {
        self.marks = marks
        current = marks.firstIndex { index < $0.changes.upperBound } ?? marks.count
    }

    var position: LogPosition? { current < marks.count ? marks[current].commitPosition : nil }

    /// Moves on to the transaction of change `index`; whether another one ended before it.
    mutating func endsTransaction(before index: Int) -> Bool {
        guard current < marks.count, index >= marks[current].changes.upperBound else {
            return false
        }
        passed = marks[current].commitPosition
        while current < marks.count, index >= marks[current].changes.upperBound { current += 1 }
        return true
    }

    /// Whether the current transaction ends with the change before `index`.
    func isAtEnd(_ index: Int) -> Bool {
        guard current < marks.count else { return false }
        return marks[current].isLastPart && index == marks[current].changes.upperBound
    }
}
