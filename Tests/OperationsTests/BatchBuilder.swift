import ReplicationModel

/// Builds batches of one table from texts; nil is NULL, `absent` an unchanged value.
struct BatchBuilder {
    var batch = ChangeBatch()
    static let absent = "\u{0}absent"

    init(_ columns: [(String, UInt32)], isFull: Bool = false) {
        batch.tables = [
            LoggedTable(
                id: 1, name: TableName(schema: "public", name: "a"),
                columns: columns.enumerated().map { index, column in
                    .init(
                        name: column.0, typeID: column.1, modifier: -1,
                        isIdentity: isFull || index == 0)
                }, isFull: isFull)
        ]
    }

    mutating func row(_ texts: [String?]?) -> Int32 {
        guard let texts else { return -1 }
        let start = Int32(batch.values.count)
        for text in texts {
            guard let text else {
                batch.values.append(.null)
                continue
            }
            let bytes = Array(text.utf8)
            let value: Value =
                text == Self.absent ? .unchanged : bytes.withUnsafeBytes { batch.append($0) }
            batch.values.append(value)
        }
        return start
    }

    mutating func add(
        _ operation: Change.Operation, old: [String?]? = nil, new: [String?]? = nil,
        whole: Bool = false
    ) {
        var change = Change(operation: operation, table: 0)
        change.oldRow = row(old)
        change.newRow = row(new)
        change.oldIsWhole = whole
        batch.changes.append(change)
    }

    mutating func end(
        _ commit: UInt64 = 0x5E9, isFirst: Bool = true, isLast: Bool = true
    ) {
        let start = batch.transactions.last?.changes.upperBound ?? 0
        var mark = TransactionMark(
            xid: 771, commitPosition: LogPosition(rawValue: commit),
            endPosition: LogPosition(rawValue: commit + 8), commitTime: 1_000_000_000_123_456,
            changes: start..<batch.changes.count)
        mark.isFirstPart = isFirst
        mark.isLastPart = isLast
        batch.transactions.append(mark)
    }
}
