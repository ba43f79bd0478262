internal import ReplicationModel

/// XA transactions that are prepared: their rows, until a later group decides (B20).
///
/// None of their GTIDs is in a checkpoint before that. After a restart the server sends every group
/// that the checkpoint's set has not: so they are read again, and nothing of them is stored.
struct PreparedTransactions {
    /// Held by all of them.
    private(set) var bytes = 0
    private var transactions: [String: (rows: ChangeBatch, gtid: GTID?)] = [:]

    mutating func insert(_ xid: String, _ rows: ChangeBatch, _ gtid: GTID?) {
        bytes += rows.footprint
        transactions[xid] = (rows, gtid)
    }

    mutating func remove(_ xid: String) -> (rows: ChangeBatch, gtid: GTID?)? {
        guard let transaction = transactions.removeValue(forKey: xid) else { return nil }
        bytes -= transaction.rows.footprint
        return transaction
    }
}

extension BatchBuilder {
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
}

extension ChangeBatch {
    /// Copies what `other` holds behind `first` to the end, into the transaction that is open. Both
    /// have the same tables.
    mutating func append(_ other: ChangeBatch, from first: BatchBuilder.Fill) {
        let move = (
            bytes: bytes.count - first.bytes, values: Int32(values.count - first.values)
        )
        for var value in other.values[first.values...] {
            if value.isPresent { value.offset = UInt32(Int(value.offset) + move.bytes) }
            values.append(value)
        }
        for var change in other.changes[first.changes...] {
            if change.oldRow >= 0 { change.oldRow += move.values }
            if change.newRow >= 0 { change.newRow += move.values }
            changes.append(change)
        }
        for var definition in other.definitions[first.definitions...] {
            definition.transaction = transactions.count
            definitions.append(definition)
        }
        bytes.append(contentsOf: other.bytes[first.bytes...])
    }
}
