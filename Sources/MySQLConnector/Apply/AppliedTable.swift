internal import ReplicationEngine
internal import ReplicationModel

/// A route together with its table as the target has it, and the texts its statements are made of.
struct AppliedTable {
    /// Which changes are gathered before they are sent (NetApply.swift).
    enum Mode { case netKeyed, netKeyless, sequential }

    let index: Int
    let route: TableRoute
    let mode: Mode
    let codings: [ValueCoding]
    /// Columns that no value travels for: an UPDATE must leave them as they are.
    let hasOwnColumns: Bool
    /// The table, or the staging table of the session.
    let place: String
    /// By column of the route, quoted.
    let names: [String]
    /// `INSERT INTO t (a, b) VALUES `
    let insertHead: String
    private let isText: [Bool]

    var name: TableName { route.target }

    /// - Parameters:
    ///   - mayNet: false: everything one by one.
    ///   - staging: the staging table that rows and changes go to instead.
    init(
        index: Int, route: TableRoute, stored: TargetTable, on flavour: ServerFlavour,
        mayNet: Bool, staging: String? = nil
    ) throws {
        self.index = index
        self.route = route
        var codings: [ValueCoding] = []
        var isText: [Bool] = []
        for column in route.columns {
            guard let found = stored.column(column.name), !found.isGenerated,
                let coding = ValueCoding(column, route.source.dialect, in: found, on: flavour)
            else { throw Self.unfit(route, column.name, "the target's column does not fit") }
            codings.append(coding)
            isText.append(found.collation != nil)
        }
        self.codings = codings
        self.isText = isText
        names = route.columns.map { SQLText.name($0.name) }
        place = staging ?? SQLText.name(route.target)
        insertHead = "INSERT INTO \(place) (\(SQLText.list(names))) VALUES "
        mode = !mayNet ? .sequential : route.isKeyless ? .netKeyless : .netKeyed
        let carried = Set(route.columns.map { $0.name.lowercased() })
        hasOwnColumns =
            staging == nil
            && stored.columns.contains {
                !$0.isGenerated && !carried.contains($0.name.lowercased())
            }
    }

    static func unfit(
        _ route: TableRoute, _ column: String?, _ why: String
    ) -> ReplicationError {
        ReplicationError(
            .unfitSchema, "open the table for writing", table: route.target, column: column,
            why: why, try: "martlet plan shows what is wanted; then martlet reload")
    }

    private func isTime(_ column: Int) -> Bool {
        [.timestamp, .timestampWithZone].contains(route.columns[column].type.kind)
    }

    // MARK: Parts of statements

    /// Appends a value that is present or NULL.
    func appendLiteral(
        _ value: Value, of column: Int, in batch: BatchMemory, to text: inout [UInt8]
    ) throws {
        if value.isNull { return text.append(contentsOf: "NULL".utf8) }
        do throws(ValueFault) {
            guard value.isPresent else { throw .notSent }
            try codings[column].appendLiteral(batch.bytes(of: value), to: &text)
        } catch { throw ColumnFault(fault: error, column: column) }
    }

    /// Appends `(a, b, ...)`, the row that `value` gives by column.
    func appendRow(
        in batch: BatchMemory, to text: inout [UInt8], _ value: (Int) -> Value
    ) throws {
        text.append(UInt8(ascii: "("))
        for column in codings.indices {
            if column > 0 { text.append(UInt8(ascii: ",")) }
            let value = value(column)
            if value.isNull, route.key.contains(column) {
                throw ColumnFault(fault: .missingKey, column: column)
            }
            try appendLiteral(value, of: column, in: batch, to: &text)
        }
        text.append(UInt8(ascii: ")"))
    }

    /// Appends what is true for the row with this key, or, without a key, for rows equal in every
    /// column.
    func appendCondition(
        _ row: UnsafePointer<Value>, in batch: BatchMemory, to text: inout [UInt8]
    ) throws {
        guard !route.isKeyless else { return try appendEquality(row, in: batch, to: &text) }
        for (place, column) in route.key.enumerated() {
            if place > 0 { text.append(contentsOf: " AND ".utf8) }
            guard row[column].isPresent else {
                throw ColumnFault(fault: .missingKey, column: column)
            }
            text.append(contentsOf: "\(names[column]) = ".utf8)
            try appendLiteral(row[column], of: column, in: batch, to: &text)
        }
    }

    /// Texts are compared by their bytes, whatever the column's collation takes for equal.
    private func appendEquality(
        _ row: UnsafePointer<Value>, in batch: BatchMemory, to text: inout [UInt8]
    ) throws {
        for column in codings.indices {
            if column > 0 { text.append(contentsOf: " AND ".utf8) }
            let (name, value) = (names[column], row[column])
            let cast =
                isText[column]
                ? (SQLText.bytes(of: SQLText.utf8(name)), "CONVERT(", " USING binary)")
                : codings[column] == .json ? (name, "CAST(", " AS JSON)") : (name, "", "")
            text.append(contentsOf: "\(cast.0) <=> ".utf8)
            if value.isPresent { text.append(contentsOf: cast.1.utf8) }
            try appendLiteral(value, of: column, in: batch, to: &text)
            if value.isPresent { text.append(contentsOf: cast.2.utf8) }
        }
    }

    /// Appends `UPDATE t SET ...` for the columns whose value is there. A time that stays is set to
    /// itself: else a column with ON UPDATE CURRENT_TIMESTAMP would not stay (A31).
    func appendUpdate(
        _ columns: [Int], in batch: BatchMemory, to text: inout [UInt8], _ value: (Int) -> Value
    ) throws {
        text.append(contentsOf: "UPDATE \(place) SET ".utf8)
        var isFirst = true
        for column in columns where !value(column).isUnchanged || isTime(column) {
            if !isFirst { text.append(UInt8(ascii: ",")) }
            isFirst = false
            text.append(contentsOf: "\(names[column]) = ".utf8)
            if value(column).isUnchanged {
                text.append(contentsOf: names[column].utf8)
            } else {
                try appendLiteral(value(column), of: column, in: batch, to: &text)
            }
        }
        // Nothing to set: the row must still be there.
        if isFirst { text.append(contentsOf: "\(names[0]) = \(names[0])".utf8) }
        text.append(contentsOf: " WHERE ".utf8)
    }
}
