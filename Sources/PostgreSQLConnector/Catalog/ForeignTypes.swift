internal import ReplicationEngine
internal import ReplicationModel

/// Which type of PostgreSQL holds every value of a column of MySQL or MariaDB exactly: the one
/// table of rules, by kind and size. docs/types.md has it with the reasons.
enum ForeignTypes {
    /// PostgreSQL's own type for it, as `format_type` writes it. An enumeration becomes `text`
    /// here: its type needs a name first (`ForeignTables`).
    /// A type of PostgreSQL's stays what it is.
    static func type(for source: ColumnType) -> ColumnType {
        var type = rule(for: source)
        type.size = source.size
        if source.kind == .unsigned64 { (type.size.precision, type.size.scale) = (20, 0) }
        return type
    }

    private static func rule(for source: ColumnType) -> ColumnType {
        switch source.kind {
        case .int16: made("smallint", "int2", TypeID.int2, .int16)
        case .int32: made("integer", "int4", TypeID.int4, .int32)
        case .int64: made("bigint", "int8", TypeID.int8, .int64)
        case .unsigned64: numeric(20, 0)
        case .year: made("smallint", "int2", TypeID.int2, .int16)
        case .boolean: made("boolean", "bool", TypeID.bool, .boolean)
        case .float32: made("real", "float4", TypeID.float4, .float32)
        case .float64: made("double precision", "float8", TypeID.float8, .float64)
        case .numeric: numeric(source.size.precision, source.size.scale ?? 0)
        case .text, .fixedText: text(source)
        case .enumeration, .labelSet: text
        case .bytes, .geometry, .vector: made("bytea", "bytea", TypeID.bytea, .bytes)
        case .bits: bits(source.size.length)
        case .date: made("date", "date", TypeID.date, .date)
        case .duration, .interval: made("interval", "interval", TypeID.interval, .interval)
        case .timestamp: timestamp("without", TypeID.timestamp, .timestamp, source.size.scale)
        case .timestampWithZone:
            timestamp("with", TypeID.timestamptz, .timestampWithZone, source.size.scale)
        case .json: made("json", "json", TypeID.json, .json)
        case .uuid: made("uuid", "uuid", TypeID.uuid, .uuid)
        case .network: made("inet", "inet", TypeID.inet, .network)
        // Of no column of theirs, but of what a transform makes.
        case .time: made("time without time zone", "time", TypeID.time, .time)
        // Kinds that no column of theirs has; a source's text is never wrong as text.
        case .oid, .money, .timeWithZone, .jsonBinary, .xml, .array, .range,
            .composite, .caseInsensitiveText, .other:
            text
        }
    }

    private static func made(
        _ declaration: String, _ name: String, _ id: UInt32, _ kind: ValueKind,
        modifier: Int32 = -1
    ) -> ColumnType {
        ColumnType(
            declaration: declaration, castName: "pg_catalog.\"\(name)\"", id: id,
            modifier: modifier, kind: kind)
    }

    private static var text: ColumnType { made("text", "text", TypeID.text, .text) }

    /// Both take 65 digits at the most, far below what `numeric` does.
    private static func numeric(_ precision: Int?, _ scale: Int) -> ColumnType {
        guard let precision else { return made("numeric", "numeric", TypeID.numeric, .numeric) }
        return made(
            "numeric(\(precision),\(scale))", "numeric", TypeID.numeric, .numeric,
            modifier: Int32(precision << 16 | scale) + 4)
    }

    /// CHAR(n) too: PostgreSQL's `char(n)` would put the spaces back that MySQL strips, and forget
    /// about them in comparisons.
    private static func text(_ source: ColumnType) -> ColumnType {
        let isUnbounded = source.declaration.lowercased().contains(/^(tiny|medium|long)?text/)
        guard !isUnbounded, let length = source.size.length, 1...10_485_760 ~= length else {
            return text
        }
        return made(
            "character varying(\(length))", "varchar", TypeID.varchar, .text,
            modifier: Int32(length) + 4)
    }

    private static func bits(_ length: Int?) -> ColumnType {
        guard let length else {
            return made("bit varying", "varbit", TypeID.varbit, .bits)
        }
        return made("bit(\(length))", "bit", TypeID.bit, .bits, modifier: Int32(length))
    }

    private static func timestamp(
        _ word: String, _ id: UInt32, _ kind: ValueKind, _ scale: Int?
    ) -> ColumnType {
        let precision = scale.map { "(\($0))" } ?? ""
        return made(
            "timestamp\(precision) \(word) time zone",
            kind == .timestamp ? "timestamp" : "timestamptz", id, kind,
            modifier: scale.map { Int32($0) } ?? -1)
    }
}

extension TableRoute {
    /// The route with PostgreSQL's types in the columns that travel, as the applier judges keys and
    /// values by them. Enumerations stay what they are: labels.
    func withOwnTypes() -> TableRoute {
        guard source.dialect != .postgresql else { return self }
        var route = self
        for index in columns.indices where columns[index].type.kind != .enumeration {
            route.columns[index].type = ForeignTypes.type(for: columns[index].type)
        }
        return route
    }
}
