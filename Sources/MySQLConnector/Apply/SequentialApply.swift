internal import ReplicationEngine
internal import ReplicationModel

/// The batch being applied: valid inside one call of `apply` only.
struct BatchView {
    let memory: BatchMemory
    let changes: UnsafeBufferPointer<Change>
    /// By index into the batch's tables; nil where the log's columns are not the route's.
    let tables: [AppliedTable?]

    var values: UnsafeBufferPointer<Value> { memory.values }
}

/// What went wrong with one change.
struct ChangeFault: Error {
    var change: Int
    var cause: any Error
}

/// Applies changes one by one, in order, each as one statement whose row count is checked: its
/// failure has a name.
struct SequentialApply {
    let applier: MySQLApplier
    let view: BatchView
    /// Source operations per route.
    private(set) var tally: [ChangeCounts]

    init(applier: MySQLApplier, view: BatchView) {
        self.applier = applier
        self.view = view
        tally = Array(repeating: ChangeCounts(), count: applier.tables.count)
    }

    mutating func run(_ work: MySQLApplier.Work) throws {
        for index in work.range {
            let action = work.action(index)
            guard action != .skip else { continue }
            let table = try table(of: index)
            try send(index, action, table)
            count(view.changes[index].operation, table)
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

    /// Runs one change. A key change of which one side is wanted is a DELETE or INSERT.
    func send(_ index: Int, _ action: ChangeAction, _ table: AppliedTable) throws {
        do {
            if action.clears.contains(.old) { try clear(try keyRow(index, table), table) }
            if action.clears.contains(.new) { try clearNew(index, table) }
            switch (view.changes[index].operation, action.step) {
            case (_, .nothing): break
            case (.truncate, _): try applier.removeAll(table)
            case (.insert, _), (.update, .insertNew), (.delete, .insertNew):
                try insert(index, table)
            case (.delete, _), (.update, .deleteOld): try delete(index, table)
            case (.update, .whole): try update(index, table, mayMiss: false)
            case (.update, .updateIfThere): try update(index, table, mayMiss: true)
            }
        } catch let fault as UnfitChange { throw fault } catch {
            throw ChangeFault(change: index, cause: error)
        }
    }

    private func insert(_ index: Int, _ table: AppliedTable) throws {
        let new = try newRow(index, table)
        var insert = MultiRowInsert(table, applier.statements)
        try insert.append(in: view.memory) { new[$0] }
        try insert.send()
    }

    private func delete(_ index: Int, _ table: AppliedTable) throws {
        let old = try keyRow(index, table)
        applier.statements.append("DELETE FROM \(table.place) WHERE ")
        try finish(old, table)
    }

    /// Deletes the row of this key if it is there. Never called for a table without a key.
    private func clear(_ key: UnsafePointer<Value>, _ table: AppliedTable) throws {
        applier.statements.append("DELETE FROM \(table.place) WHERE ")
        try finish(key, table, mayMiss: true)
    }

    /// The same for the new key: a value that the log did not repeat is the old one.
    private func clearNew(_ index: Int, _ table: AppliedTable) throws {
        let change = view.changes[index]
        let new = try image(change.newRow, index, table)
        var key = Array(UnsafeBufferPointer(start: new, count: table.codings.count))
        if change.oldRow >= 0 {
            let old = try image(change.oldRow, index, table)
            for column in table.route.key where key[column].isUnchanged {
                key[column] = old[column]
            }
        }
        guard table.route.key.allSatisfy({ key[$0].isPresent }) else {
            throw UnfitChange(
                change: index, kind: .unsupported, why: "the log does not tell the row's new key")
        }
        try key.withUnsafeBufferPointer { try clear($0.baseAddress ?? new, table) }
    }

    private func update(_ index: Int, _ table: AppliedTable, mayMiss: Bool) throws {
        let new = try image(view.changes[index].newRow, index, table)
        let old = try keyRow(index, table)
        let columns = Array(table.codings.indices)
        try table.appendUpdate(
            columns, in: view.memory, to: &applier.statements.text, { new[$0] })
        try finish(old, table, mayMiss: mayMiss)
    }

    /// Equal rows are interchangeable, but a change is for exactly one of them (P05).
    private func finish(
        _ old: UnsafePointer<Value>, _ table: AppliedTable, mayMiss: Bool = false
    ) throws {
        try table.appendCondition(old, in: view.memory, to: &applier.statements.text)
        if table.route.isKeyless { applier.statements.append(" LIMIT 1") }
        try applier.statements.run(expecting: mayMiss ? 0...1 : 1...1, table: table)
    }
}

// MARK: Images

extension SequentialApply {
    func image(_ start: Int32, _ index: Int, _ table: AppliedTable) throws -> UnsafePointer<Value> {
        guard let row = view.memory.row(start, width: table.codings.count) else {
            throw UnfitChange(
                change: index, kind: .protocolViolation, why: "the log does not carry the row")
        }
        return row
    }

    /// The complete after-image.
    func newRow(_ index: Int, _ table: AppliedTable) throws -> UnsafePointer<Value> {
        let new = try image(view.changes[index].newRow, index, table)
        guard isWhole(new, table) else {
            throw UnfitChange(
                change: index, kind: .unsupported,
                why: "the log does not carry every value of the new row")
        }
        return new
    }

    func isWhole(_ row: UnsafePointer<Value>, _ table: AppliedTable) -> Bool {
        table.codings.indices.allSatisfy { !row[$0].isUnchanged }
    }

    /// The image that tells which row is meant: the old one, or the new one of an UPDATE that kept
    /// its key. Its key has values.
    func keyRow(_ index: Int, _ table: AppliedTable) throws -> UnsafePointer<Value> {
        let change = view.changes[index]
        let row = try image(
            change.oldRow >= 0 ? change.oldRow : change.newRow, index, table)
        let isKnown =
            table.route.isKeyless
            ? change.oldRow >= 0 && change.oldIsWhole && isWhole(row, table)
            : table.route.key.allSatisfy { row[$0].isPresent }
        guard isKnown else {
            throw UnfitChange(
                change: index, kind: .unsupported,
                why: "the log does not tell which row is meant (replica identity)")
        }
        return row
    }

    func keyChanges(
        _ old: UnsafePointer<Value>, _ new: UnsafePointer<Value>, _ table: AppliedTable
    ) -> Bool {
        guard old != new else { return false }
        return table.route.key.contains {
            !new[$0].isUnchanged && !view.memory.areEqual(old[$0], new[$0])
        }
    }
}
