internal import ReplicationEngine
internal import ReplicationModel

/// INSERT statements of many rows.
struct MultiRowInsert {
    let table: AppliedTable
    let statements: RowStatements
    private(set) var count: Int64 = 0

    init(_ table: AppliedTable, _ statements: RowStatements) {
        self.table = table
        self.statements = statements
    }

    mutating func append(in batch: BatchMemory, _ value: (Int) -> Value) throws {
        statements.append(count == 0 ? table.insertHead : ",")
        try table.appendRow(in: batch, to: &statements.text, value)
        count += 1
        if statements.text.count >= statements.shareBytes { try send() }
    }

    mutating func send() throws {
        guard count > 0 else { return }
        let expected = count
        count = 0
        try statements.run(expecting: expected, table: table)
    }
}

/// A row that was taken out of its table until the values it needs are free.
struct MovedRow {
    private let row: [UInt8]

    /// Completes the row with the values that are in the table only, and deletes it there.
    init(
        _ key: UnsafePointer<Value>, _ table: AppliedTable, _ statements: RowStatements,
        in batch: BatchMemory, _ value: (Int) -> Value
    ) throws {
        let missing = table.codings.indices.filter { value($0).isUnchanged }
        var condition: [UInt8] = []
        try table.appendCondition(key, in: batch, to: &condition)
        let place = "FROM \(table.place) WHERE \(String(decoding: condition, as: UTF8.self))"
        let list = missing.map { column in
            table.codings[column] == .bytes
                ? "HEX(\(table.names[column]))"
                : "HEX(CONVERT(\(table.names[column]) USING utf8mb4))"
        }
        let found = try statements.connection.query(
            "SELECT \(SQLText.list(list + ["1"])) \(place) FOR UPDATE")
        guard found.rowCount == 1 else {
            throw StatementFault(cause: .rows(found: Int64(found.rowCount), expected: 1))
        }
        var text: [UInt8] = Array("(".utf8)
        for column in table.codings.indices {
            if column > 0 { text.append(UInt8(ascii: ",")) }
            guard let index = missing.firstIndex(of: column) else {
                try table.appendLiteral(value(column), of: column, in: batch, to: &text)
                continue
            }
            text.append(
                contentsOf: Self.literal(found.text(0, index), table.codings[column]).utf8)
        }
        row = text + Array(")".utf8)
        statements.append("DELETE \(place)")
        try statements.run(expecting: 1, table: table)
    }

    private static func literal(_ hexadecimal: String?, _ coding: ValueCoding) -> String {
        guard let hexadecimal else { return "NULL" }
        return coding == .bytes ? "x'\(hexadecimal)'" : "CONVERT(x'\(hexadecimal)' USING utf8mb4)"
    }

    func insert(_ table: AppliedTable, _ statements: RowStatements) throws {
        statements.append(table.insertHead)
        statements.text += row
        try statements.run(expecting: 1, table: table)
    }
}
