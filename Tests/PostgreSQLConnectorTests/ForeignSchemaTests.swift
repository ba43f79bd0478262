import ReplicationEngine
import ReplicationModel
import Testing

@testable import PostgreSQLConnector

@Suite("Tables of MySQL and MariaDB in a plan for PostgreSQL")
struct ForeignSchemaTests {
    private static func enumeration(_ labels: String...) -> Foreign.Kind {
        Foreign.Kind("enum(...)", .enumeration, "", labels: labels)
    }

    private static var orders: TableRoute {
        var id = Foreign.column("id", Foreign.bigUnsigned, null: false)
        id.identity = .byDefault
        var total = Foreign.column(
            "total", Foreign.Kind("decimal(8,2)", .numeric, "", precision: 8, scale: 2))
        total.defaultExpression = "'0.00'"
        var made = Foreign.column(
            "made", Foreign.Kind("timestamp", .timestampWithZone, "", scale: 0), null: false)
        made.defaultExpression = "CURRENT_TIMESTAMP"
        var status = Foreign.column("status", enumeration("new", "it's"), null: false)
        status.defaultExpression = "'it''s'"
        var day = Foreign.column("day", Foreign.Kind("date", .date, ""))
        day.defaultExpression = "'0000-00-00'"
        var twice = Foreign.column("twice", Foreign.int)
        twice.generated = "`total` * 2"
        var note = Foreign.column("note", Foreign.varchar)
        note.defaultExpression = "'a\\b'"
        return Foreign.table(
            "orders", [id, total, made, status, day, twice, note]
        ) {
            $0.indexes = [
                Foreign.index("idx_note", ["note"]), Foreign.index("made", ["made", "id"]),
                Foreign.index("part", ["note"], "USING BTREE (`note`(10))"),
                Foreign.index("words", ["note"], "FULLTEXT (`note`)"),
                Foreign.index("expression", []),
                Foreign.index("one_note", ["note"], unique: true),
            ]
            $0.checks = [CheckConstraint(name: "positive", definition: "CHECK (`total` > 0)")]
        }
    }

    private static var lines: TableRoute {
        var id = Foreign.column("id", Foreign.int, null: false)
        id.identity = .byDefault
        let columns = [
            id, Foreign.column("order_id", Foreign.bigUnsigned),
            Foreign.column("note", Foreign.varchar), Foreign.column("kind", enumeration("a")),
            Foreign.column("made", Foreign.int),
        ]
        return Foreign.table("lines", id: 2, columns, dialect: .mariadb) {
            $0.indexes = [
                Foreign.index("idx_note", ["note"]), Foreign.index("orders", ["order_id"]),
            ]
            $0.foreignKeys = [
                Foreign.foreignKey(
                    "line_order", ["order_id"], "orders", ["id"], " ON DELETE CASCADE"),
                Foreign.foreignKey("by_text", ["note"], "orders", ["note"]),
                Foreign.foreignKey("not_unique", ["made"], "orders", ["twice"]),
                Foreign.foreignKey("elsewhere", ["made"], "gone", ["id"]),
            ]
        }
    }

    private func build(_ routes: [TableRoute], on server: String) throws -> (
        TestDatabase, SchemaPlan
    ) {
        let database = try TestDatabase(on: server)
        let target = try Fixture.acquired(database)
        defer { target.close() }
        let plan = try target.schemaPlan(routes, prerequisites: [])
        try #require(plan.problems.isEmpty, "\(plan.problems)")
        let progress = routes.map {
            TableProgress(
                id: $0.source.id, source: $0.source.name, target: $0.target, state: .catchingUp)
        }
        try target.run(plan.beforeRows + plan.keys.values.joined(), tables: progress)
        for statements in plan.afterRows.values { try target.run(statements, tables: []) }
        try target.run(plan.whenConsistent, tables: [])
        let again = try target.schemaPlan(routes, prerequisites: [])
        #expect(again.problems.isEmpty, "\(again.problems)")
        #expect(again.beforeRows.isEmpty && again.afterRows.isEmpty && again.whenConsistent.isEmpty)
        return (database, plan)
    }

    @Test(
        "Keys, indexes, defaults and foreign keys that mean the same arrive, on every version",
        arguments: TestDatabase.servers)
    func arrives(server: String) throws {
        let (database, plan) = try build([Self.lines, Self.orders], on: server)
        let facts = try SchemaFixture.description(database, schema: "shop")
        for fact in [
            "orders | id | numeric(20,0) | t | nextval('shop.orders_id_seq'::regclass)",
            "orders | total | numeric(8,2) | f | 0.00",
            "orders | made | timestamp(0) with time zone | t | CURRENT_TIMESTAMP",
            "orders | status | shop.orders_status | t | 'it''s'::shop.orders_status",
            "orders | day | date | f | -", "orders | twice | integer | f | -",
            "lines | id | integer | t | - | d",
            "CREATE INDEX made ON shop.orders USING btree (made, id)",
            "CREATE UNIQUE INDEX one_note ON shop.orders USING btree (note)",
            "orders_pkey | PRIMARY KEY (id)",
            "line_order | FOREIGN KEY (order_id) REFERENCES shop.orders(id) ON DELETE CASCADE",
        ] {
            #expect(facts.contains { $0.contains(fact) }, "\(fact) in \(facts)")
        }
        #expect(facts.filter { $0.contains("(note)") && $0.contains("idx_note") }.count == 2)
        #expect(!facts.contains { $0.contains("by_text") || $0.contains("part ") })
        #expect(says(plan))
    }

    private func says(_ plan: SchemaPlan) -> Bool {
        let words = [
            "shop.orders.id: bigint unsigned -> numeric(20,0)",
            "shop.orders.day: the default is left out", "note: the default is left out",
            "the check positive is left out", "the index part is left out",
            "the index words is left out: the target has no fulltext index",
            "the index expression is left out",
            "shop.orders.twice: generated column, carried as a plain column",
            "by_text is left out", "not_unique is left out: what it refers to is not unique",
            "elsewhere is left out: shop.gone is not replicated",
            "shop.orders.note: the unique one_note compares by characters",
        ]
        return words.allSatisfy { word in
            let isSaid = plan.mappings.contains { $0.contains(word) }
            #expect(isSaid, "\(word) in \(plan.mappings)")
            return isSaid
        }
    }

    @Test("A42: Names of types that would collide differ, and are the same on every run")
    func typeNames() throws {
        let routes = [
            Foreign.table(
                "a",
                [
                    Foreign.column("id", Foreign.int, null: false),
                    Foreign.column("b_c", Self.enumeration("one")),
                    Foreign.column("b", Self.enumeration("two")),
                ]),
            Foreign.table(
                "a_b", id: 2,
                [
                    Foreign.column("id", Foreign.int, null: false),
                    Foreign.column("c", Self.enumeration("three")),
                    Foreign.column(
                        String(repeating: "l", count: 60), Self.enumeration("four")),
                    Foreign.column(
                        "long", Self.enumeration(String(repeating: "x", count: 64))),
                ]),
        ]
        let (database, _) = try build(routes, on: "pg17")
        // In another order the names are those that the tables have.
        let target = Fixture.target(database)
        defer { target.close() }
        let again = try target.schemaPlan(Array(routes.reversed()), prerequisites: [])
        #expect(again.beforeRows.isEmpty && again.problems.isEmpty)
        let types = try database.connect().run(
            "SELECT count(DISTINCT enumtypid), count(*) FROM pg_enum")
        #expect(types.integer(0, 0) == 4 && types.integer(0, 1) == 4)
    }

    @Test("A42: Names that PostgreSQL would cut or has itself are refused by name")
    func names() throws {
        let long = String(repeating: "é", count: 32)
        let route = Foreign.table(
            long,
            [
                Foreign.column("id", Foreign.int, null: false),
                Foreign.column("ctid", Foreign.int), Foreign.column(long + "x", Foreign.int),
            ])
        let database = try TestDatabase()
        let target = Fixture.target(database)
        defer { target.close() }
        let problems = try target.schemaPlan([route], prerequisites: []).problems
        #expect(problems.map(\.column) == [nil, long + "x", "ctid"])
        #expect(problems.allSatisfy { $0.kind == .unfitSchema && $0.remedy != nil })
    }

    @Test("A table that is there takes the rows only if every value fits")
    func existing() throws {
        let database = try TestDatabase()
        try database.connect().run(
            """
            CREATE SCHEMA shop; CREATE TABLE shop.t (id bigint PRIMARY KEY, n numeric, \
            big bigint, doc text, at timestamp(3), word varchar(39))
            """)
        let route = Foreign.table(
            "t",
            [
                Foreign.column("id", Foreign.int, null: false),
                Foreign.column("n", Foreign.bigUnsigned),
                Foreign.column("big", Foreign.bigUnsigned),
                Foreign.column("doc", Foreign.Kind("json", .json, "")),
                Foreign.column("at", Foreign.Kind("datetime(6)", .timestamp, "", scale: 6)),
                Foreign.column("word", Foreign.varchar),
            ])
        let target = Fixture.target(database)
        defer { target.close() }
        let problems = try target.schemaPlan([route], prerequisites: []).problems
        #expect(problems.map(\.column) == ["big", "at", "word"])
    }
}
