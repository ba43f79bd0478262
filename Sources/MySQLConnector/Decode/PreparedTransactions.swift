internal import ReplicationModel

/// XA transactions that are prepared: their rows, until a later group decides (B20).
///
/// None of their GTIDs is in a checkpoint before that. After a restart the server sends every group
/// that the checkpoint's set has not: so they are read again, and nothing of them is stored.
struct PreparedTransactions {
    /// What one takes besides its rows, so that their number is limited too.
    private static let overhead = 256

    /// Held by all of them.
    private(set) var bytes = 0
    private var transactions: [String: (rows: ChangeBatch, gtid: GTID?)] = [:]

    mutating func insert(_ xid: String, _ rows: ChangeBatch, _ gtid: GTID?) {
        bytes += rows.footprint + Self.overhead
        transactions[xid] = (rows, gtid)
    }

    mutating func remove(_ xid: String) -> (rows: ChangeBatch, gtid: GTID?)? {
        guard let transaction = transactions.removeValue(forKey: xid) else { return nil }
        bytes -= transaction.rows.footprint + Self.overhead
        return transaction
    }
}

extension BatchBuilder {
    mutating func holdOpen() { open?.isHeld = true }

    /// What is held counts against the limit, together with what is prepared.
    func checkHeld() throws(MalformedEvent) {
        guard let open, open.isHeld else { return }
        let held = (batch.extent - open.first).footprint
        guard held + prepared.bytes <= limits.bytes else {
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

    mutating func dropPrepared() { prepared = PreparedTransactions() }
}
