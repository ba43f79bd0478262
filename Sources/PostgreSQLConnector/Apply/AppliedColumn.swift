internal import ReplicationModel

/// A column of a target table and how its values are carried, keyed and compared.
struct AppliedColumn: Sendable {
    var name: String
    /// The type itself, or a domain's base type: `pg_type.oid`.
    var type: UInt32
    var modifier: Int32
    var isDomain: Bool
    var isEnumeration: Bool
    var isGenerated: Bool
    var isAlwaysIdentity: Bool
    /// The collation calls different bytes equal.
    var isFolding: Bool
    /// Qualified and quoted, without modifiers: `"pg_catalog"."numeric"`.
    var castName: String
    /// `OPERATOR("pg_catalog".=)`: by name alone it would be looked up in an empty search path,
    /// where citext finds text's operator. nil for a type that has no order (json, point: P06).
    var equality: String?

    var quoted: String { name.quotedIdentifier }

    /// How the column's values travel in an array parameter.
    enum Lane {
        case int16, int32, int64, text
        /// Text, read by the type's own input function at the server.
        case cast

        /// `pg_type.oid` of the array type.
        var arrayType: UInt32 {
            switch self {
            case .int16: 1005
            case .int32: 1007
            case .int64: 1016
            case .text, .cast: 1009
            }
        }

        /// `pg_type.oid` of the elements.
        var elementType: UInt32 {
            switch self {
            case .int16: TypeID.int2
            case .int32: TypeID.int4
            case .int64: TypeID.int8
            case .text, .cast: TypeID.text
            }
        }
    }

    var lane: Lane {
        switch type {
        case TypeID.int2: .int16
        case TypeID.int4: .int32
        case TypeID.int8: .int64
        case TypeID.text, TypeID.varchar: .text
        default: .cast
        }
    }

    /// The column `name` of an array lane as a value of this column's type.
    func value(of name: String) -> String {
        lane == .cast ? "CAST(\(name) AS \(castName))" : name
    }

    /// Whether keys are equal exactly when their bytes are, so that changes can be merged by bytes.
    func hasExactBytes(as source: ColumnType) -> Bool {
        guard !isFolding else { return false }
        switch type {
        case TypeID.int2, TypeID.int4, TypeID.int8, TypeID.oid, TypeID.uuid, TypeID.bool,
            TypeID.text, TypeID.varchar, TypeID.bytea, TypeID.date, TypeID.timestamp,
            TypeID.timestamptz, TypeID.bit, TypeID.varbit:
            return Self.exactKinds.contains(source.kind)
        case TypeID.numeric, TypeID.bpchar:
            // 1.0 and 1.00, 'a' and 'a ' are equal values: one form only with scale or length.
            return type == source.id && modifier >= 0 && modifier == source.modifier && !isDomain
        default:
            return isEnumeration && source.kind == .enumeration
        }
    }

    private static let exactKinds: Set<ValueKind> = [
        .boolean, .int16, .int32, .int64, .oid, .text, .bytes, .uuid, .date, .timestamp,
        .timestampWithZone, .bits,
    ]

    /// Whether a value's binary COPY form is the same at both ends.
    func hasSameBinaryForm(as source: ColumnType) -> Bool {
        !isDomain && type == source.id && modifier == source.modifier
            && Self.binaryTypes.contains(type)
    }

    private static let binaryTypes: Set<UInt32> = [
        TypeID.int2, TypeID.int4, TypeID.int8, TypeID.float4, TypeID.float8, TypeID.bool,
        TypeID.text, TypeID.varchar, TypeID.bpchar, TypeID.bytea, TypeID.uuid, TypeID.date,
        TypeID.timestamp, TypeID.timestamptz, TypeID.numeric, TypeID.oid, TypeID.json,
        TypeID.jsonb,
    ]

    /// Whether a whole row can be found by this column with the type's own equality: exact types
    /// only. Every other type is compared by its text form, which tells 1.0 from 1.00, 0 from -0
    /// and 'A' from 'a' of a folding type, and exists for every type (P06, P61).
    var isComparedByValue: Bool {
        guard !isFolding else { return false }
        switch type {
        case TypeID.int2, TypeID.int4, TypeID.int8, TypeID.oid, TypeID.uuid, TypeID.bool,
            TypeID.text, TypeID.varchar, TypeID.bytea, TypeID.date, TypeID.timestamp,
            TypeID.timestamptz:
            return true
        default:
            return false
        }
    }
}

/// Oids of built-in types (PostgreSQL: `src/include/catalog/pg_type.dat`); fixed for ever.
enum TypeID {
    static let bool: UInt32 = 16
    static let bytea: UInt32 = 17
    static let int8: UInt32 = 20
    static let int2: UInt32 = 21
    static let int4: UInt32 = 23
    static let text: UInt32 = 25
    static let oid: UInt32 = 26
    static let json: UInt32 = 114
    static let inet: UInt32 = 869
    static let float4: UInt32 = 700
    static let float8: UInt32 = 701
    static let bpchar: UInt32 = 1042
    static let varchar: UInt32 = 1043
    static let date: UInt32 = 1082
    static let time: UInt32 = 1083
    static let timestamp: UInt32 = 1114
    static let timestamptz: UInt32 = 1184
    static let interval: UInt32 = 1186
    static let bit: UInt32 = 1560
    static let varbit: UInt32 = 1562
    static let numeric: UInt32 = 1700
    static let uuid: UInt32 = 2950
    static let jsonb: UInt32 = 3802
}
