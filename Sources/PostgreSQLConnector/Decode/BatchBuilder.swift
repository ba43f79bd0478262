internal import ReplicationModel

/// Collects decoded transactions in a batch until somebody takes it.
///
/// Handed: whole messages, in the order of the log. Hands on: batches as `ChangeBatch` promises
/// them: runs of whole transactions, or parts of a single large one.
///
/// The bytes of a message are copied once, as they are; values are ranges into the copy. The few
/// bytes of framing that come along cost less than one copy per value.
struct BatchBuilder {
    /// The transaction whose end has not come yet, and where it starts in the batch.
    private struct Open {
        var mark: TransactionMark
        var first: ChangeBatch.Extent
    }

    var batch = ChangeBatch()
    private var open: Open?
    /// The last transaction of the batch is empty: it only carries a position (P25).
    private var endsInFiller = false
    private var slots: [UInt32: Int32] = [:]
    private var lastRelation: UInt32?
    private var lastSlot: Int32 = 0
    /// Columns of the table that `slot` answered last.
    private(set) var lastColumnCount = 0
    private var statement: UInt32 = 0
    private var lastTime: Int64 = 0
    private let limits: BatchLimits

    init(limits: BatchLimits) { self.limits = limits }

    var isFull: Bool {
        batch.changes.count >= limits.changes || heldBytes >= limits.bytes
    }

    private var heldBytes: Int {
        batch.bytes.count + batch.values.count * MemoryLayout<Value>.stride
            + batch.changes.count * MemoryLayout<Change>.stride
    }

    var hasWholeTransactions: Bool { !batch.transactions.isEmpty }
    /// Nothing but a position waits: no reason to hurry.
    var holdsOnlyFiller: Bool { endsInFiller && batch.transactions.count == 1 }
    /// Parts of the open transaction were taken already.
    var isInLaterPart: Bool { open.map { !$0.mark.isFirstPart } ?? false }
    var isEmpty: Bool { batch.isEmpty && open == nil }
}

struct BatchLimits: Sendable {
    var bytes: Int
    var changes: Int
}

// MARK: Transactions

extension BatchBuilder {
    /// - Parameter end: the end position, zero while it is unknown.
    mutating func begin(xid: UInt32, commit: LogPosition, end: LogPosition, time: Int64) {
        if endsInFiller {
            batch.transactions.removeLast()
            endsInFiller = false
        }
        lastTime = time
        let first = batch.changes.count
        let mark = TransactionMark(
            xid: xid, commitPosition: commit, endPosition: end, commitTime: time,
            changes: first..<first)
        open = Open(mark: mark, first: batch.extent)
    }

    /// Whether this was the last part of a transaction in parts: its batch may hold nothing else.
    mutating func end(at position: LogPosition) -> Bool {
        guard var mark = open?.mark, let first = open?.first else { return false }
        mark.endPosition = position
        mark.changes = mark.changes.lowerBound..<batch.changes.count
        batch.transactions.append(mark)
        endsInFiller =
            mark.changes.isEmpty && mark.isFirstPart && first.messages == batch.messages.count
        open = nil
        return !mark.isFirstPart
    }

    /// Notes that the log is read up to `position` and nothing of ours lies before it: an empty
    /// mark, so that the position takes the same way as everything else (P14). No transaction may
    /// be open.
    mutating func filler(at position: LogPosition) {
        // One byte before: a commit record may start at `position` itself.
        let before = LogPosition(rawValue: position.rawValue - 1)
        begin(xid: 0, commit: before, end: position, time: lastTime)
        _ = end(at: position)
    }

    /// Forgets the open transaction: the link broke inside it.
    mutating func dropOpen() {
        if let open { batch.cut(to: open.first) }
        open = nil
    }

    mutating func message(_ content: String) {
        batch.messages.append(
            LogicalMessage(content: content, transaction: batch.transactions.count))
    }
}

// MARK: Tables and rows

extension BatchBuilder {
    /// The index of a table in this batch; describes it there when it is the first time.
    @inline(__always)
    mutating func slot(
        of relation: UInt32, in relations: borrowing RelationCache
    ) throws(MalformedMessage) -> Int32 {
        if lastRelation == relation { return lastSlot }
        return try findSlot(of: relation, in: relations)
    }

    private mutating func findSlot(
        of relation: UInt32, in relations: borrowing RelationCache
    ) throws(MalformedMessage) -> Int32 {
        let slot: Int32
        if let known = slots[relation] {
            slot = known
        } else {
            guard let table = relations.table(relation) else { throw .unknownRelation(relation) }
            slot = Int32(batch.tables.count)
            batch.tables.append(table)
            slots[relation] = slot
        }
        (lastRelation, lastSlot) = (relation, slot)
        lastColumnCount = batch.tables[Int(slot)].columns.count
        return slot
    }

    /// Later rows of this relation, or of all of them, look up its description again.
    mutating func forgetSlot(of relation: UInt32) {
        slots[relation] = nil
        lastRelation = nil
    }

    mutating func forgetSlots() {
        slots.removeAll(keepingCapacity: true)
        lastRelation = nil
    }

    /// Copies a message and returns where the copy starts.
    mutating func copy(_ message: UnsafeRawBufferPointer) throws(MalformedMessage) -> Int {
        let start = batch.bytes.count
        let end = start + message.count
        guard end <= Int(UInt32.max) else { throw .batchTooLarge }
        if end > batch.bytes.capacity {
            // Doubling past the limit would hold memory that is never used (I6).
            let doubled = min(2 * batch.bytes.capacity, limits.bytes + limits.bytes / 8)
            batch.bytes.reserveCapacity(max(end, doubled))
        }
        batch.bytes.append(contentsOf: message)
        return start
    }

    /// TRUNCATE statements are numbered, so that the share of each table can be told (P52).
    mutating func nextStatement() -> UInt32 {
        statement &+= 1
        return statement
    }
}

// MARK: Taking

extension BatchBuilder {
    /// The whole transactions; the open one, if any, is the start of the next batch.
    mutating func takeWhole() -> ChangeBatch {
        var taken = startBatch()
        endsInFiller = false
        guard var open else {
            forgetSlots()
            return taken
        }
        moveTail(of: &taken, from: open.first)
        open.mark.changes = 0..<0
        open.first = ChangeBatch.Extent()
        self.open = open
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
        open.mark.changes = 0..<0
        open.first = ChangeBatch.Extent()
        self.open = open
        return taken
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
    private mutating func moveTail(of taken: inout ChangeBatch, from first: ChangeBatch.Extent) {
        // Slots stay as they are: the new batch describes the same tables at the same indexes.
        batch.tables = taken.tables
        batch.append(taken, from: first)
        taken.cut(to: first)
    }
}
