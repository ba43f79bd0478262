/// The optional part of TABLE_MAP_EVENT: what is not there is nil.
///
/// Source: MySQL, libs/mysql/binlog/event/rows_event.h,
/// `Table_map_event::Optional_metadata_fields`.
struct TableMetadata {
    /// For each column.
    var isUnsigned: [Bool]?
    var names: [String]?
    /// Collations; nil for columns that have none.
    var collations: [UInt64?]?
    var labelCollations: [UInt64?]?
    /// Labels of ENUM and SET, in their own character set, not yet UTF-8.
    var labels: [[[UInt8]]]?
    /// Indexes of columns.
    var primaryKey: [Int]?

    init(
        _ reader: inout EventReader, columns: [LoggedColumn], isMariaDB: Bool
    ) throws(MalformedEvent) {
        while !reader.isAtEnd {
            let type = try reader.uint8()
            var field = EventReader(try reader.take(try reader.count()))
            try read(type, &field, columns, isMariaDB)
        }
    }

    private mutating func read(
        _ type: UInt8, _ field: inout EventReader, _ columns: [LoggedColumn],
        _ isMariaDB: Bool
    ) throws(MalformedEvent) {
        let isText: (LoggedColumn) -> Bool = { $0.isText(inMariaDB: isMariaDB) }
        switch type {
        case 1: isUnsigned = try Self.signs(&field, columns)
        case 2: collations = try Self.defaultCollations(&field, columns, isText)
        case 3: collations = try Self.allCollations(&field, columns, isText)
        case 4: names = try Self.names(&field, columns.count)
        case 5: try readLabels(&field, columns) { $0.isSet }
        case 6: try readLabels(&field, columns) { $0.isEnumeration }
        case 8: primaryKey = try Self.key(&field, columns.count, hasPrefix: false)
        case 9: primaryKey = try Self.key(&field, columns.count, hasPrefix: true)
        case 10: labelCollations = try Self.defaultCollations(&field, columns, Self.hasLabels)
        case 11: labelCollations = try Self.allCollations(&field, columns, Self.hasLabels)
        // 7 geometry types, 12 visibility, 13 dimensions of vectors: no value is read by them.
        // The format lets a reader pass over what it does not know.
        default: _ = field.rest()
        }
        try field.finish()
    }

    private static func hasLabels(_ column: LoggedColumn) -> Bool {
        column.isEnumeration || column.isSet
    }

    /// One bit for each numeric column, the highest first.
    private static func signs(
        _ field: inout EventReader, _ columns: [LoggedColumn]
    ) throws(MalformedEvent) -> [Bool] {
        let bits = field.rest()
        let needed = (columns.count(where: \.isNumeric) + 7) / 8
        guard bits.count == needed else {
            throw bits.count < needed
                ? .truncated(needs: needed, has: bits.count)
                : .trailing(bytes: bits.count - needed)
        }
        var index = 0
        return columns.map { column in
            guard column.isNumeric else { return false }
            defer { index += 1 }
            return bits[index / 8] >> (7 - index % 8) & 1 == 1
        }
    }

    private static func defaultCollations(
        _ field: inout EventReader, _ columns: [LoggedColumn],
        _ counts: (LoggedColumn) -> Bool
    ) throws(MalformedEvent) -> [UInt64?] {
        let common = try field.lengthEncoded()
        var others: [Int: UInt64] = [:]
        while !field.isAtEnd {
            let index = try field.count()
            others[index] = try field.lengthEncoded()
        }
        var index = 0
        return columns.map { column in
            guard counts(column) else { return nil }
            defer { index += 1 }
            return others[index] ?? common
        }
    }

    private static func allCollations(
        _ field: inout EventReader, _ columns: [LoggedColumn],
        _ counts: (LoggedColumn) -> Bool
    ) throws(MalformedEvent) -> [UInt64?] {
        var collations: [UInt64?] = []
        for column in columns {
            collations.append(counts(column) ? try field.lengthEncoded() : nil)
        }
        return collations
    }

    private static func names(
        _ field: inout EventReader, _ count: Int
    ) throws(MalformedEvent) -> [String] {
        var names: [String] = []
        for _ in 0..<count { names.append(try field.text(try field.count())) }
        return names
    }

    private mutating func readLabels(
        _ field: inout EventReader, _ columns: [LoggedColumn],
        _ counts: (LoggedColumn) -> Bool
    ) throws(MalformedEvent) {
        var all = labels ?? Array(repeating: [], count: columns.count)
        for (index, column) in columns.enumerated() where counts(column) {
            for _ in 0..<(try field.count()) {
                all[index].append(Array(try field.take(try field.count())))
            }
        }
        labels = all
    }

    private static func key(
        _ field: inout EventReader, _ columns: Int, hasPrefix: Bool
    ) throws(MalformedEvent) -> [Int] {
        var key: [Int] = []
        while !field.isAtEnd {
            let index = try field.count()
            guard index < columns else { throw .invalid("a key of column \(index)") }
            key.append(index)
            if hasPrefix { _ = try field.lengthEncoded() }
        }
        return key
    }
}
