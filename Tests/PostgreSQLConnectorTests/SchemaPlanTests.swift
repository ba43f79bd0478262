import ReplicationEngine
import ReplicationModel
import Testing

@testable import PostgreSQLConnector

@Suite("Schema plan for a PostgreSQL target")
struct SchemaPlanTests {
    /// Runs the phases in order; between them the plan is made again, as after a crash.
    private func build(
        _ target: PostgreSQLTarget, _ routes: [TableRoute], _ objects: [SchemaObject]
    ) throws {
        let first = try target.schemaPlan(routes, prerequisites: objects)
        #expect(first.problems.isEmpty)
        try target.run(first.beforeRows, tables: routes.map(progress))
        let second = try target.schemaPlan(routes, prerequisites: objects)
        #expect(second.beforeRows.isEmpty && second.problems.isEmpty)
        #expect(second.afterRows == first.afterRows)
        for statements in second.afterRows.values { try target.run(statements, tables: []) }
        let third = try target.schemaPlan(routes, prerequisites: objects)
        #expect(third.afterRows.isEmpty && third.problems.isEmpty)
        #expect(third.whenConsistent == first.whenConsistent)
        // Half of the last phase, then a crash.
        try target.run(Array(third.whenConsistent.prefix(2)), tables: [])
        let fourth = try target.schemaPlan(routes, prerequisites: objects)
        #expect(fourth.whenConsistent == Array(third.whenConsistent.dropFirst(2)))
        try target.run(fourth.whenConsistent, tables: [])
    }

    private func progress(_ route: TableRoute) -> TableProgress {
        TableProgress(
            id: route.source.id, source: route.source.name, target: route.target, state: .catchingUp
        )
    }

    @Test(
        "A schema of many kinds arrives as it was, on every version",
        arguments: TestDatabase.servers)
    func arrives(server: String) throws {
        let source = try TestDatabase(on: "pg17")
        try source.connect().run(SchemaFixture.sql)
        let database = try TestDatabase(on: server)
        let target = try Fixture.acquired(database)
        defer { target.close() }
        try build(target, SchemaFixture.routes, SchemaFixture.prerequisites)
        let expected = try SchemaFixture.description(source).filter { !$0.contains("elsewhere_fk") }
        #expect(try SchemaFixture.description(database) == expected)
        #expect(expected.count > 25)
        let again = try target.schemaPlan(
            SchemaFixture.routes, prerequisites: SchemaFixture.prerequisites)
        #expect(again.beforeRows.isEmpty && again.afterRows.isEmpty && again.whenConsistent.isEmpty)
        #expect(again.mappings.contains { $0.contains("elsewhere_fk") })
    }

    @Test("What rows of different moments could violate waits; foreign keys come after their keys")
    func phases() throws {
        let database = try TestDatabase()
        let target = Fixture.target(database)
        defer { target.close() }
        let plan = try target.schemaPlan(
            SchemaFixture.routes, prerequisites: SchemaFixture.prerequisites)
        let before = plan.beforeRows.joined(separator: "\n")
        #expect(before.contains("parent_pkey") && before.contains("child_tag"))
        for name in ["child_pkey", "parent_code_key", "parent_excl", "parent_lower", "child_up"] {
            #expect(!before.contains(name), "\(name)")
            #expect(plan.whenConsistent.contains { $0.contains(name) }, "\(name)")
        }
        #expect(plan.afterRows[11]?.count == 1)
        let last = try #require(plan.whenConsistent.lastIndex { !$0.contains("FOREIGN KEY") })
        let first = try #require(plan.whenConsistent.firstIndex { $0.contains("FOREIGN KEY") })
        #expect(last < first)
    }

    @Test("Tables of two schemas meet in one: index names that clash get another, once and for all")
    func clashingNames() throws {
        let database = try TestDatabase()
        let target = try Fixture.acquired(database)
        defer { target.close() }
        let goal = TableName(schema: "shop", name: "t")
        var routes: [TableRoute] = []
        for (id, schema) in [(UInt32(1), "one"), (2, "two")] {
            var route = Fixture.table("t", id: id, Fixture.column("a", "integer"))
            route.source.name.schema = schema
            route.source.indexes = [
                Index(
                    name: "t_a", columns: ["a"], isUnique: false, isConstraint: false,
                    definition: "USING btree (a)")
            ]
            route.target = TableName(schema: "shop", name: id == 1 ? "t" : "t_two")
            routes.append(route)
        }
        try build(target, routes, [])
        let shape = try #require(try target.shape(of: goal))
        #expect(shape.primaryKey == ["id"])
        let names = try database.connect().run(
            "SELECT FROM pg_indexes WHERE schemaname = 'shop' AND indexname LIKE 't_a%'")
        #expect(names.rowCount == 2)
        routes[1].target = goal
        let plan = try target.schemaPlan(routes, prerequisites: [])
        #expect(plan.problems.contains { $0.table == goal && $0.why.contains("more than one") })
    }

    @Test("A partitioned table becomes an ordinary one, and the plan says so")
    func partitioned() throws {
        let database = try TestDatabase()
        let target = Fixture.target(database)
        defer { target.close() }
        var route = Fixture.table("t")
        route.source.isPartitioned = true
        let plan = try target.schemaPlan([route], prerequisites: [])
        #expect(plan.mappings.contains { $0.contains("public.t") && $0.contains("ordinary table") })
    }

    @Test("Virtual columns stay virtual where the target knows them", arguments: ["pg17", "pg18"])
    func virtual(server: String) throws {
        let database = try TestDatabase(on: server)
        let target = try Fixture.acquired(database)
        defer { target.close() }
        var column = Fixture.column("v", "integer")
        (column.generated, column.isVirtual) = ("(id + 1)", true)
        let route = Fixture.table("t", column)
        let plan = try target.schemaPlan([route], prerequisites: [])
        try target.run(plan.beforeRows, tables: [])
        let kind = try database.connect().run(
            "SELECT attgenerated FROM pg_attribute WHERE attname = 'v' AND attnum > 0 AND attrelid = 'public.t'::regclass"
        )
        #expect(kind.text(0, 0) == (server == "pg18" ? "v" : "s"))
        #expect(plan.mappings.isEmpty == (server == "pg18"))
    }

    @Test("Missing types, missing extensions, and types that differ are problems")
    func types() throws {
        let database = try TestDatabase()
        let target = Fixture.target(database)
        defer { target.close() }
        try database.connect().run(
            "CREATE TYPE public.mood AS ENUM ('sad'); CREATE DOMAIN public.price AS numeric(10,1)")
        func object(_ kind: SchemaObject.Kind, _ name: String, _ sql: String) -> SchemaObject {
            SchemaObject(
                kind: kind, name: TableName(schema: "public", name: name), definition: sql)
        }
        let plan = try target.schemaPlan(
            [
                Fixture.table(
                    "t", Fixture.column("g", "public.geometry", cast: "public.\"geometry\""))
            ],
            prerequisites: [
                object(.extension, "no_such", "CREATE EXTENSION no_such"),
                object(.enumeration, "mood", "CREATE TYPE public.mood AS ENUM ('sad', 'it''s')"),
                object(.domain, "price", "CREATE DOMAIN public.price AS numeric(10,2)"),
            ])
        let words = ["no_such", "it's", "numeric(10,1)", "geometry"]
        #expect(plan.problems.count == words.count)
        for word in words { #expect(plan.problems.contains { "\($0)".contains(word) }, "\(word)") }
        #expect(plan.problems.contains { $0.remedy?.contains("ADD VALUE 'it''s'") == true })
    }

    @Test("A foreign key's definition is taken apart by its brackets, not by its names")
    func foreignKeyText() throws {
        let other = TableName(schema: "b", name: "p")
        let odd =
            "FOREIGN KEY (\"a) REFERENCES\", b) REFERENCES \"x(\".\"p\"(c, \"d)\") MATCH FULL ON DELETE SET NULL (b) NOT VALID"
        let parts = try #require(TargetForeignKey(parsing: odd))
        #expect(
            parts.clause(referencing: other, whereTriggersFire: false)
                == "FOREIGN KEY (\"a) REFERENCES\", b) REFERENCES \"b\".\"p\"(c, \"d)\") MATCH FULL ON DELETE SET NULL (b) NOT VALID"
        )
        #expect(
            parts.clause(referencing: other, whereTriggersFire: true)
                == "FOREIGN KEY (\"a) REFERENCES\", b) REFERENCES \"b\".\"p\"(c, \"d)\") MATCH FULL DEFERRABLE INITIALLY IMMEDIATE NOT VALID"
        )
        #expect(TargetForeignKey(parsing: "CHECK (a > 0)") == nil)
        #expect(TargetForeignKey(parsing: "FOREIGN KEY (a REFERENCES") == nil)
    }
}
