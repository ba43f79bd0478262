import PostgreSQLConnector
import ReplicationEngine
import ReplicationModel
import Testing

/// A8-style zoo: every value arrives as the value that left (I8), on every way into a table: text
/// COPY, binary COPY, net and single INSERT, net and single UPDATE, and found again by whole row.
///
/// The server is the oracle: source and target are compared by what its output functions write.
@Suite("Applying changes: values of every type")
struct ApplyValueTests {
    struct Kind: Sendable, CustomTestStringConvertible {
        var type: String
        /// SQL expressions.
        var values: [String]

        init(_ type: String, _ values: String...) {
            self.type = type
            self.values = values
        }

        var testDescription: String { type }
    }

    static let kinds: [Kind] = [
        Kind("int2", "-32768", "32767", "0"), Kind("int4", "-2147483648", "2147483647"),
        Kind("int8", "-9223372036854775808", "9223372036854775807", "1"),
        Kind("float4", "'0.1'", "'NaN'", "'-0'", "'1e-45'", "'Infinity'"),
        Kind(
            "float8", "'0.1'", "'NaN'", "'-0'", "'5e-324'", "'-Infinity'", "'0.30000000000000004'"),
        Kind("numeric", "'1.10'", "'NaN'", "'Infinity'", "1e1000", "'0.000'", "'-1'"),
        Kind("numeric(10,2)", "1.10", "'NaN'", "-0.05"), Kind("money", "-1234.5"),
        Kind("bool", "true", "false"), Kind("oid", "4294967295"),
        Kind(
            "text", "''", "E'\\\\N'", "E'a\\tb\\nc\\rd\\\\e'", "'NULL'", "'ü€😀'", "E'\\\\.'",
            "'{\"x\",null}'", "'  '", "repeat('x', 1048576)"),
        Kind("varchar(5)", "'abc  '", "''"), Kind("char(5)", "'ab'", "''", "'a b'"),
        Kind("bpchar", "'ab  '", "'ab'"), Kind("\"char\"", "'x'", "''", "'\\'"),
        Kind("name", "'Name \"q\"'"),
        Kind("bytea", "'\\x00ff5c27'", "''", "decode(repeat('00', 100000), 'hex')"),
        Kind("date", "'infinity'", "'0044-03-15 BC'", "'5874897-12-31'", "'2024-02-29'"),
        Kind("time", "'24:00:00'", "'00:00:00.000001'"),
        Kind("timetz", "'24:00:00+02'", "'1:00-5:30'"),
        Kind("timestamp", "'-infinity'", "'4713-01-01 BC'", "'294276-12-31 23:59:59.999999'"),
        Kind("timestamp(0)", "'2024-01-01 10:00:00'"),
        Kind("timestamptz", "'1880-01-01 00:00 Europe/Amsterdam'", "'infinity'"),
        Kind(
            "interval", "'1 year -2 months 3 days -04:05:06.789'", "'-1 day'", "'1 month 30 days'"),
        Kind("uuid", "'A0EEBC99-9c0b-4ef8-bb6d-6bb9bd380a11'"),
        Kind("json", "'{\"b\":1,  \"a\":1,\"a\":2}'", "'\"\\u0000\"'", "'null'"),
        Kind("jsonb", "'{\"b\": 1.10, \"a\": \"x\\\\y\"}'", "'null'", "'1e400'"),
        Kind("xml", "'<a x=\"1\">t &amp; u</a>'", "'text'", "''"),
        Kind("bit(3)", "B'101'"), Kind("bit", "B'1'"), Kind("varbit(9)", "B''", "B'10101'"),
        Kind("inet", "'10.0.0.1'", "'10.0.0.1/8'", "'::1'"), Kind("cidr", "'10.0.0.0/8'"),
        Kind("macaddr", "'08:00:2b:01:02:03'"), Kind("pg_lsn", "'16/B374D848'"),
        Kind("int4[]", "'{}'", "'{1,NULL,3}'", "'[0:1]={1,2}'", "'{{1,2},{3,4}}'"),
        Kind(
            "text[]", "ARRAY['NULL', NULL, '', 'a\"b', E'c\\\\d', '{e}', 'f,g', E'h\\ti']",
            "'{{NULL},{NULL}}'"),
        Kind("box[]", "'{(1,1),(0,0);(2,2),(1,1)}'"),
        Kind("int4range", "'[1,4]'", "'empty'", "'(,5)'"),
        Kind("int4multirange", "'{[1,2],[7,9)}'"),
        Kind("textrange", "textrange('a\"b', 'c\\d,e')"), Kind("tstzrange", "'[2024-01-01,)'"),
        Kind("point", "'(1,0.1)'"), Kind("box", "'(1,1),(0,0)'"),
        Kind("polygon", "'((0,0),(1,1))'"),
        Kind("path", "'[(0,0),(1,1)]'"), Kind("tsvector", "'''a b'':1A c:2'"),
        Kind("tsquery", "'a & !b'"), Kind("mood", "'sad'", "'it''s \"ok\"'"),
        Kind("mood[]", "'{sad,NULL}'"), Kind("positive", "5"), Kind("short_text", "'abc'", "'ab '"),
        Kind("codes", "'{1,2}'"),
        Kind(
            "pair", "ROW(1, 'a \"b\\ c,(d)')::s.pair", "ROW(NULL, '')::s.pair",
            "ROW(NULL, NULL)::s.pair"),
        Kind("pair[]", "ARRAY[ROW(1, 'x,\"y\"')::s.pair, NULL]"),
        Kind("citext", "'AbC'", "'abc '"), Kind("hstore", "'\"a b\"=>\"c\\\"d\", e=>NULL'"),
        Kind("xid", "'42'"), Kind("regclass", "'pg_class'"), Kind("jsonpath", "'$.a[*] ? (@ > 1)'"),
    ]

    private static let types = """
        CREATE SCHEMA s; CREATE SCHEMA d; SET search_path = s, public, pg_catalog;
        CREATE EXTENSION citext SCHEMA public; CREATE EXTENSION hstore SCHEMA public;
        CREATE TYPE s.mood AS ENUM ('sad', 'it''s "ok"');
        CREATE TYPE s.pair AS (n int, t text);
        CREATE TYPE s.textrange AS RANGE (subtype = text);
        CREATE DOMAIN s.positive AS int CHECK (value > 0);
        CREATE DOMAIN s.short_text AS varchar(5);
        CREATE DOMAIN s.codes AS int[];
        """

    /// Rows (id, text as the log has it) of all values and NULL, and the route of table `name`.
    private struct Zoo {
        var fixture: ApplyFixture
        var names: [String]
    }

    private static func zoo(on server: String) throws -> Zoo {
        let fixture = try ApplyFixture(on: server)
        try fixture.connection.run(types)
        var names: [String] = []
        for (index, kind) in kinds.enumerated() {
            let name = "z\(index)"
            names.append(name)
            let rows = (kind.values + ["NULL"]).enumerated().map {
                "(\($0 + 1), (\($1))::\(kind.type))"
            }
            try fixture.connection.run(
                "CREATE TABLE s.\(name) (id int PRIMARY KEY, v \(kind.type)); "
                    + "INSERT INTO s.\(name) VALUES \(rows.joined(separator: ", "))")
        }
        try fixture.connection.run("SET search_path = ''")
        return Zoo(fixture: fixture, names: names)
    }

    private func rows(_ zoo: Zoo, _ name: String) throws -> [TestRow] {
        let found = try zoo.fixture.connection.run("SELECT id, v FROM s.\(name) ORDER BY id")
        return (0..<found.rowCount).map { [found.text($0, 0), found.text($0, 1)] }
    }

    private func empty(_ zoo: Zoo, keyed: Bool = true) throws {
        let connection = zoo.fixture.connection
        for name in zoo.names {
            try connection.run(
                "DROP TABLE IF EXISTS d.\(name); CREATE TABLE d.\(name) "
                    + "(LIKE s.\(name)\(keyed ? " INCLUDING INDEXES" : ""))")
        }
    }

    private func routes(_ zoo: Zoo, keyed: Bool = true) throws -> [TableRoute] {
        try zoo.names.map {
            try zoo.fixture.route($0, from: "s", to: "d", key: keyed ? ["id"] : [])
        }
    }

    private func expectEqual(_ zoo: Zoo, _ way: String) throws {
        for (index, name) in zoo.names.enumerated() {
            for form in ["v::text", "concat(v)"] {
                let query =
                    "SELECT string_agg(id || coalesce(\(form), 'null'), ',' ORDER BY id) FROM "
                let wanted = try zoo.fixture.connection.run(query + "s.\(name)").text(0, 0)
                let found = try zoo.fixture.connection.run(query + "d.\(name)").text(0, 0)
                #expect(
                    wanted != nil && wanted == found, "\(way): \(Self.kinds[index].type) as \(form)"
                )
            }
        }
    }

    @Test("I8: INSERT, UPDATE and whole-row DELETE by value", arguments: ["pg15", "pg17", "pg18"])
    func byValue(server: String) throws {
        let zoo = try Self.zoo(on: server)
        for net in [true, false] {
            try empty(zoo)
            let routes = try routes(zoo)
            let applier = try zoo.fixture.applier(routes, net: net)
            try insertAndUpdate(zoo, routes, applier, net ? "net" : "one by one")
            #expect(applier.fallbacks == 0)
        }
        try empty(zoo, keyed: false)
        let keyless = try routes(zoo, keyed: false)
        let applier = try zoo.fixture.applier(keyless)
        var inserts = BatchBuilder(keyless)
        var deletes = BatchBuilder(keyless)
        for (table, name) in zoo.names.enumerated() {
            for row in try rows(zoo, name) {
                inserts.insert(table, row)
                inserts.insert(table, row)
                deletes.delete(table, row, whole: true)
            }
        }
        inserts.commit()
        deletes.commit()
        try applier.run(inserts.batch)
        try applier.run(deletes.batch)
        try expectEqual(zoo, "whole rows")
    }

    private func insertAndUpdate(
        _ zoo: Zoo, _ routes: [TableRoute], _ applier: PGApplier, _ way: String
    ) throws {
        var inserts = BatchBuilder(routes)
        for (table, name) in zoo.names.enumerated() {
            for row in try rows(zoo, name) { inserts.insert(table, row) }
        }
        inserts.commit()
        try applier.run(inserts.batch)
        try expectEqual(zoo, "\(way) INSERT")
        for name in zoo.names {
            try zoo.fixture.connection.run("UPDATE d.\(name) SET v = NULL")
        }
        var updates = BatchBuilder(routes)
        for (table, name) in zoo.names.enumerated() {
            for row in try rows(zoo, name) { updates.update(table, row) }
        }
        updates.commit()
        try applier.run(updates.batch)
        try expectEqual(zoo, "\(way) UPDATE")
    }

    @Test("I8: text and binary COPY", arguments: ["pg15", "pg17", "pg18"])
    func byCopy(server: String) throws {
        let zoo = try Self.zoo(on: server)
        var binaryTypes: Set<String> = []
        for format in [RowFormat.copyText, .copyBinary] {
            try empty(zoo)
            let applier = try zoo.fixture.applier(try routes(zoo))
            try applier.begin()
            for (index, name) in zoo.names.enumerated() {
                let isBinary =
                    applier.rowFormats(route: index).contains(format) && format == .copyBinary
                if isBinary { binaryTypes.insert(Self.kinds[index].type) }
                try applier.beginRows(route: index, format: isBinary ? .copyBinary : .copyText)
                let block = isBinary ? try binaryBlock(zoo, name) : try textBlock(zoo, name)
                try block.withUnsafeBytes { try applier.writeRows($0) }
                #expect(try applier.endRows() == Int64(Self.kinds[index].values.count + 1))
            }
            try applier.commit(nil, durable: true)
            try expectEqual(zoo, format == .copyText ? "text COPY" : "binary COPY")
        }
        #expect(binaryTypes.isSuperset(of: ["int4", "numeric(10,2)", "jsonb", "char(5)", "bytea"]))
        #expect(binaryTypes.isDisjoint(with: ["mood", "positive", "pair", "int4[]", "citext"]))
    }

    private func textBlock(_ zoo: Zoo, _ name: String) throws -> [UInt8] {
        var block = ""
        for row in try rows(zoo, name) {
            let fields = row.map { value in
                value.map {
                    $0.replacing("\\", with: "\\\\").replacing("\t", with: "\\t")
                        .replacing("\n", with: "\\n").replacing("\r", with: "\\r")
                } ?? "\\N"
            }
            block += fields.joined(separator: "\t") + "\n"
        }
        return Array(block.utf8)
    }

    /// What the type's own send function writes.
    private func binaryBlock(_ zoo: Zoo, _ name: String) throws -> [UInt8] {
        let connection = zoo.fixture.connection
        let send =
            try connection.query(
                """
                SELECT t.typsend::oid::regproc \
                FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid \
                WHERE attrelid = to_regclass($1) AND attname = 'v'
                """, ["s.\(name)"]
            ).text(0, 0) ?? ""
        let found = try connection.run(
            "SELECT id, encode(\(send)(v), 'hex') FROM s.\(name) ORDER BY id")
        var block: [UInt8] = []
        func append(_ number: Int32) { withUnsafeBytes(of: number.bigEndian) { block += $0 } }
        for row in 0..<found.rowCount {
            block += [0, 2]
            append(4)
            append(Int32(found.integer(row, 0) ?? 0))
            guard let hex = found.text(row, 1).map({ Array($0.utf8) }) else {
                append(-1)
                continue
            }
            append(Int32(hex.count / 2))
            for at in stride(from: 0, to: hex.count, by: 2) {
                block.append(
                    UInt8(String(decoding: hex[at...at + 1], as: UTF8.self), radix: 16) ?? 0)
            }
        }
        return block
    }

    @Test(
        "A value that the target's column cannot hold is refused without being shown",
        arguments: [true, false])
    func unfit(net: Bool) throws {
        let fixture = try ApplyFixture()
        try fixture.connection.run(
            """
            CREATE SCHEMA s; CREATE SCHEMA d; CREATE TABLE s.a (id int PRIMARY KEY, v text); \
            CREATE TABLE d.a (id int PRIMARY KEY, v varchar(3)); \
            CREATE TABLE s.b (id int PRIMARY KEY, v int8); \
            CREATE TABLE d.b (id int PRIMARY KEY, v int2); \
            CREATE TABLE s.c (id int PRIMARY KEY, v text); \
            CREATE TABLE d.c (id int PRIMARY KEY, v date); \
            CREATE DOMAIN d.small AS varchar(3); \
            CREATE TABLE s.e (id int PRIMARY KEY, v text); \
            CREATE TABLE d.e (id int PRIMARY KEY, v d.small)
            """)
        for (name, value) in [("a", "secret"), ("b", "70007"), ("c", "secret"), ("e", "secret")] {
            let route = try fixture.route(name, from: "s", to: "d", key: ["id"])
            let applier = try fixture.applier([route], net: net)
            for isUpdate in [false, true] {
                if isUpdate { try fixture.connection.run("INSERT INTO d.\(name) VALUES (1, NULL)") }
                var builder = BatchBuilder([route])
                if isUpdate {
                    builder.update(0, ["1", value])
                } else {
                    builder.insert(0, ["1", value])
                }
                builder.commit()
                #expect {
                    try applier.run(builder.batch)
                } throws: { error in
                    let error = error as? ReplicationError
                    return error?.kind == .invalidValue && error?.table?.name == name
                        && error?.description.contains(value) == false
                }
            }
        }
    }
}
