internal import ReplicationEngine
internal import ReplicationModel

/// Applies the net change per key and table of a range of changes, many source transactions at
/// once.
///
/// Handed: changes in log order. Hands on: few statements with many rows each.
///
/// Within a table every row that leaves or changes is deleted first; then come the rows as they are
/// last. So a value of a unique column is free before another row takes it, whatever way the source
/// handed it on (P11): the server has no constraints that wait for the end. Two kinds of rows are
/// updated in place, between the deletes and the inserts: those with a value that the log did not
/// repeat, and those of a table with columns of its own (A27). One that is refused because of a
/// value that another such row still has is read, deleted, and written with the inserts.
///
/// What does not net is a *barrier* of its table: what is gathered goes out, then the change
/// itself, then gathering goes on:
///
///     incomplete key change          the value is in the old row
///     update, delete without a key   one of several equal rows, inserted maybe just before
///     a row that may be missing      what the merge of load and stream does not know (few changes)
///     TRUNCATE                       its table
///
/// Tables are independent of each other: foreign keys are off, and tables with triggers refused.
struct NetApply {
    private static let rowLimit = 1000

    let applier: MySQLApplier
    private var sequence: SequentialApply
    private var view: BatchView { sequence.view }
    private var touched: [Int] = []

    var tally: [ChangeCounts] { sequence.tally }

    init(applier: MySQLApplier, view: BatchView) {
        self.applier = applier
        sequence = SequentialApply(applier: applier, view: view)
    }

    mutating func run(_ work: MySQLApplier.Work) throws {
        for index in work.range {
            let action = work.action(index)
            guard action != .skip else { continue }
            let table = try sequence.table(of: index)
            let operation = view.changes[index].operation
            switch (table.mode, operation) {
            case (.sequential, _): try sequence.send(index, action, table)
            case (_, .truncate): try barrier(index, action, table)
            case (.netKeyless, _): try takeKeyless(index, action, table)
            case (.netKeyed, _): try takeKeyed(index, action, table)
            }
            sequence.count(operation, table)
        }
        for table in touched { try flush(applier.tables[table]) }
    }

    private mutating func barrier(
        _ index: Int, _ action: ChangeAction, _ table: AppliedTable
    ) throws {
        try flush(table)
        try sequence.send(index, action, table)
    }

    private mutating func takeKeyless(
        _ index: Int, _ action: ChangeAction, _ table: AppliedTable
    ) throws {
        let change = view.changes[index]
        guard change.operation == .insert || action.step == .insertNew else {
            return try barrier(index, action, table)
        }
        _ = try sequence.newRow(index, table)
        touch(table)
        applier.nets[table.index].append(change.newRow)
    }

    private mutating func takeKeyed(
        _ index: Int, _ action: ChangeAction, _ table: AppliedTable
    ) throws {
        let change = view.changes[index]
        guard action.isStrict else { return try barrier(index, action, table) }
        touch(table)
        let isNetted: Bool
        switch (change.operation, action.step) {
        case (_, .nothing), (_, .updateIfThere), (.truncate, _): return
        case (.insert, _), (_, .insertNew): isNetted = try insert(index, table)
        case (.delete, _), (_, .deleteOld): isNetted = try delete(index, table)
        case (.update, .whole):
            let old = try sequence.keyRow(index, table)
            let new = try sequence.image(change.newRow, index, table)
            if !sequence.keyChanges(old, new, table) {
                isNetted = applier.nets[table.index].update(
                    key: keyStart(change), image: change.newRow, in: view.memory)
            } else if table.hasOwnColumns || !sequence.isWhole(new, table) {
                return try barrier(index, action, table)
            } else {
                isNetted = try delete(index, table) && insert(index, table)
            }
        }
        guard isNetted else {
            throw UnfitChange(
                change: index, kind: .rowConflict, why: "the changes of a key do not add up")
        }
    }

    private func insert(_ index: Int, _ table: AppliedTable) throws -> Bool {
        let new = try sequence.newRow(index, table)
        guard table.route.key.allSatisfy({ new[$0].isPresent }) else {
            throw UnfitChange(
                change: index, kind: .protocolViolation, why: ValueFault.missingKey.reason)
        }
        return applier.nets[table.index].insert(view.changes[index].newRow, in: view.memory)
    }

    private func delete(_ index: Int, _ table: AppliedTable) throws -> Bool {
        _ = try sequence.keyRow(index, table)
        return applier.nets[table.index].delete(keyStart(view.changes[index]), in: view.memory)
    }

    private func keyStart(_ change: Change) -> Int32 {
        change.oldRow >= 0 ? change.oldRow : change.newRow
    }

    private mutating func touch(_ table: AppliedTable) {
        if applier.nets[table.index].isEmpty { touched.append(table.index) }
    }
}

// MARK: Statements

extension NetApply {
    /// What becomes of a gathered row.
    private enum Fate { case delete, checkGone, update, replace, insert }

    private func fate(
        _ row: NetChanges.Row, _ net: NetChanges, _ table: AppliedTable
    ) -> Fate {
        guard row.isPresent else { return row.mustExist ? .delete : .checkGone }
        guard row.mustExist else { return .insert }
        if row.isNew { return .replace }
        let isWhole = table.codings.indices.allSatisfy {
            !net.value(row, $0, in: view.memory).isUnchanged
        }
        return isWhole && !table.hasOwnColumns ? .replace : .update
    }

    /// Sends what is gathered of a table.
    private func flush(_ table: AppliedTable) throws {
        guard !applier.nets[table.index].isEmpty else { return }
        // Taken out while it is read: a second reference would copy it when it is changed next.
        var net = NetChanges(key: [], width: 0)
        swap(&net, &applier.nets[table.index])
        defer {
            net.removeAll()
            swap(&net, &applier.nets[table.index])
        }
        let fates = net.rows.map { fate($0, net, table) }
        func rows(_ wanted: Set<Fate>) -> [NetChanges.Row] {
            zip(net.rows, fates).filter { wanted.contains($0.1) }.map(\.0)
        }
        try sendDeletes(rows([.delete, .replace]), table, rowsPerRow: 1)
        try sendDeletes(rows([.checkGone]), table, rowsPerRow: 0)
        var moved: [MovedRow] = []
        for row in rows([.update]) {
            if let row = try update(row, net, table) { moved.append(row) }
        }
        try sendInserts(rows([.replace, .insert]), net, table)
        for row in moved { try row.insert(table, applier.statements) }
    }

    private func sendDeletes(
        _ rows: [NetChanges.Row], _ table: AppliedTable, rowsPerRow: Int64
    ) throws {
        let statements = applier.statements
        let single = table.route.key.count == 1 ? table.route.key[0] : nil
        var count = 0
        func send() throws {
            guard count > 0 else { return }
            if single != nil { statements.append(")") }
            try statements.run(expecting: Int64(count) * rowsPerRow, table: table)
            count = 0
        }
        for row in rows {
            if count == 0 {
                let place = single.map { "\(table.names[$0]) IN (" } ?? ""
                statements.append("DELETE FROM \(table.place) WHERE \(place)")
            }
            guard let key = view.memory.row(row.key, width: table.codings.count) else { continue }
            if let single {
                if count > 0 { statements.append(",") }
                try table.appendLiteral(
                    key[single], of: single, in: view.memory, to: &statements.text)
            } else {
                statements.append(count > 0 ? " OR (" : "(")
                try table.appendCondition(key, in: view.memory, to: &statements.text)
                statements.append(")")
            }
            count += 1
            if count >= Self.rowLimit || statements.text.count >= statements.shareBytes {
                try send()
            }
        }
        try send()
    }

    private func sendInserts(
        _ rows: [NetChanges.Row], _ net: NetChanges, _ table: AppliedTable
    ) throws {
        var insert = MultiRowInsert(table, applier.statements)
        for start in net.appended {
            try insert.append(in: view.memory) { view.values[Int(start) + $0] }
        }
        for row in rows {
            try insert.append(in: view.memory) { net.value(row, $0, in: view.memory) }
        }
        try insert.send()
    }

    /// Updates in place; returns the row when another one still has a unique value of it.
    private func update(
        _ row: NetChanges.Row, _ net: NetChanges, _ table: AppliedTable
    ) throws -> MovedRow? {
        guard let key = view.memory.row(row.key, width: table.codings.count) else { return nil }
        func value(_ column: Int) -> Value { net.value(row, column, in: view.memory) }
        let columns = table.codings.indices.filter { !table.route.key.contains($0) }
        let statements = applier.statements
        try table.appendUpdate(columns, in: view.memory, to: &statements.text, value)
        try table.appendCondition(key, in: view.memory, to: &statements.text)
        do {
            try statements.run(expecting: 1, table: table)
            return nil
        } catch let fault as StatementFault where fault.isDuplicate && !table.hasOwnColumns {
            return try MovedRow(key, table, statements, in: view.memory, value)
        }
    }
}
