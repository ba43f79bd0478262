internal import ReplicationModel

/// A row of `pg_type`, enough to name the type and to know what kind of value it holds.
struct CatalogType {
    var id: UInt32
    var name: TableName
    /// `pg_type.typtype`: b base, c composite, d domain, e enum, p pseudo, r range, m multirange.
    var form: String
    /// A true array type, not one of the old vectors.
    var isArray: Bool
    var baseID: UInt32

    /// The types with these ids and what their domains are based on.
    static func load(_ connection: PGConnection, _ ids: Set<UInt32>) throws -> [UInt32: CatalogType]
    {
        let result = try connection.query(
            """
            WITH RECURSIVE need(oid) AS (
              SELECT unnest($1::oid[])
              UNION
              SELECT t.typbasetype FROM need JOIN pg_type t ON t.oid = need.oid
              WHERE t.typtype = 'd')
            SELECT t.oid, n.nspname, t.typname, t.typtype,
              t.typelem <> 0 AND t.typlen = -1 AND t.typcategory = 'A'
                AND t.typname NOT IN ('int2vector', 'oidvector'), t.typbasetype
            FROM need JOIN pg_type t ON t.oid = need.oid
            JOIN pg_namespace n ON n.oid = t.typnamespace
            """, [ids.sorted().arrayLiteral])
        var types: [UInt32: CatalogType] = [:]
        for row in 0..<result.rowCount {
            let type = CatalogType(
                id: result.oid(row, 0),
                name: TableName(schema: result.string(row, 1), name: result.string(row, 2)),
                form: result.string(row, 3), isArray: result.boolean(row, 4),
                baseID: result.oid(row, 5))
            types[type.id] = type
        }
        return types
    }

    /// The kind of value; a domain has its base type's.
    static func kind(_ id: UInt32, in types: [UInt32: CatalogType]) -> ValueKind {
        guard let type = types[id] else { return .other }
        if type.isArray { return .array }
        switch type.form {
        case "d": return kind(type.baseID, in: types)
        case "e": return .enumeration
        case "c": return .composite
        case "r", "m": return .range
        default: break
        }
        if type.name.schema == "pg_catalog" { return builtIn[type.name.name] ?? .other }
        return type.name.name == "citext" ? .caseInsensitiveText : .other
    }

    private static let builtIn: [String: ValueKind] = [
        "bool": .boolean, "int2": .int16, "int4": .int32, "int8": .int64, "oid": .oid,
        "float4": .float32, "float8": .float64, "numeric": .numeric, "money": .money,
        "text": .text, "varchar": .text, "name": .text, "bpchar": .fixedText, "bytea": .bytes,
        "uuid": .uuid, "date": .date, "time": .time, "timetz": .timeWithZone,
        "timestamp": .timestamp, "timestamptz": .timestampWithZone, "interval": .interval,
        "json": .json, "jsonb": .jsonBinary, "xml": .xml, "bit": .bits, "varbit": .bits,
        "inet": .network, "cidr": .network, "macaddr": .network, "macaddr8": .network,
    ]
}
