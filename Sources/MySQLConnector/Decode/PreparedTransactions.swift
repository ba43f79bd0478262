internal import ReplicationModel

/// XA transactions that are prepared: their rows, until a later group decides (B20).
///
/// Nothing of them is stored. The checkpoint says from where the log is to be read again, which is
/// in front of the oldest one; what is applied already is passed over then (`PassedGroups`).
///
///     log         PREPARE a   t1   PREPARE b   COMMIT a   t2   COMMIT b
///     checkpoint  |<------------------------->|<------------->|  read from here:
///                 before a                    before b         the position itself
struct PreparedTransactions {
    private struct Transaction {
        var rows: ChangeBatch
        /// What was passed before the group that prepared it.
        var before: GTIDSet?
        var number: Int

        /// Of what one takes besides its rows too, so that their number is limited.
        var bytes: Int { rows.footprint + (before?.footprint ?? 0) + 256 }
    }

    /// Held by all of them.
    private(set) var bytes = 0
    private var transactions: [String: Transaction] = [:]
    private var count = 0
    /// Where to read from to have all of them again.
    private(set) var readFrom: GTIDSet?

    mutating func insert(_ xid: String, _ rows: ChangeBatch, before: GTIDSet?) {
        // One whose end was not logged (`sql_log_bin = 0`) has given way.
        _ = remove(xid)
        count += 1
        let transaction = Transaction(rows: rows, before: before, number: count)
        bytes += transaction.bytes
        if transactions.isEmpty { readFrom = before }
        transactions[xid] = transaction
    }

    /// Its rows.
    mutating func remove(_ xid: String) -> ChangeBatch? {
        guard let transaction = transactions.removeValue(forKey: xid) else { return nil }
        bytes -= transaction.bytes
        readFrom = transactions.values.min { $0.number < $1.number }?.before
        return transaction.rows
    }
}

extension BatchBuilder {
    mutating func holdOpen() { open?.isHeld = true }
    var isHeld: Bool { open?.isHeld ?? false }

    /// What is held counts against the limit, together with what is prepared.
    func checkHeld() throws(MalformedEvent) {
        guard let open, open.isHeld else { return }
        let held = (batch.extent - open.first).footprint
        guard held + prepared.bytes <= limits.bytes else {
            throw .tooLarge("what is prepared (\(limits.bytes) bytes of memory)")
        }
    }

    /// Puts aside what the open transaction did: it is empty from here on.
    mutating func prepareOpen(_ xid: String, before: GTIDSet?) throws(MalformedEvent) {
        try checkHeld()
        guard let open else { return }
        var rows = ChangeBatch()
        rows.tables = batch.tables
        rows.append(batch, from: open.first)
        prepared.insert(xid, rows, before: before)
        batch.cut(to: open.first)
        self.open?.isHeld = false
    }

    /// The open transaction is the one that was put aside, or has undone it.
    mutating func decide(_ xid: String, commits: Bool) throws(MalformedEvent) {
        let found = prepared.remove(xid)
        guard commits else { return }
        guard var rows = found else { throw .notPrepared("XA COMMIT \(xid)") }
        guard batch.bytes.count + rows.bytes.count <= Int(UInt32.max) else {
            throw .tooLarge("a batch of changes")
        }
        // Of the tables that its batch had, only its own: others may be another shape by now.
        var slots: [Int32: Int32] = [:]
        for index in rows.changes.indices {
            let old = rows.changes[index].table
            let new = slots[old] ?? slot(of: rows.tables[Int(old)])
            slots[old] = new
            rows.changes[index].table = new
        }
        batch.append(rows, from: ChangeBatch.Extent())
    }
}
