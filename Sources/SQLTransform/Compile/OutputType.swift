import ReplicationModel

/// What an expression's values are at the target: the types that a transform can make.
package enum OutputType: Sendable, Equatable {
    case boolean, int16, int32, int64, float32, float64
    case numeric(precision: Int?, scale: Int?)
    /// nil: of any length.
    case text(length: Int?)
    case bytes, uuid, date, time, timestamp, timestampWithZone, json

    static let text = OutputType.text(length: nil)
    static let numeric = OutputType.numeric(precision: nil, scale: nil)

    var kind: ValueKind {
        switch self {
        case .boolean: .boolean
        case .int16: .int16
        case .int32: .int32
        case .int64: .int64
        case .float32: .float32
        case .float64: .float64
        case .numeric: .numeric
        case .text: .text
        case .bytes: .bytes
        case .uuid: .uuid
        case .date: .date
        case .time: .time
        case .timestamp: .timestamp
        case .timestampWithZone: .timestampWithZone
        case .json: .json
        }
    }

    private static let names: [String: OutputType] = [
        "boolean": .boolean, "bool": .boolean, "smallint": .int16, "int2": .int16,
        "integer": .int32, "int": .int32, "int4": .int32, "bigint": .int64, "int8": .int64,
        "real": .float32, "float4": .float32, "double precision": .float64, "double": .float64,
        "float8": .float64, "numeric": .numeric, "decimal": .numeric, "text": .text,
        "varchar": .text, "bytea": .bytes, "uuid": .uuid, "date": .date, "time": .time,
        "timestamp": .timestamp, "timestamptz": .timestampWithZone, "json": .json,
        // As MySQL and MariaDB call them.
        "datetime": .timestamp, "longtext": .text, "longblob": .bytes,
    ]

    package static var known: [String] { names.keys.sorted() }

    /// `bigint`, `numeric(12,2)`, `varchar(40)`; nil if it is no such type.
    package init?(parsing text: String) {
        let parts = text.lowercased().split(separator: "(", maxSplits: 1)
        let name = parts.first.map { $0.trimmingSpaces } ?? ""
        guard let plain = Self.names[name] else { return nil }
        guard parts.count == 2 else {
            self = plain
            return
        }
        guard parts[1].hasSuffix(")") else { return nil }
        let sizes = parts[1].dropLast().split(separator: ",").map { Int($0.trimmingSpaces) }
        switch (plain, sizes.count, sizes.first ?? nil, sizes.last ?? nil) {
        case (.numeric, 1, let precision?, _) where precision > 0:
            self = .numeric(precision: precision, scale: 0)
        case (.numeric, 2, let precision?, let scale?) where precision >= scale && scale >= 0:
            self = .numeric(precision: precision, scale: scale)
        case (.text, 1, let length?, _) where length > 0: self = .text(length: length)
        default: return nil
        }
    }

    // MARK: As a column of the source would be

    func columnType(_ dialect: Dialect) -> ColumnType {
        let (declaration, id, name) =
            dialect == .postgresql ? postgreSQL : (mySQL, UInt32(0), "")
        var type = ColumnType(
            declaration: declaration, castName: name, id: id, modifier: modifier, kind: kind)
        switch self {
        case .numeric(let precision, let scale):
            (type.size.precision, type.size.scale) = (precision, scale)
        case .text(let length): type.size.length = length
        default: break
        }
        return type
    }

    /// Source: PostgreSQL, `numerictypmodin` and `varchartypmodin`.
    private var modifier: Int32 {
        switch self {
        case .numeric(let precision?, let scale): Int32(precision << 16 | (scale ?? 0)) + 4
        case .text(let length?): Int32(length) + 4
        default: -1
        }
    }

    private var sizes: String {
        switch self {
        case .numeric(let precision?, let scale): "(\(precision),\(scale ?? 0))"
        case .text(let length?): "(\(length))"
        default: ""
        }
    }

    /// Oids of PostgreSQL's `pg_type.dat`.
    private var postgreSQL: (declaration: String, id: UInt32, castName: String) {
        let (declaration, id, name): (String, UInt32, String) =
            switch self {
            case .boolean: ("boolean", 16, "bool")
            case .int16: ("smallint", 21, "int2")
            case .int32: ("integer", 23, "int4")
            case .int64: ("bigint", 20, "int8")
            case .float32: ("real", 700, "float4")
            case .float64: ("double precision", 701, "float8")
            case .numeric: ("numeric\(sizes)", 1700, "numeric")
            case .text(nil): ("text", 25, "text")
            case .text: ("character varying\(sizes)", 1043, "varchar")
            case .bytes: ("bytea", 17, "bytea")
            case .uuid: ("uuid", 2950, "uuid")
            case .date: ("date", 1082, "date")
            case .time: ("time without time zone", 1083, "time")
            case .timestamp: ("timestamp without time zone", 1114, "timestamp")
            case .timestampWithZone: ("timestamp with time zone", 1184, "timestamptz")
            case .json: ("json", 114, "json")
            }
        return (declaration, id, "pg_catalog.\"\(name)\"")
    }

    private var mySQL: String {
        switch self {
        case .boolean: "tinyint(1)"
        case .int16: "smallint"
        case .int32: "int"
        case .int64: "bigint"
        case .float32: "float"
        case .float64: "double"
        // The widest there is; a value beyond it is an error of the server's, and no other target
        // has these bounds.
        case .numeric(nil, _): "decimal(65,30)"
        case .numeric: "decimal\(sizes)"
        case .text(nil): "longtext"
        case .text: "varchar\(sizes)"
        case .bytes: "longblob"
        case .uuid: "char(36)"
        case .date: "date"
        case .time: "time(6)"
        case .timestamp: "datetime(6)"
        case .timestampWithZone: "timestamp(6)"
        case .json: "json"
        }
    }
}

extension Substring {
    fileprivate var trimmingSpaces: String {
        String(drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
    }
}
