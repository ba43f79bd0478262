internal import ReplicationEngine
internal import ReplicationModel

/// How a value of the source's canonical text is written to a column so that it is exactly what
/// left (I8); docs/types.md has the table and the reasons.
enum ValueCoding: Sendable, Equatable {
    case integer
    /// `t` and `f` as 1 and 0.
    case boolean
    case decimal
    /// MariaDB turns -0 into 0, which is another value: it is refused there.
    case float64(keepsNegativeZero: Bool)
    /// As the double that it is: the server reads a decimal text as a double before it rounds to
    /// 32 bits, which may not be the nearest.
    case float32(keepsNegativeZero: Bool)
    case text
    /// A document, whose decimals MySQL reads as doubles. MariaDB's are texts.
    case json
    /// Bytes from `\x` and hexadecimal digits; geometries and vectors take their own form as bytes.
    case bytes
    /// `0101` as a number.
    case bits
    /// PostgreSQL's: years 1000 to 9999, which is what the server promises to hold.
    case date
    case dateTime
    /// With `+00` behind it.
    case dateTimeWithZone
    /// MySQL's, with `+00` behind it.
    case timestamp
    case time

    /// How values of the source's column are kept in a column of the target; nil if that one would
    /// change or refuse them.
    init?(
        _ column: Column, _ dialect: Dialect, in stored: TargetTable.Column,
        on flavour: ServerFlavour
    ) {
        let wanted =
            dialect.isMySQLFamily
            ? Self.sameFamily(column.type.kind) : Self.postgresql(column, in: stored)
        let keepsNegativeZero = flavour == .mysql
        switch wanted {
        case nil: return nil
        case .json: self = stored.dataType == "json" ? .json : .text
        case .float64: self = .float64(keepsNegativeZero: keepsNegativeZero)
        case .float32: self = .float32(keepsNegativeZero: keepsNegativeZero)
        case let wanted?: self = wanted
        }
    }

    private static let double = ValueCoding.float64(keepsNegativeZero: true)
    private static let single = ValueCoding.float32(keepsNegativeZero: true)

    /// MySQL and MariaDB: types are named alike, and a value has the same text at both.
    private static func sameFamily(_ kind: ValueKind) -> ValueCoding {
        switch kind {
        case .boolean: .boolean
        case .int16, .int32, .int64, .oid, .unsigned64: .integer
        case .float32: single
        case .float64: double
        case .numeric: .decimal
        case .bytes, .geometry, .vector: .bytes
        case .bits: .bits
        // Zero dates and the like are values of the source (A37).
        case .timestampWithZone: .timestamp
        case .json, .jsonBinary: .json
        case .money, .text, .fixedText, .uuid, .date, .time, .timeWithZone, .timestamp, .interval,
            .xml, .network, .enumeration, .array, .range, .composite, .caseInsensitiveText,
            .duration, .year, .labelSet, .other:
            .text
        }
    }

    private static let integerBytes = [
        "tinyint": 1, "smallint": 2, "mediumint": 3, "int": 4, "bigint": 8,
    ]
    private static let texts: Set = ["varchar", "tinytext", "text", "mediumtext", "longtext"]
    private static let binaries: Set = [
        "varbinary", "tinyblob", "blob", "mediumblob", "longblob",
    ]

    private static func postgresql(
        _ column: Column, in stored: TargetTable.Column
    ) -> ValueCoding? {
        switch column.type.kind {
        case .int16: holds(stored, bytes: 2) ? .integer : nil
        case .int32: holds(stored, bytes: 4) ? .integer : nil
        case .int64: holds(stored, bytes: 8) ? .integer : nil
        case .oid:
            holds(stored, bytes: 8) || stored.dataType == "int" && stored.isUnsigned
                ? .integer : nil
        case .boolean: holds(stored, bytes: 1) ? .boolean : nil
        case .float32:
            stored.dataType == "float" && !stored.isUnsigned ? single : isDouble(stored)
        case .float64: isDouble(stored)
        case .numeric: decimal(column, in: stored) ?? text(stored)
        case .bytes: binaries.contains(stored.dataType) ? .bytes : nil
        case .date: stored.dataType == "date" ? .date : nil
        case .time: stored.dataType == "time" && stored.fraction == 6 ? .time : nil
        case .timestamp: isDateTime(stored) ? .dateTime : nil
        case .timestampWithZone: isDateTime(stored) ? .dateTimeWithZone : nil
        case .bits: bits(column, in: stored) ?? text(stored)
        case .uuid: ["char", "uuid"].contains(stored.dataType) ? .text : text(stored)
        case .money, .text, .fixedText, .timeWithZone, .interval, .json, .jsonBinary, .xml,
            .network, .enumeration, .array, .range, .composite, .caseInsensitiveText, .duration,
            .year, .labelSet, .geometry, .vector, .unsigned64, .other:
            text(stored)
        }
    }

    private static func holds(_ stored: TargetTable.Column, bytes: Int) -> Bool {
        !stored.isUnsigned && (integerBytes[stored.dataType] ?? 0) >= bytes
    }

    private static func isDouble(_ stored: TargetTable.Column) -> ValueCoding? {
        stored.dataType == "double" && !stored.isUnsigned ? double : nil
    }

    private static func isDateTime(_ stored: TargetTable.Column) -> Bool {
        stored.dataType == "datetime" && stored.fraction == 6
    }

    private static func text(_ stored: TargetTable.Column) -> ValueCoding? {
        texts.contains(stored.dataType) && stored.collation?.hasPrefix("utf8mb4") == true
            ? .text : nil
    }

    private static func decimal(_ column: Column, in stored: TargetTable.Column) -> ValueCoding? {
        guard let size = declaredSize(column.type), let digits = size.first,
            stored.dataType == "decimal", !stored.isUnsigned, let precision = stored.precision,
            let scale = stored.scale
        else { return nil }
        let wanted = size.count > 1 ? size[1] : 0
        return wanted >= 0 && scale >= wanted && precision - scale >= digits - wanted
            ? .decimal : nil
    }

    private static func bits(_ column: Column, in stored: TargetTable.Column) -> ValueCoding? {
        guard column.type.declaration.hasPrefix("bit("), let size = declaredSize(column.type)
        else { return nil }
        return stored.dataType == "bit" && stored.precision == size.first ? .bits : nil
    }
}

/// The numbers in parentheses at the end of a type's declaration: `numeric(10,2)`. A domain has
/// none.
func declaredSize(_ type: ColumnType) -> [Int]? {
    guard type.declaration.hasSuffix(")"), let open = type.declaration.lastIndex(of: "(") else {
        return nil
    }
    let inside = type.declaration[open...].dropFirst().dropLast()
    let numbers = inside.split(separator: ",").map {
        Int($0.filter { !$0.isWhitespace })
    }
    return numbers.contains(nil) ? nil : numbers.compactMap { $0 }
}
