import ReplicationEngine
import ReplicationModel

/// The log as the decoder delivers it: real batches of text values.
struct ModelLog {
    static let routes = [
        route(keyed: true, .int32), route(keyed: false, .int32),
    ]
    static let askingRoute = route(keyed: true, .numeric)

    static func routes(_ options: ModelOptions) -> [TableRoute] {
        let first = options.asksSource ? askingRoute : routes[0]
        guard let actions = options.cascades else {
            return options.hasKeyless ? [first, routes[1]] : [first]
        }
        var child = first
        var key = ForeignKey(
            name: "key", columns: ["value"], referenced: parent.source.name,
            referencedColumns: ["value"], definition: "", changesRows: true, isDeferrable: false)
        key.unlogged = actions
        child.source.foreignKeys = [key]
        return [child, parent]
    }

    /// Has no rows of its own here: only what it does to others.
    private static let parent: TableRoute = {
        let name = TableName(schema: "public", name: "parent")
        let columns = [column("value", .text)]
        let schema = TableSchema(
            id: 1, name: name, columns: columns, replicaIdentity: .primaryKey)
        return TableRoute(source: schema, target: name, columns: columns, key: [0])
    }()
    private static let loggedParent = LoggedTable(
        id: 1, name: parent.source.name,
        columns: [.init(name: "value", typeID: 0, modifier: -1, isIdentity: true)], isFull: true)

    private static func column(_ name: String, _ kind: ValueKind) -> Column {
        let type = ColumnType(
            declaration: kind.rawValue, castName: kind.rawValue, id: 0, modifier: -1, kind: kind)
        return Column(name: name, type: type)
    }

    private static func route(keyed: Bool, _ kind: ValueKind) -> TableRoute {
        let columns =
            (keyed ? [column("id", kind)] : []) + [column("value", .text), column("large", .text)]
        let name = TableName(schema: "public", name: keyed ? "keyed" : "keyless")
        let schema = TableSchema(
            id: keyed ? 0 : 1, name: name, columns: columns,
            replicaIdentity: keyed ? .primaryKey : .full)
        return TableRoute(source: schema, target: name, columns: columns, key: keyed ? [0] : [])
    }

    private static let tables = routes.map { route in
        LoggedTable(
            id: route.source.id, name: route.source.name,
            columns: route.columns.enumerated().map { index, column in
                .init(
                    name: column.name, typeID: 0, modifier: -1,
                    isIdentity: route.isKeyless || route.key.contains(index))
            }, isFull: route.isKeyless)
    }

    /// The batches of transactions `range` of the log: one, or one for each part of a single one.
    static func batches(_ log: [SourceTransaction], _ range: Range<Int>) -> [ChangeBatch] {
        let parts = range.count == 1 ? log[range.lowerBound].parts : 1
        return (0..<parts).map { part in
            var batch = ChangeBatch()
            for index in range { append(log[index], index, part, of: parts, to: &batch) }
            return batch
        }
    }

    private static func append(
        _ transaction: SourceTransaction, _ index: Int, _ part: Int, of parts: Int,
        to batch: inout ChangeBatch
    ) {
        let count = transaction.changes.count
        let first = batch.changes.count
        for change in transaction.changes[count * part / parts..<count * (part + 1) / parts] {
            append(change, to: &batch)
        }
        let position = ModelSource.commitPosition(index)
        var mark = TransactionMark(
            xid: UInt32(truncatingIfNeeded: transaction.xid), commitPosition: position,
            endPosition: LogPosition(rawValue: position.rawValue + 8), commitTime: 0,
            changes: first..<batch.changes.count)
        mark.isFirstPart = part == 0
        mark.isLastPart = part == parts - 1
        batch.transactions.append(mark)
    }

    /// Tables are numbered by the batch as they come, as the decoder does.
    private static func append(_ source: SourceChange, to batch: inout ChangeBatch) {
        let table = source.parent == nil ? tables[source.table] : loggedParent
        var index = batch.tables.firstIndex { $0.id == table.id } ?? -1
        if index < 0 {
            index = batch.tables.count
            batch.tables.append(table)
        }
        var change = Change(operation: source.operation, table: Int32(index))
        if let parent = source.parent {
            change.isUnchecked = parent.isUnchecked
            change.oldRow = batch.appendParent(parent.old)
            if let new = parent.new { change.newRow = batch.appendParent(new) }
            batch.changes.append(change)
            return
        }
        if let row = source.newRow, let key = source.new {
            let large: String? = source.isIncomplete ? nil : row.large
            change.newRow = batch.appendRow(table.isFull ? nil : key, row.value, .some(large))
        }
        if let row = source.oldRow, let key = source.old {
            if table.isFull {
                change.oldIsWhole = true
                change.oldRow = batch.appendRow(nil, row.value, .some(row.large))
            } else if source.old != source.new {
                change.oldRow = batch.appendRow(key, nil, nil)
            }
        }
        batch.changes.append(change)
    }
}

extension ChangeBatch {
    /// `large`: nil for NULL, `.some(nil)` for unchanged.
    fileprivate mutating func appendRow(_ key: Int?, _ value: String?, _ large: String??) -> Int32 {
        let start = Int32(values.count)
        var row: [Value] = []
        if let key { row.append(append(text: String(key))) }
        row.append(value.map { append(text: $0) } ?? .null)
        row.append(large.map { $0.map { append(text: $0) } ?? .unchanged } ?? .null)
        values.append(contentsOf: row)
        return start
    }

    fileprivate mutating func appendParent(_ value: String) -> Int32 {
        values.append(append(text: value))
        return Int32(values.count - 1)
    }

    mutating func append(text: String) -> Value {
        Array(text.utf8).withUnsafeBytes { append($0) }
    }
}
