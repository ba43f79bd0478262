import ReplicationEngine
import ReplicationModel
import Testing

@testable import SQLiteConnector

@Suite("Schema plan")
struct SchemaPlanTests {
    static func plan(_ routes: [TableRoute], after sql: String? = nil) throws -> SchemaPlan {
        let file = try TargetFile()
        if let sql { try file.elsewhere(sql) }
        return try file.target.schemaPlan(routes, prerequisites: [])
    }

    @Test("A plan runs, twice, and the second finds nothing wrong with the first's tables")
    func runsTwice() throws {
        let parent = route("Par ent", [Column("a", .int32), Column("b", .text)], key: ["b", "a"])
        let child = route(
            "t", ValueKind.allCases.map { Column("c \($0)", $0) } + [Column("id", .int64)], id: 2,
            unique: [["c text"]])
        let file = try TargetFile([parent, child])
        let plan = try file.target.schemaPlan([parent, child], prerequisites: [])
        #expect(plan.problems.isEmpty)
        try file.target.run(
            plan.beforeRows + plan.afterRows.values.flatMap { $0 } + plan.whenConsistent, tables: []
        )
        let shape = try #require(try file.target.shape(of: child.target))
        #expect(shape.columns.count == child.columns.count)
        #expect(shape.primaryKey == ["id"])
        #expect(shape.uniqueKeys == [["c text"]])
        #expect(!shape.hasRows)
        #expect(try file.target.shape(of: parent.target)?.primaryKey == ["b", "a"])
        #expect(
            try file.target.preflight([parent, child], prerequisites: []).allSatisfy {
                $0.severity == .ok
            })
    }

    @Test("The table is STRICT, with keys, NOT NULL, and checks that say what the type cannot")
    func definition() throws {
        let table = route(
            "t",
            [
                Column("id", .int32, isNullable: false), Column("f", .boolean),
                Column("x", .float64), Column("n", .numeric, isNullable: false),
            ])
        #expect(
            try Self.plan([table]).beforeRows == [
                """
                CREATE TABLE IF NOT EXISTS "t" (
                    "id" INTEGER PRIMARY KEY NOT NULL,
                    "f" INTEGER CHECK ("f" IN (0, 1)),
                    "x" ANY CHECK (typeof("x") = 'real' OR "x" = 'NaN'),
                    "n" TEXT NOT NULL
                ) STRICT
                """
            ])
    }

    @Test("Names that SQLite cannot tell apart, or that are taken, are problems by name")
    func names() throws {
        let id = Column("id", .int32)
        #expect(try Self.plan([route("T", [id]), route("t", [id], id: 2)]).problems.count == 1)
        let columns = try Self.plan([route("t", [id, Column("A", .text), Column("a", .text)])])
        #expect(columns.problems.map(\.column) == ["a"])
        #expect(try Self.plan([route("sqlite_x", [id])]).problems.count == 1)
        #expect(try Self.plan([route("Martlet_chunk", [id])]).problems.isEmpty == false)
        var named = route("t", [id])
        named.target.schema = "shop"
        #expect(try Self.plan([named]).problems.count == 1)
    }

    static let existing: [(String, Bool)] = [
        ("CREATE TABLE t (id INTEGER PRIMARY KEY, n TEXT)", true),
        ("CREATE TABLE T (ID INT PRIMARY KEY, N VARCHAR(10))", true),
        ("CREATE TABLE t (id INTEGER PRIMARY KEY, n)", true),
        ("CREATE TABLE t (id INTEGER PRIMARY KEY, n TEXT, own TEXT NOT NULL DEFAULT 'x')", true),
        ("CREATE TABLE t (id INTEGER, n TEXT); CREATE UNIQUE INDEX u ON t (id)", true),
        ("CREATE TABLE t (id TEXT PRIMARY KEY, n TEXT)", false),
        ("CREATE TABLE t (id INTEGER PRIMARY KEY, n NUMERIC)", false),
        ("CREATE TABLE t (id INTEGER PRIMARY KEY, n BLOB) STRICT", false),
        ("CREATE TABLE t (id INTEGER PRIMARY KEY)", false),
        ("CREATE TABLE t (id INTEGER, n TEXT)", false),
        ("CREATE TABLE t (id INTEGER PRIMARY KEY, n TEXT, own TEXT NOT NULL)", false),
        ("CREATE TABLE t (id INTEGER PRIMARY KEY, n TEXT AS (id) STORED)", false),
        (
            "CREATE TABLE t (id INTEGER, n TEXT); CREATE UNIQUE INDEX u ON t (id) WHERE id > 3",
            false
        ),
        ("CREATE VIEW t AS SELECT 1 AS id, 'x' AS n", false),
    ]

    @Test("A table that is there is used only if it keeps every value exact", arguments: existing)
    func existingTables(_ sql: String, _ fits: Bool) throws {
        let table = route("t", [Column("id", .int32), Column("n", .numeric)])
        let problems = try Self.plan([table], after: sql).problems
        #expect(problems.isEmpty == fits, "\(problems)")
        if fits {
            let file = try TargetFile()
            try file.elsewhere(sql)
            try file.load("1\t1.10\n", table)
            try file.apply(batch { $0.transaction { $0.update(["1", "007"]) } }, [table])
            #expect(try file.quoted("t", ["id", "n"]) == ["1|'007'"])
        } else {
            #expect(problems.allSatisfy { $0.kind == .unfitSchema && $0.remedy != nil })
        }
    }

    @Test("A key column that ignores case is no key")
    func caseInsensitiveKey() throws {
        let table = route("t", [Column("id", .text)])
        #expect(
            try Self.plan([table], after: "CREATE TABLE t (id TEXT COLLATE NOCASE PRIMARY KEY)")
                .problems.count == 1)
    }

    @Test("Indexes are carried if they are plain; unique ones wait; others are named")
    func indexes() throws {
        func index(_ name: String, _ columns: [String], _ unique: Bool, _ text: String) -> Index {
            Index(
                name: name, columns: columns, isUnique: unique, isConstraint: false,
                definition: text)
        }
        let table = route("t", [Column("id", .int32), Column("a", .text), Column("b", .int32)]) {
            $0.indexes = [
                index("plain", ["a", "b"], false, "USING btree (a, b DESC)"),
                index("unique", ["a"], true, "USING btree (a)"),
                index("gin", ["a"], false, "USING gin (a)"),
                index("expression", [], false, "USING btree (lower(a))"),
                index("partial", ["a"], true, "USING btree (a) WHERE (b > 0)"),
                index("where", ["a"], false, "USING btree (\" WHERE \")"),
            ]
        }
        let plan = try Self.plan([table])
        #expect(
            plan.afterRows == [
                1: [
                    #"CREATE INDEX IF NOT EXISTS "plain" ON "t" ("a", "b")"#,
                    #"CREATE INDEX IF NOT EXISTS "where" ON "t" ("a")"#,
                ]
            ])
        #expect(
            plan.whenConsistent == [#"CREATE UNIQUE INDEX IF NOT EXISTS "unique" ON "t" ("a")"#])
        for name in ["gin", "expression", "partial"] {
            #expect(plan.mappings.contains { $0.contains("the index \(name) is left out") })
        }
    }

    @Test("Index names that collide get the table in front, and stay the same when planned again")
    func indexNames() throws {
        func table(_ name: String, _ id: UInt32) -> TableRoute {
            route(name, [Column("id", .int32), Column("a", .text)], id: id) {
                $0.indexes = ["i", "t"].map {
                    Index(
                        name: $0, columns: ["a"], isUnique: false, isConstraint: false,
                        definition: "USING btree (a)")
                }
            }
        }
        let routes = [table("t", 1), table("u", 2)]
        let file = try TargetFile(routes)
        let first = try file.target.schemaPlan(routes, prerequisites: [])
        let all = first.afterRows.values.flatMap { $0 }
        #expect(Set(all).count == 4)
        #expect(all.contains { $0.contains(#""u_i" ON "u""#) })
        #expect(all.contains { $0.contains(#""t_t" ON "t""#) })
        try file.target.run(all, tables: [])
        #expect(try file.target.schemaPlan(routes, prerequisites: []).afterRows == first.afterRows)
    }

    @Test("Foreign keys are declared between replicated tables, with their actions")
    func foreignKeys() throws {
        func key(_ name: String, _ table: String, _ definition: String) -> ForeignKey {
            ForeignKey(
                name: name, columns: ["p"], referenced: TableName(schema: "public", name: table),
                referencedColumns: ["id"], definition: definition, changesRows: false,
                isDeferrable: false)
        }
        let parent = route("p", [Column("id", .int32)], id: 2)
        let child = route("t", [Column("id", .int32), Column("p", .int32)]) {
            $0.foreignKeys = [
                key(
                    "one", "p",
                    "FOREIGN KEY (p) REFERENCES public.p(id) ON UPDATE SET DEFAULT "
                        + "ON DELETE SET NULL DEFERRABLE INITIALLY DEFERRED"),
                key("two", "p", "FOREIGN KEY (p) REFERENCES public.p(id) ON DELETE SET NULL (p)"),
                key("three", "gone", "FOREIGN KEY (p) REFERENCES public.gone(id)"),
            ]
        }
        let plan = try Self.plan([child, parent])
        #expect(
            plan.beforeRows[0].contains(
                #"CONSTRAINT "one" FOREIGN KEY ("p") REFERENCES "p" ("id") "#
                    + "ON UPDATE SET DEFAULT ON DELETE SET NULL DEFERRABLE INITIALLY DEFERRED"))
        #expect(!plan.beforeRows[0].contains("two"))
        #expect(!plan.beforeRows[0].contains("three"))
        #expect(plan.mappings.filter { $0.contains("foreign key") }.count == 2)
    }

    static let defaults: [(String, ValueKind, String?)] = [
        ("0", .int32, "0"), ("(-1)", .int64, "-1"), ("'-5'::integer", .int32, "-5"),
        ("true", .boolean, "1"), ("false", .boolean, "0"), ("'a'::text", .text, "'a'"),
        ("'it''s'::character varying", .text, "'it''s'"), ("'a::b'", .text, "'a::b'"),
        ("'x'::public.mood", .enumeration, "'x'"), ("''::text", .text, "''"),
        ("now()", .timestampWithZone, nil), ("nextval('s'::regclass)", .int32, nil),
        ("'a'::text || 'b'::text", .text, nil), ("lower('A'::text)", .text, nil),
        ("'abc'::character varying(2)", .text, nil), ("0", .numeric, nil), ("1.5", .float64, nil),
        ("'a", .text, nil), ("1 + 1", .int32, nil), ("", .text, nil),
        ("'{}'::jsonb", .jsonBinary, nil), ("E'\\\\n'::text", .text, nil),
    ]

    @Test("Only constants that mean the same become defaults", arguments: defaults)
    func literals(_ expression: String, _ kind: ValueKind, _ literal: String?) {
        #expect(DefaultLiteral.text(expression, kind: kind) == literal)
    }

    @Test("What is left out is said: generated columns, checks, defaults, citext")
    func mentions() throws {
        var generated = Column("g", .int32)
        generated.generated = "(id * 2)"
        var stamped = Column("at", .timestamp)
        stamped.defaultExpression = "now()"
        let table = route(
            "t", [Column("id", .int32), generated, stamped, Column("c", .caseInsensitiveText)]
        ) { $0.checks = [CheckConstraint(name: "positive", definition: "CHECK (id > 0)")] }
        let mappings = try Self.plan([table]).mappings
        for words in [
            ".g: generated column", ".at: the default is left out", "the check positive",
            ".c: compares by bytes", "at: timestamp -> TEXT",
        ] {
            #expect(mappings.contains { $0.contains(words) }, "\(words) in \(mappings)")
        }
    }

    @Test("Triggers of a target table are a warning")
    func triggers() throws {
        let table = route("t", [Column("id", .int32)])
        let file = try TargetFile([table])
        try file.elsewhere("CREATE TRIGGER x AFTER INSERT ON t BEGIN SELECT 1; END")
        #expect(
            try file.target.preflight([table], prerequisites: []).map(\.severity).contains(.warning)
        )
    }
}
