internal import ReplicationModel

/// Collects decoded transactions in a batch until somebody takes it.
///
/// Handed: rows and what statements do, in the order of the log. Hands on: batches as `ChangeBatch`
/// promises them: runs of whole transactions, or parts of a single large one.
struct BatchBuilder {
    /// The transaction whose end has not come yet, and where it starts in the batch.
    private struct Open {
        var mark: TransactionMark
        var first: Fill
        var savepoints: [Savepoint] = []
        /// Not to be delivered before its end is known: it may only be prepared.
        var isHeld = false
    }

    /// How much a batch holds.
    struct Fill {
        var bytes = 0, values = 0, changes = 0, definitions = 0
    }

    private struct Savepoint {
        var name: String
        /// nil: what was before it was delivered already.
        var fill: Fill?
    }

    var batch = ChangeBatch()
    private var open: Open?
    /// The last transaction of the batch is empty and has no GTID: it only carries a position.
    private var endsInFiller = false
    private var slots: [SlotKey: Int32] = [:]
    private var lastKey = SlotKey(serial: -1, isPartial: false)
    private var lastSlot: Int32 = 0
    private var lastTime: Int64 = 0
    private var truncates: UInt32 = 0
    private var prepared = PreparedTransactions()
    private let limits: BatchLimits

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

    private var fill: Fill {
        Fill(
            bytes: batch.bytes.count, values: batch.values.count, changes: batch.changes.count,
            definitions: batch.definitions.count)
    }
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
        open = Open(mark: mark, first: fill)
    }

    /// Whether this was the last part of a transaction in parts: its batch may hold nothing else.
    mutating func end(at position: LogPosition) -> Bool {
        guard var mark = open?.mark, let first = open?.first else { return false }
        mark.endPosition = position
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
        if let open { cut(to: open.first) }
        open = nil
    }

    private mutating func cut(to fill: Fill) {
        batch.changes.removeSubrange(fill.changes...)
        batch.values.removeSubrange(fill.values...)
        batch.bytes.removeSubrange(fill.bytes...)
        batch.definitions.removeSubrange(fill.definitions...)
    }

    /// Takes back what the open transaction did; false if parts of it were taken.
    mutating func dropChanges() -> Bool {
        guard let open, open.mark.isFirstPart else { return open == nil }
        cut(to: open.first)
        return true
    }

    // MARK: XA

    mutating func holdOpen() { open?.isHeld = true }

    /// What is held counts against the limit, together with what is prepared.
    func checkHeld() throws(MalformedEvent) {
        guard let open, open.isHeld else { return }
        let bytes = batch.bytes.count - open.first.bytes
        guard bytes + prepared.bytes <= limits.bytes else {
            throw .tooLarge("what is prepared (\(limits.bytes) bytes of memory)")
        }
    }

    /// Puts the open transaction aside.
    mutating func prepareOpen(_ xid: String) throws(MalformedEvent) {
        try checkHeld()
        guard let open else { return }
        var rows = ChangeBatch()
        rows.tables = batch.tables
        rows.append(batch, from: open.first)
        prepared.insert(xid, rows, open.mark.gtid)
        dropOpen()
    }

    /// The open transaction is the one that was put aside, or has undone it.
    mutating func decide(_ xid: String, commits: Bool) throws(MalformedEvent) {
        let transaction = prepared.remove(xid)
        open?.mark.preparedGTID = transaction?.gtid
        guard commits else { return }
        guard var rows = transaction?.rows else { throw .notPrepared("XA COMMIT \(xid)") }
        guard batch.bytes.count + rows.bytes.count <= Int(UInt32.max) else {
            throw .tooLarge("a batch of changes")
        }
        let slots = rows.tables.map { slot(of: $0) }
        for index in rows.changes.indices {
            rows.changes[index].table = slots[Int(rows.changes[index].table)]
        }
        batch.append(rows, from: Fill())
    }

    mutating func dropPrepared() { prepared = PreparedTransactions() }

    // MARK: Savepoints

    mutating func savepoint(_ name: String) {
        let now = Savepoint(name: name, fill: fill)
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
        guard let fill = open?.savepoints[index].fill else {
            throw .rolledBack("ROLLBACK TO a savepoint behind \(limits.changes) changes")
        }
        cut(to: fill)
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
    private mutating func slot(of table: LoggedTable) -> Int32 {
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

// MARK: Taking

extension BatchBuilder {
    /// The whole transactions; the open one, if any, is the start of the next batch.
    mutating func takeWhole() -> ChangeBatch {
        var taken = startBatch()
        endsInFiller = false
        guard let open else {
            forgetSlots()
            return taken
        }
        moveTail(of: &taken, from: open.first)
        restart(open) { fill in
            Fill(
                bytes: fill.bytes - open.first.bytes, values: fill.values - open.first.values,
                changes: fill.changes - open.first.changes,
                definitions: fill.definitions - open.first.definitions)
        }
        return taken
    }

    /// What there is of the open transaction, which is alone in the batch.
    mutating func takePart() -> ChangeBatch {
        guard var open else { return ChangeBatch() }
        var taken = startBatch()
        forgetSlots()
        var mark = open.mark
        mark.changes = 0..<taken.changes.count
        mark.isLastPart = false
        taken.transactions = [mark]
        open.mark.isFirstPart = false
        restart(open) { _ in nil }
        return taken
    }

    /// The open transaction now begins where the batch does.
    private mutating func restart(_ old: Open, _ move: (Fill) -> Fill?) {
        var open = old
        open.mark.changes = 0..<0
        open.first = Fill()
        open.savepoints = old.savepoints.map {
            Savepoint(name: $0.name, fill: $0.fill.flatMap(move))
        }
        self.open = open
    }

    /// Puts an empty batch in place of the one there is, and returns that.
    private mutating func startBatch() -> ChangeBatch {
        let wasFull = isFull
        var other = ChangeBatch()
        swap(&other, &batch)
        if wasFull {
            // The next one will be as large: growing step by step would copy it twice.
            batch.bytes.reserveCapacity(min(other.bytes.count + 4096, limits.bytes))
            batch.values.reserveCapacity(other.values.count + 64)
            batch.changes.reserveCapacity(other.changes.count + 1)
        }
        return other
    }

    /// Moves the open transaction out of `taken` to the front of the new batch.
    private mutating func moveTail(of taken: inout ChangeBatch, from first: Fill) {
        // Slots stay as they are: the new batch describes the same tables at the same indexes.
        batch.tables = taken.tables
        batch.append(taken, from: first)
        taken.bytes.removeSubrange(first.bytes...)
        taken.values.removeSubrange(first.values...)
        taken.changes.removeSubrange(first.changes...)
        taken.definitions.removeSubrange(first.definitions...)
    }
}
