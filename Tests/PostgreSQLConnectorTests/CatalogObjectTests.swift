import ReplicationEngine
import ReplicationModel
import Testing

@testable import PostgreSQLConnector

/// Functions, collations and identity sequences that tables need.
@Suite("Objects that tables are made with") struct CatalogObjectTests {
    private static let calls = """
        CREATE SCHEMA "F s";
        CREATE FUNCTION "F s".f(int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT $1';
        CREATE FUNCTION g() RETURNS int LANGUAGE sql AS 'SELECT 1';
        CREATE FUNCTION h(text) RETURNS boolean IMMUTABLE LANGUAGE sql AS 'SELECT true';
        CREATE FUNCTION unused() RETURNS int LANGUAGE sql AS 'SELECT 1';
        CREATE EXTENSION "uuid-ossp";
        CREATE DOMAIN checked AS text CHECK (h(VALUE)); CREATE TYPE pair AS (x checked[], y int);
        CREATE TABLE t (id int PRIMARY KEY DEFAULT g(), p pair, u uuid DEFAULT uuid_generate_v4(),
          v int, d timestamp DEFAULT now());
        CREATE INDEX ON t ("F s".f(v)); CREATE TABLE plain (id int PRIMARY KEY);
        """

    @Test(
        "The functions that a table calls are known, down to its domains'",
        arguments: TestDatabase.servers)
    func functions(server: String) throws {
        let fixture = try SourceFixture(on: server, Self.calls)
        let table = try fixture.describe("t")
        #expect(table.functions == ["\"F s\".f(integer)", "public.g()", "public.h(text)"])
        #expect(try fixture.describe("plain").functions.isEmpty)
    }

    @Test(
        "A function that the target lacks is a problem with its remedy, one that is there is none")
    func missingFunction() throws {
        let fixture = try SourceFixture(on: "pg17", Self.calls)
        let database = try TestDatabase()
        let target = Fixture.target(database)
        defer { target.close() }
        try database.connect().run(
            "CREATE FUNCTION public.g() RETURNS int LANGUAGE sql AS 'SELECT 1'")
        let problems = try target.schemaPlan(
            [try fixture.route("t")],
            prerequisites: fixture.source.prerequisites(of: [fixture.describe("t")])
        ).problems
        #expect(problems.count == 2)
        #expect(problems.allSatisfy { $0.remedy?.contains("pg_get_functiondef") == true })
        #expect(!problems.contains { $0.why.contains("public.g()") })
        let findings = try target.preflight([try fixture.route("t")], prerequisites: [])
        #expect(findings.filter { $0.detail.contains("which the target lacks") }.count == 2)
    }

    @Test("A collation of another kind at the target, or that it does not know, is a problem")
    func collations() throws {
        let sql = """
            CREATE COLLATION folded
              (PROVIDER = icu, LOCALE = 'und-u-ks-level2', DETERMINISTIC = false);
            CREATE COLLATION built (PROVIDER = builtin, LOCALE = 'C.UTF-8');
            CREATE TABLE t (id int PRIMARY KEY, a text COLLATE folded, b text COLLATE built)
            """
        let fixture = try SourceFixture(on: "pg17", sql)
        let database = try TestDatabase(on: "pg15")
        try database.connect().run(
            "CREATE COLLATION public.folded (PROVIDER = icu, LOCALE = 'und')")
        let target = Fixture.target(database)
        defer { target.close() }
        let problems = try target.schemaPlan(
            [try fixture.route("t")],
            prerequisites: fixture.source.prerequisites(of: [fixture.describe("t")])
        ).problems.map(\.description)
        #expect(problems.contains { $0.contains("folded") && $0.contains("DETERMINISTIC = true") })
        #expect(problems.contains { $0.contains("does not know PROVIDER = builtin") })
    }

    @Test("A locale that the target does not have is found before anything is made")
    func locales() throws {
        func object(_ name: String, _ definition: String) -> SchemaObject {
            let name = TableName(schema: name == "xx_YY" ? "pg_catalog" : "public", name: name)
            return SchemaObject(
                kind: .collation, name: name,
                definition: "CREATE COLLATION \(name.quoted) (\(definition))")
        }
        let all = [
            object("gone", "PROVIDER = libc, LC_COLLATE = 'xx_YY', LC_CTYPE = 'xx_YY'"),
            object("strange", "PROVIDER = icu, DETERMINISTIC = true, LOCALE = 'qqq-YY'"),
            object("xx_YY", "PROVIDER = libc, LC_COLLATE = 'xx_YY', LC_CTYPE = 'xx_YY'"),
            object("good", "PROVIDER = icu, DETERMINISTIC = false, LOCALE = 'de-u-co-phonebk'"),
        ]
        let database = try TestDatabase(on: "pg17")
        let target = Fixture.target(database)
        defer { target.close() }
        let found = try target.preflight([], prerequisites: all).filter { $0.severity == .refused }
        #expect(found.count == 3)
        #expect(found.filter { $0.detail.contains("could not create locale") }.count == 1)
        #expect(found.filter { $0.detail.contains("unknown language") }.count == 1)
        #expect(found.filter { $0.detail.contains("libraries do not have it") }.count == 1)
        #expect(
            try database.connect().run("SELECT FROM pg_collation WHERE oid > 16383").rowCount == 0)
    }

    @Test("A serial column's sequence goes with it at the target")
    func owned() throws {
        let fixture = try SourceFixture(
            """
            CREATE TABLE t (id serial PRIMARY KEY, n bigserial, f int); CREATE SEQUENCE free;
            ALTER TABLE t ALTER f SET DEFAULT nextval('free'); CREATE SCHEMA other;
            CREATE TABLE other.u (id serial PRIMARY KEY)
            """)
        let (t, u) = (try fixture.describe("t"), try fixture.describe("u", schema: "other"))
        let database = try TestDatabase()
        let target = try Fixture.acquired(database)
        defer { target.close() }
        var moved = SourceFixture.route(u)
        moved.target = TableName(schema: "public", name: "u")
        let plan = try target.schemaPlan(
            [SourceFixture.route(t), moved],
            prerequisites: fixture.source.prerequisites(of: [t, u])
        )
        #expect(plan.problems.isEmpty)
        #expect(plan.mappings == ["other.u: sequence other.u_id_seq stays when id is dropped"])
        try target.run(plan.beforeRows + plan.keys.values.joined(), tables: [])
        let admin = try database.connect()
        try admin.run("DROP TABLE public.t")
        #expect(
            try admin.run("SELECT relname FROM pg_class WHERE relkind = 'S' ORDER BY 1").column(0)
                == ["free", "u_id_seq"])
    }

    @Test("Options of an identity's sequence are carried, defaults are not spelled out")
    func identity() throws {
        let fixture = try SourceFixture(
            on: "pg17",
            """
            CREATE TABLE t (
              id bigint GENERATED ALWAYS AS IDENTITY (START 1000 INCREMENT 10) PRIMARY KEY,
              n smallint GENERATED BY DEFAULT AS IDENTITY, o int GENERATED ALWAYS AS IDENTITY)
            """)
        let columns = try fixture.describe("t").columns
        #expect(columns[0].identityOptions?.contains("INCREMENT BY 10 ") == true)
        #expect(columns[0].identityOptions?.contains("START WITH 1000 ") == true)
        #expect(columns[1].identityOptions == nil && columns[2].identityOptions == nil)
    }
}
