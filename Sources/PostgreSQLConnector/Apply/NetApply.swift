internal import ReplicationEngine
internal import ReplicationModel

/// Applies the net change per key and table of a range of changes, many source transactions at
/// once.
///
/// Handed: changes in log order. Hands on: few statements with many rows each, in one flight.
///
/// Tables are independent of each other (no trigger, no foreign key fires), so each is gathered on
/// its own and sent at the end. What does not net is a *barrier* of its table: what is gathered
/// goes out, then the change itself, then gathering goes on:
///
///     key change                     rows of the new key may wait for the old one to leave
///     update, delete without a key   one of several equal rows, inserted maybe just before
///     a row that may be missing      what the merge of load and stream does not know (few changes)
///     TRUNCATE                       all its tables
///
/// Within a table deletes go before updates before inserts: values of unique columns that leave a
/// row are free before others take them. Where that is not enough (a ring of updates) the server
/// refuses and the range is run one by one.
struct NetApply {
    /// One statement's share of rows and bytes: its parameters are copied by libpq and the server.
    private static let rowLimit: Int32 = 10_000
    private static let byteLimit = 4 << 20

    let applier: PGApplier
    private var sequence: SequentialApply
    private var view: BatchView { sequence.view }
    private var touched: [AppliedTable] = []

    var tally: [ChangeCounts] { sequence.tally }

    init(applier: PGApplier, view: BatchView) {
        self.applier = applier
        sequence = SequentialApply(applier: applier, view: view)
    }

    mutating func run(_ work: PGApplier.Work) throws {
        var index = work.range.lowerBound
        while index < work.range.upperBound {
            if view.changes[index].operation == .truncate {
                let end = sequence.endOfTruncate(index, work)
                try truncate(index..<end, work)
                index = end
                continue
            }
            let action = work.action(index)
            if action != .skip { try take(index, action) }
            index += 1
        }
        for table in touched { try flush(table) }
    }

    private mutating func take(_ index: Int, _ action: ChangeAction) throws {
        let table = try sequence.table(of: index)
        let operation = view.changes[index].operation
        switch table.mode {
        case .sequential: try sequence.send(index, action, table)
        case .netKeyless: try takeKeyless(index, action, table)
        case .netKeyed: try takeKeyed(index, action, table)
        }
        sequence.count(operation, table)
    }

    private mutating func takeKeyless(
        _ index: Int, _ action: ChangeAction, _ table: AppliedTable
    ) throws {
        let change = view.changes[index]
        if change.operation == .insert || action.step == .insertNew {
            _ = try sequence.image(change.newRow, index, table)
            touch(table)
            applier.nets[table.index].append(change.newRow)
        } else {
            try flush(table)
            try sequence.send(index, action, table)
        }
    }

    private mutating func takeKeyed(
        _ index: Int, _ action: ChangeAction, _ table: AppliedTable
    ) throws {
        let change = view.changes[index]
        guard action.isStrict else {
            try flush(table)
            return try sequence.send(index, action, table)
        }
        touch(table)
        let isNetted: Bool
        switch (change.operation, action.step) {
        case (_, .nothing), (_, .updateIfThere), (.truncate, _): return
        case (.insert, _), (_, .insertNew):
            let new = try sequence.image(change.newRow, index, table)
            guard table.route.key.allSatisfy({ new[$0].length >= 0 }) else { throw unfit(index) }
            isNetted = applier.nets[table.index].insert(change.newRow, in: view)
        case (.delete, _), (_, .deleteOld):
            _ = try sequence.keyImage(index, table)
            isNetted = applier.nets[table.index].delete(keyRow(change), in: view)
        case (.update, .whole):
            let old = try sequence.keyImage(index, table)
            let new = try sequence.image(change.newRow, index, table)
            if sequence.keyChanges(old, new, table) {
                try flush(table)
                return try sequence.send(index, action, table)
            }
            isNetted = applier.nets[table.index].update(
                key: keyRow(change), image: change.newRow, in: view)
        }
        guard isNetted else { throw unfit(index) }
    }

    private func keyRow(_ change: Change) -> Int32 {
        change.oldRow >= 0 ? change.oldRow : change.newRow
    }

    private func unfit(_ index: Int) -> UnfitChange {
        UnfitChange(change: index, kind: .rowConflict, why: "the changes of a key do not add up")
    }

    private mutating func touch(_ table: AppliedTable) {
        if applier.nets[table.index].isEmpty { touched.append(table) }
    }

    private mutating func truncate(_ range: Range<Int>, _ work: PGApplier.Work) throws {
        for index in range where work.action(index) != .skip {
            try flush(try sequence.table(of: index))
        }
        try sequence.truncate(range, work)
    }
}

// MARK: Statements

extension NetApply {
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
        try sendDeletes(net, table, expecting: 1) { $0.mustExist && (!$0.isPresent || $0.isNew) }
        try sendDeletes(net, table, expecting: 0) { !$0.mustExist && !$0.isPresent }
        try sendUpdates(net, table)
        try sendInserts(net, table)
    }

    private func sendDeletes(
        _ net: NetChanges, _ table: AppliedTable, expecting rows: Int64,
        where isWanted: (NetChanges.Row) -> Bool
    ) throws {
        let key = table.route.key
        var statement = NetStatement(applier, table, .netDelete, key, rowsPerRow: rows)
        for row in net.rows where isWanted(row) {
            for (position, column) in key.enumerated() {
                let value = view.values[Int(row.key) + column]
                try applier.arrays.append(value, to: position, in: view)
            }
            try statement.endRow(limits: (Self.rowLimit, Self.byteLimit))
        }
        try statement.send()
    }

    private func sendInserts(_ net: NetChanges, _ table: AppliedTable) throws {
        let columns = Array(table.columns.indices)
        var statement = NetStatement(applier, table, .netInsert, columns, rowsPerRow: 1)
        for start in net.appended {
            for column in columns {
                try applier.arrays.append(
                    view.values[Int(start) + column], to: column, in: view)
            }
            try statement.endRow(limits: (Self.rowLimit, Self.byteLimit))
        }
        for row in net.rows where row.isPresent && (row.isNew || !row.mustExist) {
            for column in columns {
                try applier.arrays.append(
                    net.value(row, column, in: view), to: column, in: view)
            }
            try statement.endRow(limits: (Self.rowLimit, Self.byteLimit))
        }
        try statement.send()
    }

    /// One statement per distinct set of present columns.
    private func sendUpdates(_ net: NetChanges, _ table: AppliedTable) throws {
        var shapes: [(row: Int, shape: Int)] = []
        var used: Set<Int> = []
        for (index, row) in net.rows.enumerated()
        where row.mustExist && row.isPresent && !row.isNew {
            let shape = table.shape { net.value(row, $0, in: view).length != -2 }
            shapes.append((index, shape))
            used.insert(shape)
        }
        for shape in used.sorted() {
            let set = table.parameters(of: .netUpdate(shape: shape))
            let columns = set + table.route.key
            var statement = NetStatement(
                applier, table, .netUpdate(shape: shape), columns, rowsPerRow: 1)
            for entry in shapes where entry.shape == shape {
                let row = net.rows[entry.row]
                for (position, column) in set.enumerated() {
                    try applier.arrays.append(
                        net.value(row, column, in: view), to: position, in: view)
                }
                for (offset, column) in table.route.key.enumerated() {
                    let value = view.values[Int(row.key) + column]
                    try applier.arrays.append(value, to: set.count + offset, in: view)
                }
                try statement.endRow(limits: (Self.rowLimit, Self.byteLimit))
            }
            try statement.send()
        }
    }
}

/// One kind of statement of one table, sent whenever a share of rows is full.
private struct NetStatement {
    let applier: PGApplier
    let table: AppliedTable
    let statement: AppliedTable.Statement
    let lanes: [AppliedColumn.Lane]
    /// Rows that each row of parameters must touch.
    let rowsPerRow: Int64

    init(
        _ applier: PGApplier, _ table: AppliedTable, _ statement: AppliedTable.Statement,
        _ columns: [Int], rowsPerRow: Int64
    ) {
        self.applier = applier
        self.table = table
        self.statement = statement
        self.rowsPerRow = rowsPerRow
        lanes = columns.map { table.columns[$0].lane }
        applier.arrays.begin(lanes)
    }

    mutating func endRow(limits: (rows: Int32, bytes: Int)) throws {
        applier.arrays.endRow()
        if applier.arrays.rows >= limits.rows || applier.arrays.byteCount >= limits.bytes {
            try send()
        }
    }

    func send() throws {
        let arrays = applier.arrays
        guard arrays.rows > 0 else { return }
        let prepared = table.prepared(statement, number: applier.nextStatementNumber)
        let rows = Int64(arrays.rows) * rowsPerRow
        try arrays.withParameters { values, lengths, formats in
            try applier.pipeline.send(
                prepared, values: values, lengths: lengths, formats: formats,
                bytes: arrays.byteCount, rows: rows, tag: -1)
        }
        arrays.begin(lanes)
    }
}
