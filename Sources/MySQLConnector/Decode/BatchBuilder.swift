internal import ReplicationModel

/// Collects decoded transactions in a batch until somebody takes it.
///
/// Handed: rows and what statements do, in the order of the log. Hands on: batches as `ChangeBatch`
/// promises them: runs of whole transactions, or parts of a single large one.
struct BatchBuilder {
    /// The transaction whose end has not come yet, and where it starts in the batch.
    struct Open {
        var mark: TransactionMark
        var first: ChangeBatch.Extent
        var savepoints: [Savepoint] = []
        /// Not to be delivered before its end is known: it may only be prepared.
        var isHeld = false
    }

    struct Savepoint {
        var name: String
        /// nil: what was before it was delivered already.
        var place: ChangeBatch.Extent?
    }

    var batch = ChangeBatch()
    var open: Open?
    /// The last transaction of the batch is empty and has no GTID: it only carries a position.
    var endsInFiller = false
    private var slots: [SlotKey: Int32] = [:]
    private var lastKey = SlotKey(serial: -1, isPartial: false)
    private var lastSlot: Int32 = 0
    private var lastTime: Int64 = 0
    private var truncates: UInt32 = 0
    var prepared = PreparedTransactions()
    let limits: BatchLimits

    private struct SlotKey: Hashable {
        var serial: Int
        var isPartial: Bool
    }

    init(limits: BatchLimits) { self.limits = limits }

    var isFull: Bool {
        if open?.isHeld == true, !hasWholeTransactions { return false }
        return batch.changes.count >= limits.changes || heldBytes >= limits.bytes
    }

    private var heldBytes: Int {
        batch.bytes.count + batch.values.count * MemoryLayout<Value>.stride
            + batch.changes.count * MemoryLayout<Change>.stride
            + batch.transactions.count * MemoryLayout<TransactionMark>.stride
    }

    var hasWholeTransactions: Bool { !batch.transactions.isEmpty }
    /// Nothing but a position waits: no reason to hurry.
    var holdsOnlyFiller: Bool { endsInFiller && batch.transactions.count == 1 }
    /// Parts of the open transaction were taken already.
    var isInLaterPart: Bool { open.map { !$0.mark.isFirstPart } ?? false }
    var isEmpty: Bool { batch.isEmpty && open == nil }
    var hasOpen: Bool { open != nil }
}

struct BatchLimits: Sendable {
    var bytes: Int
    var changes: Int
}

// MARK: Transactions

extension BatchBuilder {
    /// - Parameter position: in its group's first event: groups lie one behind the other in a
    ///   binlog, so this is the order of commits, and it is known when the first part is taken.
    mutating func begin(xid: UInt32, position: LogPosition, time: Int64, gtid: GTID?) {
        if endsInFiller {
            batch.transactions.removeLast()
            endsInFiller = false
        }
        lastTime = time
        let first = batch.changes.count
        var mark = TransactionMark(
            xid: xid, commitPosition: position, endPosition: .zero, commitTime: time,
            changes: first..<first)
        mark.gtid = gtid
        open = Open(mark: mark, first: batch.extent)
    }

    /// Whether this was the last part of a transaction in parts: its batch may hold nothing else.
    mutating func end(at position: LogPosition) -> Bool {
        guard var mark = open?.mark, let first = open?.first else { return false }
        mark.endPosition = position
        mark.readFrom = prepared.readFrom
        mark.changes = mark.changes.lowerBound..<batch.changes.count
        batch.transactions.append(mark)
        // An id must reach the checkpoint also when nothing of ours has it.
        endsInFiller =
            mark.changes.isEmpty && mark.isFirstPart && mark.gtid == nil
            && first.definitions == batch.definitions.count
        open = nil
        return !mark.isFirstPart
    }

    /// Notes that the log goes on at `end` and nothing of ours lies before it: an empty mark, so
    /// that the position takes the same way as everything else. No transaction may be open.
    mutating func filler(from start: LogPosition, to end: LogPosition) {
        begin(xid: 0, position: start, time: lastTime, gtid: nil)
        _ = self.end(at: end)
    }

    /// Forgets the open transaction: the link broke inside it.
    mutating func dropOpen() {
        if let open { batch.cut(to: open.first) }
        open = nil
    }

    /// Takes back what the open transaction did; false if parts of it were taken.
    mutating func dropChanges() -> Bool {
        guard let open, open.mark.isFirstPart else { return open == nil }
        batch.cut(to: open.first)
        return true
    }

    // MARK: Savepoints

    mutating func savepoint(_ name: String) {
        let now = Savepoint(name: name, place: batch.extent)
        open?.savepoints.removeAll { $0.name == name }
        open?.savepoints.append(now)
    }

    mutating func release(_ name: String) {
        if let index = open?.savepoints.firstIndex(where: { $0.name == name }) {
            open?.savepoints.removeSubrange(index...)
        }
    }

    /// Takes back what came after the savepoint (B18).
    mutating func rollBack(to name: String) throws(MalformedEvent) {
        guard let index = open?.savepoints.firstIndex(where: { $0.name == name }) else {
            throw .rolledBack("ROLLBACK TO a savepoint that was not set")
        }
        open?.savepoints.removeSubrange((index + 1)...)
        guard let place = open?.savepoints[index].place else {
            throw .rolledBack("ROLLBACK TO a savepoint behind \(limits.changes) changes")
        }
        batch.cut(to: place)
    }
}

// MARK: Statements

extension BatchBuilder {
    mutating func truncate(_ table: LoggedTable) {
        var change = Change(operation: .truncate, table: slot(of: table))
        // Each is a statement of its own (P52).
        truncates &+= 1
        change.statement = truncates
        batch.changes.append(change)
    }

    mutating func define(_ table: LoggedTable, what: String) {
        batch.definitions.append(
            LoggedDefinition(
                table: table.id, name: table.name, what: what,
                transaction: batch.transactions.count))
    }
}

// MARK: Tables and rows

extension BatchBuilder {
    /// The index of a table in this batch; describes it there when it is the first time.
    ///
    /// - Parameter identity: the columns that before-images hold, if not all.
    @inline(__always)
    mutating func slot(of table: TableMap, _ plan: RowPlan, identity: [Bool]?) -> Int32 {
        let key = SlotKey(serial: table.serial, isPartial: identity != nil)
        if lastKey == key { return lastSlot }
        return findSlot(key, plan, identity)
    }

    private mutating func findSlot(_ key: SlotKey, _ plan: RowPlan, _ identity: [Bool]?) -> Int32 {
        if let known = slots[key] {
            (lastKey, lastSlot) = (key, known)
            return known
        }
        var table = plan.description
        if let identity {
            table.isFull = false
            for (place, index) in plan.carried.enumerated() {
                table.columns[place].isIdentity = identity[index]
            }
        }
        let slot = slot(of: table)
        slots[key] = slot
        (lastKey, lastSlot) = (key, slot)
        return slot
    }

    /// The log describes a table anew whenever the server opens it.
    mutating func slot(of table: LoggedTable) -> Int32 {
        if let same = batch.tables.firstIndex(of: table) { return Int32(same) }
        batch.tables.append(table)
        return Int32(batch.tables.count - 1)
    }

    mutating func forgetSlots() {
        slots.removeAll(keepingCapacity: true)
        lastKey.serial = -1
    }

    /// Copies a row's text.
    @inline(__always)
    mutating func append(_ text: borrowing RowText) throws(MalformedEvent) {
        let end = batch.bytes.count + text.count
        guard end <= Int(UInt32.max) else { throw .tooLarge("a batch of changes") }
        if end > batch.bytes.capacity {
            // Doubling past the limit would hold memory that is never used (I6).
            let doubled = min(2 * batch.bytes.capacity, limits.bytes + limits.bytes / 8)
            batch.bytes.reserveCapacity(max(end, doubled))
        }
        batch.bytes.append(contentsOf: text.bytes)
    }
}
