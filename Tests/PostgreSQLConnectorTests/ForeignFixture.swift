import ReplicationEngine
import ReplicationModel
import Testing

@testable import PostgreSQLConnector

/// Tables as the catalogue of MySQL or MariaDB describes them.
enum Foreign {
    /// A type of theirs, the type it becomes, and values in canonical text.
    struct Kind: Sendable, CustomTestStringConvertible {
        var declaration: String
        var kind: ValueKind
        var size = TypeSize()
        var becomes: String
        var values: [String]
        /// What comes back where it is not what was sent.
        var back: [String: String] = [:]

        init(
            _ declaration: String, _ kind: ValueKind, _ becomes: String, _ values: String...,
            length: Int? = nil, precision: Int? = nil, scale: Int? = nil, labels: [String] = []
        ) {
            (self.declaration, self.kind, self.becomes) = (declaration, kind, becomes)
            self.values = values
            (size.length, size.precision, size.scale) = (length, precision, scale)
            size.labels = labels
        }

        var testDescription: String { declaration }

        func column(_ name: String, null: Bool = true) -> Column {
            var type = ColumnType(
                declaration: declaration, castName: "", id: UInt32(kind.rawValue.utf8.count),
                modifier: -1, kind: kind)
            type.size = size
            return Column(name: name, type: type, isNullable: null)
        }
    }

    static func column(_ name: String, _ kind: Kind, null: Bool = true) -> Column {
        kind.column(name, null: null)
    }

    static let int = Kind("int", .int32, "integer")
    static let bigUnsigned = Kind("bigint unsigned", .unsigned64, "numeric(20,0)")
    static let varchar = Kind("varchar(40)", .text, "character varying(40)", length: 40)

    static func index(
        _ name: String, _ columns: [String], unique: Bool = false, _ definition: String? = nil
    ) -> Index {
        let list = columns.map { "`\($0)`" }.joined(separator: ",")
        return Index(
            name: name, columns: columns, isUnique: unique, isConstraint: unique,
            definition: definition ?? "USING BTREE (\(list))")
    }

    static func foreignKey(
        _ name: String, _ columns: [String], _ table: String, _ others: [String],
        _ actions: String = ""
    ) -> ForeignKey {
        ForeignKey(
            name: name, columns: columns, referenced: TableName(schema: "shop", name: table),
            referencedColumns: others,
            definition: "FOREIGN KEY (`x`) REFERENCES `\(table)` (`y`)\(actions)",
            changesRows: !actions.isEmpty, isDeferrable: false)
    }

    static func table(
        _ name: String, id: UInt32 = 1, _ columns: [Column], key: [String] = ["id"],
        dialect: Dialect = .mysql, _ change: (inout TableSchema) -> Void = { _ in }
    ) -> TableRoute {
        var table = TableSchema(
            id: id, name: TableName(schema: "shop", name: name), columns: columns,
            replicaIdentity: key.isEmpty ? .full : .primaryKey,
            primaryKey: key.isEmpty ? nil : index("PRIMARY", key, unique: true))
        table.dialect = dialect
        change(&table)
        let places = table.chunkKey.compactMap { name in
            table.columns.firstIndex { $0.name == name }
        }
        return TableRoute(source: table, target: table.name, columns: table.columns, key: places)
    }

    /// Every type of both dialects.
    static let kinds: [Kind] = numbers + texts + moments + others

    private static let numbers: [Kind] = [
        Kind("tinyint(1)", .int16, "smallint", "-128", "0", "127"),
        Kind("tinyint unsigned", .int16, "smallint", "255"),
        Kind("smallint unsigned", .int32, "integer", "65535"),
        Kind("mediumint", .int32, "integer", "-8388608"),
        Kind("int(10)", .int32, "integer", "-2147483648", "2147483647"),
        Kind("int unsigned", .int64, "bigint", "4294967295"),
        Kind("bigint", .int64, "bigint", "-9223372036854775808"),
        Kind("bigint unsigned", .unsigned64, "numeric(20,0)", "18446744073709551615", "0"),
        Kind("decimal(10,2)", .numeric, "numeric(10,2)", "-0.05", "1.10", precision: 10, scale: 2),
        Kind(
            "decimal(65,30)", .numeric, "numeric(65,30)",
            String(repeating: "9", count: 35) + "." + String(repeating: "9", count: 30),
            precision: 65, scale: 30),
        Kind("float", .float32, "real", "0.1", "1.6777216e+07", "-0", "1e-45"),
        Kind("double", .float64, "double precision", "0.30000000000000004", "5e-324"),
        Kind("bit(1)", .bits, "bit(1)", "1", length: 1),
        Kind(
            "bit(64)", .bits, "bit(64)", "1" + String(repeating: "0", count: 63), length: 64),
    ]

    private static let texts: [Kind] = [
        Kind("char(5)", .fixedText, "character varying(5)", "", "a", " a", length: 5),
        Kind("char(0)", .fixedText, "text", "", length: 0),
        Kind(
            "varchar(5)", .text, "character varying(5)", "abc  ", "é\u{1F426}\\N\t", length: 5),
        Kind("tinytext", .text, "text", "x\ny", length: 255),
        Kind("longtext", .text, "text", "{\"b\": 1,  \"b\":2}", length: 4_294_967_295),
        Kind("binary(4)", .bytes, "bytea", "\\x01000000", length: 4),
        Kind("varbinary(9)", .bytes, "bytea", "\\x", "\\x00ff5c27", length: 9),
        Kind("longblob", .bytes, "bytea", "\\x00", length: 4_294_967_295),
        Kind(
            "json", .json, "json", "{\"b\": 1, \"aa\": [1.0, null]}", "{\"a\":1,  \"a\":2}",
            "\"\\u0000\""),
        Kind("set('a','b','c d')", .labelSet, "text", "", "a,c d", labels: ["a", "b", "c d"]),
        Kind(
            "enum('x','y''z')", .enumeration, "shop.t_c24", "x", "y'z", labels: ["x", "y'z"]),
    ]

    private static let moments: [Kind] = [
        Kind("date", .date, "date", "0001-01-01", "2024-02-29", "9999-12-31"),
        Kind(
            "datetime", .timestamp, "timestamp(0) without time zone", "9999-12-31 23:59:59",
            scale: 0),
        Kind(
            "datetime(6)", .timestamp, "timestamp(6) without time zone",
            "1000-01-01 00:00:00.000001", scale: 6),
        Kind(
            "timestamp(3)", .timestampWithZone, "timestamp(3) with time zone",
            "2038-01-19 03:14:07.5+00", "2106-02-07 06:28:15.999+00", scale: 3),
        Kind(
            "time(6)", .duration, "interval", "-838:59:59.5", "838:59:59", "00:00:00",
            "-00:00:00.000001", "12:34:56.789", scale: 6),
        year,
    ]

    private static var year: Kind {
        var year = Kind("year(4)", .year, "smallint", "0000", "1901", "2155")
        year.back = ["0000": "0"]
        return year
    }

    private static let others: [Kind] = [
        Kind("uuid", .uuid, "uuid", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"),
        Kind("inet6", .network, "inet", "::1", "2001:db8::ff00:42:8329", "::ffff:1.2.3.4"),
        Kind("inet4", .network, "inet", "10.0.0.1"),
        Kind("point", .geometry, "bytea", "\\x00000000010100000000"),
        Kind("vector(1)", .vector, "bytea", "\\x0000803f"),
    ]
}
