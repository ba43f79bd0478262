internal import ReplicationEngine
internal import ReplicationModel

/// Applies changes one by one, in order, each as one prepared statement whose row count is checked.
///
/// Unlike a net change it may be refused only for a reason in the data: every statement carries the
/// index of its change, so that the failure has a name.
struct SequentialApply {
    let applier: PGApplier
    let view: BatchView
    /// Source operations per route.
    private(set) var tally: [ChangeCounts]

    init(applier: PGApplier, view: BatchView) {
        self.applier = applier
        self.view = view
        tally = Array(repeating: ChangeCounts(), count: applier.tables.count)
    }

    mutating func run(_ work: PGApplier.Work) throws {
        var index = work.range.lowerBound
        while index < work.range.upperBound, applier.pipeline.failure == nil {
            let change = view.changes[index]
            if change.operation == .truncate {
                let end = endOfTruncate(index, work)
                try truncate(index..<end, work)
                index = end
                continue
            }
            let action = work.action(index)
            if action != .skip {
                let table = try table(of: index)
                try send(index, action, table)
                count(change.operation, table)
            }
            index += 1
        }
    }

    /// The table of a change, or why it has none.
    func table(of index: Int) throws -> AppliedTable {
        guard let table = view.tables[Int(view.changes[index].table)] else {
            throw UnfitChange(
                change: index, kind: .unseenSchemaChange,
                why: "the log's columns are not those the table had when the pipeline started")
        }
        return table
    }

    mutating func count(_ operation: Change.Operation, _ table: AppliedTable) {
        tally[table.index].count(operation)
    }

    /// Sends one change of a row. A key change of which one side is wanted is a DELETE or INSERT.
    func send(_ index: Int, _ action: ChangeAction, _ table: AppliedTable) throws {
        if action.clears.contains(.old) { try clearOld(index, table) }
        if action.clears.contains(.new) { try clearNew(index, table) }
        switch (view.changes[index].operation, action.step) {
        case (_, .nothing), (.truncate, _): break
        case (.insert, _), (.update, .insertNew), (.delete, .insertNew): try insert(index, table)
        case (.delete, _), (.update, .deleteOld): try delete(index, table)
        case (.update, .whole): try update(index, table)
        case (.update, .updateIfThere): try update(index, table, isLimit: true)
        }
    }

    /// Deletes the row of the old key if it is there. Never called for a table without a key.
    private func clearOld(_ index: Int, _ table: AppliedTable) throws {
        let old = try keyImage(index, table)
        try send(
            .delete, new: old, place: place(table), old: old, index, table, isLimit: true)
    }

    /// The same for the new key: a value that the log did not repeat is the old one.
    private func clearNew(_ index: Int, _ table: AppliedTable) throws {
        let change = view.changes[index]
        let new = try image(change.newRow, index, table)
        var key = Array(UnsafeBufferPointer(start: new, count: table.columns.count))
        if change.oldRow >= 0 {
            let old = try image(change.oldRow, index, table)
            for column in table.route.key where key[column].length == -2 {
                key[column] = old[column]
            }
        }
        guard table.route.key.allSatisfy({ key[$0].length >= 0 }) else {
            throw UnfitChange(
                change: index, kind: .unsupported, why: "the log does not tell the row's new key")
        }
        try key.withUnsafeBufferPointer { key in
            let key = key.baseAddress ?? new
            try send(
                .delete, new: key, place: place(table), old: key, index, table, isLimit: true)
        }
    }

    private func insert(_ index: Int, _ table: AppliedTable) throws {
        let new = try image(view.changes[index].newRow, index, table)
        guard table.columns.indices.allSatisfy({ new[$0].length != -2 }) else {
            throw UnfitChange(
                change: index, kind: .unsupported,
                why: "the log does not carry every value of the new row")
        }
        try send(.insert, new: new, place: [], old: new, index, table)
    }

    private func delete(_ index: Int, _ table: AppliedTable) throws {
        let old = try keyImage(index, table)
        let statement: AppliedTable.Statement = table.route.isKeyless ? .deleteWholeRow : .delete
        try send(statement, new: old, place: place(table), old: old, index, table)
    }

    /// `isLimit`: the row may be missing.
    private func update(_ index: Int, _ table: AppliedTable, isLimit: Bool = false) throws {
        let new = try image(view.changes[index].newRow, index, table)
        let old = try keyImage(index, table)
        let shape = table.shape { new[$0].length != -2 }
        let statement: AppliedTable.Statement
        if table.route.isKeyless {
            statement = .updateWholeRow(shape: shape)
        } else if needsReplacing(view.changes[index], old, new, table) {
            statement = .replace(shape: shape)
        } else {
            statement = .update(shape: shape, keys: keyChanges(old, new, table))
        }
        try send(
            statement, new: new, place: place(table), old: old, index, table, isLimit: isLimit)
    }

    private func place(_ table: AppliedTable) -> [Int] {
        table.route.isKeyless ? Array(table.columns.indices) : table.route.key
    }

    func keyChanges(
        _ old: UnsafePointer<Value>, _ new: UnsafePointer<Value>, _ table: AppliedTable
    ) -> Bool {
        guard old != new else { return false }
        return table.route.key.contains { new[$0].length != -2 && !view.areEqual(old[$0], new[$0]) }
    }

    /// Whether an identity column that UPDATE cannot set changes, or may change as far as the log
    /// tells.
    private func needsReplacing(
        _ change: Change, _ old: UnsafePointer<Value>, _ new: UnsafePointer<Value>,
        _ table: AppliedTable
    ) -> Bool {
        table.columns.indices.contains { column in
            guard table.columns[column].isAlwaysIdentity, new[column].length != -2 else {
                return false
            }
            let isKnown = old != new && (change.oldIsWhole || table.route.key.contains(column))
            if isKnown { return !view.areEqual(old[column], new[column]) }
            return !table.route.key.contains(column)
        }
    }

    private func send(
        _ statement: AppliedTable.Statement, new: UnsafePointer<Value>, place: [Int],
        old: UnsafePointer<Value>, _ index: Int, _ table: AppliedTable, isLimit: Bool = false
    ) throws {
        let prepared = table.prepared(statement, number: applier.nextStatementNumber)
        let texts = applier.texts
        texts.begin()
        do throws(ArrayParameters.UnfitValue) {
            for column in table.parameters(of: statement) {
                try texts.append(new[column], in: view)
            }
            for column in place { try texts.append(old[column], in: view) }
        } catch {
            throw UnfitChange(
                change: index, kind: .invalidValue,
                why: "a text holds a NUL byte, which PostgreSQL has no place for")
        }
        try texts.withParameters { values in
            try applier.pipeline.send(
                prepared, values: values, lengths: nil, formats: nil, bytes: texts.byteCount,
                rows: 1, isLimit: isLimit, tag: index)
        }
    }
}

// MARK: Images

extension SequentialApply {
    func image(_ start: Int32, _ index: Int, _ table: AppliedTable) throws -> UnsafePointer<Value> {
        guard let row = view.row(start, width: table.columns.count) else {
            throw UnfitChange(
                change: index, kind: .protocolViolation, why: "the log does not carry the row")
        }
        return row
    }

    /// The image that tells which row is meant: the old one, or the new one of an UPDATE that kept
    /// its key. Its key has values.
    func keyImage(_ index: Int, _ table: AppliedTable) throws -> UnsafePointer<Value> {
        let change = view.changes[index]
        let row = try image(
            change.oldRow >= 0 ? change.oldRow : change.newRow, index, table)
        let isKnown =
            table.route.isKeyless
            ? change.oldRow >= 0 && change.oldIsWhole
                && table.columns.indices.allSatisfy { row[$0].length != -2 }
            : table.route.key.allSatisfy { row[$0].length >= 0 }
        guard isKnown else {
            throw UnfitChange(
                change: index, kind: .unsupported,
                why: "the log does not tell which row is meant (replica identity)")
        }
        return row
    }
}

// MARK: TRUNCATE

extension SequentialApply {
    /// End of the consecutive changes that are one TRUNCATE statement (P52).
    func endOfTruncate(_ start: Int, _ work: PGApplier.Work) -> Int {
        var end = start + 1
        while end < work.range.upperBound, view.changes[end].operation == .truncate,
            view.changes[end].statement == view.changes[start].statement
        {
            end += 1
        }
        return end
    }

    /// Exactly the tables listed, in one statement: one at a time would trip over foreign keys
    /// between them, and CASCADE would reach tables that are not ours.
    func truncate(_ range: Range<Int>, _ work: PGApplier.Work) throws {
        let wanted = range.filter { work.action($0) != .skip }
        guard let first = wanted.first else { return }
        var names: [String] = []
        for index in wanted {
            let table = try table(of: index)
            if table.route.share == nil {
                names.append(table.relation)
            } else {
                try applier.pipeline.send(
                    "DELETE FROM \(table.relation)\(table.route.share.clause)", tag: index)
            }
        }
        if names.isEmpty { return }
        let restart = view.changes[first].restartsIdentity ? " RESTART IDENTITY" : ""
        try applier.pipeline.send("TRUNCATE \(names.joined(separator: ", "))\(restart)", tag: first)
    }
}
