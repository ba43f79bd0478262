internal import ReplicationEngine
internal import ReplicationModel

/// The column that is made at the target for a column of the source.
struct TargetType {
    var declaration: String
    /// A text or bytes of any length: part of no key, unless with a limit.
    var isLarge = false

    /// How many bytes a key may have in all: InnoDB has 3072, less what each column adds.
    static let keyBytes = 3000
    /// A VARCHAR of that many characters is kept as one; longer ones are LONGTEXT, so that no row
    /// outgrows the 65535 bytes that a table's columns may have together.
    private static let varcharLimit = 255

    /// - Parameter share: bytes that a key leaves for the column; nil if no key has it.
    init(_ column: Column, _ dialect: Dialect, exact collation: String, share: Int?) {
        if dialect.isMySQLFamily {
            let suffix = column.collation.map { " COLLATE \($0)" } ?? ""
            declaration = column.type.declaration + suffix
            return
        }
        if let fixed = Self.fixed(column) {
            declaration = fixed
            return
        }
        isLarge = true
        if column.type.kind == .bytes {
            declaration = share.map { "varbinary(\($0))" } ?? "longblob"
            return
        }
        let characters = share.map { min($0 / 4, 768) } ?? Self.varcharLimit
        let wanted = Self.isVarchar(column) ? declaredSize(column.type)?.first : nil
        let length = wanted.flatMap { $0 <= characters ? $0 : nil } ?? share.map { _ in characters }
        let type = length.map { "varchar(\($0))" } ?? "longtext"
        declaration = "\(type) CHARACTER SET utf8mb4 COLLATE \(collation)"
    }

    private static func isVarchar(_ column: Column) -> Bool {
        ["character varying(", "character("].contains { column.type.declaration.hasPrefix($0) }
    }

    /// Types whose values have a size of their own; nil for everything that is kept as text or
    /// bytes.
    private static func fixed(_ column: Column) -> String? {
        switch column.type.kind {
        case .int16: "smallint"
        case .int32: "int"
        case .int64: "bigint"
        case .oid: "int unsigned"
        case .boolean: "tinyint(1)"
        case .float32: "float"
        case .float64: "double"
        case .numeric: decimal(column)
        case .uuid: "char(36) CHARACTER SET ascii COLLATE ascii_bin"
        case .date: "date"
        case .time: "time(6)"
        // Not TIMESTAMP, which ends in January 2038.
        case .timestamp, .timestampWithZone: "datetime(6)"
        case .bits: bits(column)
        case .money, .text, .fixedText, .bytes, .timeWithZone, .interval, .json, .jsonBinary, .xml,
            .network, .enumeration, .array, .range, .composite, .caseInsensitiveText, .duration,
            .year, .labelSet, .geometry, .vector, .unsigned64, .other:
            nil
        }
    }

    /// Without bounds, or with ones beyond the target's, the digits are kept as text.
    private static func decimal(_ column: Column) -> String? {
        guard let size = declaredSize(column.type), let precision = size.first else { return nil }
        let scale = size.count > 1 ? size[1] : 0
        guard precision <= 65, (0...min(30, precision)).contains(scale) else { return nil }
        return "decimal(\(precision),\(scale))"
    }

    /// `bit varying` has a length of its own in every value, which BIT does not keep.
    private static func bits(_ column: Column) -> String? {
        guard column.type.declaration.hasPrefix("bit("),
            let size = declaredSize(column.type)?.first,
            (1...64).contains(size)
        else { return nil }
        return "bit(\(size))"
    }
}
