import ReplicationEngine
import ReplicationModel

/// Changes of source rows as changes of target rows.
///
/// Handed a batch with the verdict of the merge on each change; hands on a batch of the targets'
/// columns with verdicts of its own (the matrix of
/// docs/decisions/why-transforms-run-on-the-source-row). The new batch begins with the old one's
/// bytes, so that a value that is passed through is the same range of the same bytes.
struct ChangeTransform {
    let source: ChangeBatch
    /// By table of the batch: what each of its changes becomes.
    private let outputs: [[Output]]
    var batch = ChangeBatch()
    private(set) var actions: [ChangeAction] = []
    /// The source's bytes, during `run`: SQLite reads them where they are.
    private(set) var memory = UnsafeRawBufferPointer(start: nil, count: 0)

    private let ordinals: ChangeOrdinals

    private var keyOwners = KeyOwners()
    /// The next change is of a key that another table's row has had in this batch.
    private var isCut = false

    /// One table of the new batch.
    private struct Output {
        var table: Int32
        /// nil where changes pass as they are.
        var evaluator: RowEvaluator?
    }

    /// - Parameter evaluators: by table of the batch, one for each table that is made of it.
    init(
        _ source: ChangeBatch, _ evaluators: [[RowEvaluator?]],
        _ ordinals: ChangeOrdinals = ChangeOrdinals()
    ) {
        self.source = source
        self.ordinals = ordinals
        batch.bytes = source.bytes
        var (outputs, tables) = ([[Output]](), [LoggedTable]())
        for (table, evaluators) in zip(source.tables, evaluators) {
            outputs.append(
                evaluators.enumerated().map {
                    Output(table: Int32(tables.count + $0), evaluator: $1)
                })
            tables += evaluators.map { $0.map { Self.table(table, $0.transform) } ?? table }
        }
        self.outputs = outputs
        batch.tables = tables
    }

    private static func table(_ table: LoggedTable, _ transform: Transform) -> LoggedTable {
        let columns = transform.target.columns.enumerated().map { index, column in
            LoggedTable.Column(
                name: column.name, typeID: column.type.id, modifier: column.type.modifier,
                isIdentity: table.isFull || transform.target.key.contains(index))
        }
        return LoggedTable(id: table.id, name: table.name, columns: columns, isFull: table.isFull)
    }

    /// Transforms changes from the beginning of the range until it is done, what was made of them
    /// fills a batch (I6), or a key is another table's. Each run makes a batch of its own.
    ///
    /// - Returns: the first change that is still to come.
    /// - Throws: `ReplicationError` that names position, table and output.
    mutating func run(
        _ range: Range<Int>, _ wanted: [ChangeAction]?, bytes: Int = Self.madeBytes
    ) throws -> Int {
        begin()
        return try source.bytes.withUnsafeBytes { memory in
            self.memory = memory
            return try transform(range, wanted, memory.count + bytes)
        }
    }

    /// What an earlier run made is at the target; the source's bytes stay.
    private mutating func begin() {
        batch.shrink(to: ChangeBatch.Size(changes: 0, values: 0, bytes: source.bytes.count))
        batch.transactions.removeAll(keepingCapacity: true)
        actions.removeAll(keepingCapacity: true)
        (keyOwners, isCut) = (KeyOwners(), false)
    }

    /// What expressions may make beside the bytes that came.
    private static let madeBytes = 8 << 20

    private mutating func transform(
        _ range: Range<Int>, _ wanted: [ChangeAction]?, _ limit: Int
    ) throws -> Int {
        var end = range.lowerBound
        for mark in source.transactions {
            var copy = mark
            let first = batch.changes.count
            for index in mark.changes.clamped(to: range) where mayTake(limit) {
                let action = wanted?[index] ?? .whole
                try refuseTruncate(index, mark)
                if action != .skip { try takeWhole(index, action, mark) }
                if !isCut { end = index + 1 }
            }
            copy.changes = first..<batch.changes.count
            // What is behind the range is still to come.
            if end < mark.changes.upperBound { copy.isLastPart = false }
            batch.transactions.append(copy)
        }
        return mayTake(limit) ? range.upperBound : end
    }

    /// Also one that begins a load again: its wipe would not know whose the rows are.
    private func refuseTruncate(_ index: Int, _ mark: TransactionMark) throws {
        guard source.changes[index].operation == .truncate else { return }
        for output in outputs[Int(source.changes[index].table)] {
            guard let transform = output.evaluator?.transform, transform.isGuarded else { continue }
            throw transform.cannotEmpty(at: mark.committedAt)
        }
    }

    private func mayTake(_ limit: Int) -> Bool { batch.bytes.count < limit && !isCut }

    /// What a change becomes at all its targets; nothing, if it has to wait for what is there.
    private mutating func takeWhole(
        _ index: Int, _ action: ChangeAction, _ mark: TransactionMark
    ) throws {
        let before = batch.size
        for output in outputs[Int(source.changes[index].table)] {
            let first = batch.changes.count
            try take(index, action, mark, output)
            guard let transform = output.evaluator?.transform, transform.isGuarded else { continue }
            for made in first..<batch.changes.count where !isCut {
                isCut = !keyOwners.take(batch.changes[made], in: batch, transform)
            }
        }
        if isCut { batch.shrink(to: before) }
        actions.removeLast(actions.count - batch.changes.count)
    }

    private mutating func take(
        _ index: Int, _ action: ChangeAction, _ mark: TransactionMark, _ output: Output
    ) throws {
        var change = source.changes[index]
        let width = source.tables[Int(change.table)].columns.count
        change.table = output.table
        guard let evaluator = output.evaluator else { return pass(change, action, width) }
        let step = evaluator.transform.definition.mode.map {
            ModeStep($0, evaluator.transform, mark, ordinals)
        }
        guard change.operation != .truncate else {
            if let step { return try truncate(change, step) }
            return emit(change, action)
        }
        evaluator.context.begin(change.operation, mark)
        do {
            try transform(change, action, evaluator, step)
        } catch let refusal as RowRefusal {
            throw refusal.failure(evaluator.transform, mark.committedAt)
        }
    }

    // MARK: As they are

    private mutating func pass(_ change: Change, _ action: ChangeAction, _ width: Int) {
        var copy = change
        copy.oldRow = keep(change.oldRow, width)
        copy.newRow = keep(change.newRow, width)
        emit(copy, action)
    }

    private mutating func keep(_ row: Int32, _ width: Int) -> Int32 {
        guard row >= 0 else { return -1 }
        batch.values += source.values[Int(row)..<Int(row) + width]
        return Int32(batch.values.count - width)
    }

    mutating func emit(_ change: Change, _ action: ChangeAction) {
        batch.changes.append(change)
        actions.append(action)
    }

    // MARK: The matrix

    private mutating func transform(
        _ change: Change, _ action: ChangeAction, _ evaluator: RowEvaluator, _ step: ModeStep?
    ) throws {
        if change.operation != .insert, evaluator.needsWholeOldRow, !change.oldIsWhole {
            throw RowRefusal.noBeforeImage
        }
        let keepsKey = keepsKey(change, evaluator)
        var images = Images()
        if change.newRow >= 0 {
            images.new = try image(change.newRow, evaluator, .all, keepsKey: keepsKey)
        }
        if change.oldRow >= 0 {
            // A row without a key is found by all of its values. Of any other one nothing else is
            // asked: its other values may not be there, and expressions would fail for it.
            let asked: RowEvaluator.Asked = evaluator.isKeyless ? .all : .key
            images.old = try image(change.oldRow, evaluator, asked, keepsKey: true)
        } else if change.operation == .update {
            // Filter and key are made of key columns, which are in the new row.
            guard images.new != nil else { return }
            if step == nil { return emit(change.with(old: -1, new: images.new), action) }
            images.old = images.new
        }
        if let step {
            for edit in try step.edits(images, action, keepsKey: keepsKey) {
                try make(edit, images, change, step)
            }
            return
        }
        guard let (operation, action) = images.verdict(action, keepsKey: keepsKey) else { return }
        var result = change.with(old: images.old ?? -1, new: images.new)
        result.operation = operation
        result.oldIsWhole = change.oldIsWhole && operation != .insert && evaluator.isKeyless
        if action.writesNew, operation == .insert, let row = images.new {
            try requireWhole(row, evaluator.transform)
        }
        emit(result, action)
    }

    /// A row that enters the filter is new at the target.
    func requireWhole(_ row: Int32, _ transform: Transform) throws {
        let values = batch.values[Int(row)..<Int(row) + transform.outputs.count]
        guard let index = values.firstIndex(where: \.isUnchanged) else { return }
        var refusal = RowRefusal(
            transform.outputs[index - values.startIndex].column.name,
            ValueRefusal("the row enters the filter, and the log does not repeat this value of it"))
        refusal.lacksImage = true
        throw refusal
    }

    private func keepsKey(_ change: Change, _ evaluator: RowEvaluator) -> Bool {
        guard change.operation == .update, change.oldRow >= 0 else { return true }
        return evaluator.sourceKey.allSatisfy { column in
            let old = source.values[Int(change.oldRow) + column]
            let new = source.values[Int(change.newRow) + column]
            guard !new.isUnchanged, old != new else { return true }
            guard old.isPresent, new.isPresent, old.length == new.length else { return false }
            return source.withBytes(of: old) { old in
                source.withBytes(of: new) { old.elementsEqual($0) }
            }
        }
    }
}

extension Change {
    func with(old: Int32, new: Int32?) -> Change {
        var copy = self
        (copy.oldRow, copy.newRow) = (old, new ?? -1)
        return copy
    }
}

extension ChangeContext {
    fileprivate func begin(_ operation: Change.Operation, _ mark: TransactionMark) {
        switch operation {
        case .insert: self.operation = "insert"
        case .update: self.operation = "update"
        case .delete: self.operation = "delete"
        case .truncate: self.operation = "truncate"
        }
        self.mark = mark
    }
}
