internal import ReplicationModel

/// A table as rows are decoded by: what the log says, completed by the catalogue. A class, because
/// the same one serves every statement in which the log describes the table by the same bytes.
final class TableMap {
    let name: TableName
    /// nil: its rows are passed over.
    let plan: RowPlan?
    /// The event's body that it was made from.
    let source: [UInt8]
    /// No other has it.
    let serial: Int

    init(
        _ event: TableMapEvent, source: [UInt8], serial: Int, choice: TableChoice,
        _ converters: Converters
    ) throws(TableFault) {
        name = event.name
        self.source = source
        self.serial = serial
        switch choice {
        case .pass: plan = nil
        case .decode(let hint): plan = try RowPlan(event, hint, converters)
        }
    }
}

/// An error with the column it is about.
struct TableFault: Error {
    var event: MalformedEvent
    var column: String?
}

/// How each column of a row is decoded. A class: handed on for every value.
final class RowPlan {
    let forms: [ColumnForm]
    /// For ENUM and SET, in UTF-8.
    let labels: [[[UInt8]]]
    /// The columns whose values are delivered, by their place in the row.
    let carried: [Int]
    /// For each column.
    let isCarried: [Bool]
    let names: [String]
    /// Of the columns that are delivered.
    let description: LoggedTable

    init(
        _ event: TableMapEvent, _ hint: TableHint?, _ converters: Converters
    ) throws(TableFault) {
        var description = LoggedTable(
            id: hint?.id ?? UInt32(truncatingIfNeeded: event.id), name: event.name, columns: [],
            isFull: true)
        var (forms, labels): ([ColumnForm], [[[UInt8]]]) = ([], [])
        var (isCarried, names): ([Bool], [String]) = ([], [])
        var passed = Set(hint?.columns.filter { !$0.isCarried }.map(\.name) ?? [])
        let hidden = Self.hidden(event)
        passed.formUnion(hidden.values)
        let described = event.columns.count - hidden.count
        if let hint, hint.columns.count != described {
            throw TableFault(
                event: .columnCount(described: hint.columns.count, sent: described))
        }
        var hints = hint?.columns[...]
        for index in event.columns.indices {
            let known = hidden[index] == nil ? hints?.popFirst() : nil
            let maker = ColumnMaker(event: event, hint: known, index: index)
            do throws(MalformedEvent) {
                labels.append(try maker.labels(converters))
                forms.append(try maker.form(converters))
                let column = try maker.column()
                names.append(column.name)
                isCarried.append(!passed.contains(column.name))
                if isCarried[index] { description.columns.append(column) }
            } catch {
                throw TableFault(event: error, column: maker.name)
            }
        }
        (self.forms, self.labels, self.description) = (forms, labels, description)
        (self.isCarried, self.names) = (isCarried, names)
        carried = isCarried.indices.filter { isCarried[$0] }
    }

    /// Columns by which MariaDB keeps long values unique: no catalogue has them, the log does.
    private static func hidden(_ event: TableMapEvent) -> [Int: String] {
        guard let names = event.metadata.names else { return [:] }
        let found = names.enumerated().filter { $0.element.hasPrefix("DB_ROW_HASH_") }
        return Dictionary(uniqueKeysWithValues: found.map { ($0.offset, $0.element) })
    }
}

extension RowPlan {
    /// Whether an image has every column that is delivered. From 11.4 on MariaDB leaves generated
    /// ones out of updates and deletes whatever `binlog_row_image` says.
    func isWhole(_ image: ColumnBitmap) -> Bool {
        image.isWhole || carried.count < forms.count && carried.allSatisfy { image[$0] }
    }
}

/// Makes the plan of one column.
private struct ColumnMaker {
    var event: TableMapEvent
    var hint: TableHint.Column?
    var index: Int
    var logged: LoggedColumn

    init(event: TableMapEvent, hint: TableHint.Column?, index: Int) {
        self.event = event
        self.hint = hint
        self.index = index
        logged = event.columns[index]
    }

    var name: String? { event.metadata.names?[index] ?? hint?.name }

    func column() throws(MalformedEvent) -> LoggedTable.Column {
        guard let name else { throw .missingMetadata("the names of columns") }
        let isKey = event.metadata.primaryKey?.contains(index) ?? hint?.isKey ?? false
        return LoggedTable.Column(
            name: name, typeID: try ColumnTypeID.of(logged, isUnsigned: isUnsigned()),
            modifier: Int32(logged.detail), isIdentity: isKey)
    }

    private func isUnsigned() throws(MalformedEvent) -> Bool {
        guard logged.isInteger else { return false }
        guard let known = event.metadata.isUnsigned?[index] ?? hint?.isUnsigned else {
            throw .missingMetadata("whether integers have a sign")
        }
        return known
    }

    /// nil for bytes.
    private func characterSet(
        of collation: UInt64?, _ converters: Converters
    ) throws(MalformedEvent) -> CharacterSet? {
        let set: String
        if let collation {
            set = try Collation.characterSet(of: collation)
        } else if let known = hint?.characterSet {
            set = known
        } else {
            throw .missingMetadata("the character sets of columns")
        }
        return set == "binary" ? nil : try converters.characterSet(named: set)
    }

    private func characterSet(_ converters: Converters) throws(MalformedEvent) -> CharacterSet? {
        try characterSet(of: event.metadata.collations?[index], converters)
    }

    func labels(_ converters: Converters) throws(MalformedEvent) -> [[UInt8]] {
        guard logged.isEnumeration || logged.isSet else { return [] }
        if let raw = event.metadata.labels?[index] {
            let set = try characterSet(of: event.metadata.labelCollations?[index], converters)
            var labels: [[UInt8]] = []
            for label in raw {
                let text = try label.reading { bytes throws(MalformedEvent) in
                    try converters.text(bytes, set ?? .utf8)
                }
                labels.append(text)
            }
            return labels
        }
        guard let hint else { throw .missingMetadata("the labels of ENUM and SET") }
        return hint.labels.map { Array($0.utf8) }
    }

    func form(_ converters: Converters) throws(MalformedEvent) -> ColumnForm {
        if let temporal = try temporal() { return temporal }
        return switch logged.type {
        case 1: .integer(size: 1, isUnsigned: try isUnsigned())
        case 2: .integer(size: 2, isUnsigned: try isUnsigned())
        case 9: .integer(size: 3, isUnsigned: try isUnsigned())
        case 3: .integer(size: 4, isUnsigned: try isUnsigned())
        case 8: .integer(size: 8, isUnsigned: try isUnsigned())
        case 4: .float
        case 5: .double
        case 13: .year
        case 16: try bits()
        case 246: try decimal()
        case 247: .enumeration(size: try labelSize(2))
        case 248: .set(size: try labelSize(8))
        case 245: .json(prefix: try prefix())
        default: try string(converters)
        }
    }

    private func temporal() throws(MalformedEvent) -> ColumnForm? {
        switch logged.type {
        case 7: .oldTimestamp
        case 10, 14: .date
        case 11: .oldTime
        case 12: .oldDatetime
        case 17: .timestamp(fraction: try fraction())
        case 18: .datetime(fraction: try fraction())
        case 19: .time(fraction: try fraction())
        default: nil
        }
    }

    private func string(_ converters: Converters) throws(MalformedEvent) -> ColumnForm {
        switch logged.type {
        case 254: return try fixedString(converters)
        case 15, 253:
            let prefix: UInt8 = logged.detail > 255 ? 2 : 1
            return try characterSet(converters).map { .text(prefix: prefix, $0) }
                ?? .bytes(prefix: prefix)
        case 249...252:
            let prefix = try prefix()
            return try characterSet(converters).map { .text(prefix: prefix, $0) }
                ?? .bytes(prefix: prefix)
        case 140, 141:
            let prefix = logged.type == 140 ? try prefix() : logged.detail > 255 ? 2 : 1
            return try characterSet(converters).map { .compressedText(prefix: prefix, $0) }
                ?? .compressedBytes(prefix: prefix)
        case 242, 255: return .bytes(prefix: try prefix())
        default: throw .unsupported("column type \(logged.type)")
        }
    }

    private func fixedString(_ converters: Converters) throws(MalformedEvent) -> ColumnForm {
        switch hint?.special {
        case .uuid: return .uuid
        case .inet6: return .inet6
        case .inet4: return .inet4
        case nil:
            let prefix: UInt8 = logged.detail > 255 ? 2 : 1
            return try characterSet(converters).map { .text(prefix: prefix, $0) }
                ?? .paddedBytes(prefix: prefix, length: logged.detail)
        }
    }

    // MARK: Details of a type

    private func prefix() throws(MalformedEvent) -> UInt8 {
        guard (1...4).contains(logged.low) else { throw .invalid("lengths of \(logged.low) bytes") }
        return logged.low
    }

    private func fraction() throws(MalformedEvent) -> UInt8 {
        guard logged.low <= 6 else { throw .invalid("\(logged.low) digits behind the second") }
        return logged.low
    }

    private func labelSize(_ largest: UInt8) throws(MalformedEvent) -> UInt8 {
        guard (1...largest).contains(logged.low) else {
            throw .invalid("labels of \(logged.low) bytes")
        }
        return logged.low
    }

    private func bits() throws(MalformedEvent) -> ColumnForm {
        let count = Int(logged.high) * 8 + Int(logged.low)
        guard logged.low < 8, (1...64).contains(count) else { throw .invalid("BIT(\(count))") }
        return .bits(count: UInt8(count))
    }

    private func decimal() throws(MalformedEvent) -> ColumnForm {
        guard (1...65).contains(logged.low), logged.high <= min(30, logged.low) else {
            throw .invalid("DECIMAL(\(logged.low),\(logged.high))")
        }
        return .decimal(precision: logged.low, scale: logged.high)
    }
}

/// A column's type as one number, the same from the log and from the catalogue: what the engine
/// compares to see a change of the schema.
enum ColumnTypeID {
    static let unsigned: UInt32 = 0x100

    static func of(_ column: LoggedColumn, isUnsigned: Bool) throws(MalformedEvent) -> UInt32 {
        switch column.type {
        // Older forms of the same types: TIMESTAMP, DATE, TIME, DATETIME, VARCHAR.
        case 7: 17
        case 14: 10
        case 11: 19
        case 12: 18
        case 253: 15
        default: UInt32(column.type) | (isUnsigned ? unsigned : 0)
        }
    }
}
