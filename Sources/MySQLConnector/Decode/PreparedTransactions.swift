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
