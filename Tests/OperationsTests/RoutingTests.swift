import Configuration
import Operations
import ReplicationEngine
import ReplicationModel
import Testing

@Suite("Routing")
struct RoutingTests {
    private func targets(_ tables: [TableSchema], _ url: String, _ map: [String: String] = [:])
        throws -> [String]
    {
        try Routing.routes(tables, try configuration(to: url, map: map)).map(\.target.description)
    }

    let tables = [table("public", "a"), table("sales", "a", id: 2)]

    @Test("PostgreSQL keeps schema and name, through map.schemas")
    func postgres() throws {
        #expect(try targets(tables, "postgres://h/x") == ["public.a", "sales.a"])
        #expect(
            try targets(tables, "postgres://h/x", ["public": "shop"]) == ["shop.a", "sales.a"])
    }

    @Test("SQLite has no schemas: public goes without, others become a prefix")
    func sqlite() throws {
        #expect(try targets(tables, "sqlite:x.db") == ["a", "sales_a"])
        #expect(try targets(tables, "sqlite:x.db", ["sales": "s"]) == ["a", "s_a"])
        #expect(try targets([tables[1]], "sqlite:x.db", ["sales": "public"]) == ["a"])
    }

    @Test("Two tables that would be one are refused, with both names")
    func collisions() {
        let cases: [([TableSchema], String, [String: String])] = [
            (tables, "postgres://h/x", ["sales": "public"]),
            (tables, "sqlite:x.db", ["sales": "public"]),
            ([table("public", "sales_a"), table("sales", "a")], "sqlite:x.db", [:]),
            ([table("public", "Order"), table("public", "order")], "sqlite:x.db", [:]),
        ]
        for (tables, url, map) in cases {
            let error = #expect(throws: ReplicationError.self) { try targets(tables, url, map) }
            #expect(error?.kind == .configuration)
            #expect(error?.why.contains(tables[0].name.description) == true)
        }
    }

    @Test("Names that differ in case, or in where the dot is, are two tables in PostgreSQL")
    func noCollision() throws {
        let tables = [
            table("public", "Order"), table("public", "order"), table("a.b", "c"),
            table("a", "b.c"),
        ]
        #expect(try targets(tables, "postgres://h/x").count == 4)
    }

    @Test("A schema that map.schemas names and no table is in is refused")
    func strayMap() {
        let error = #expect(throws: ReplicationError.self) {
            try targets(tables, "postgres://h/x", ["sale": "x"])
        }
        #expect(error?.remedy == "did you mean 'sales'?")
    }

    @Test("Generated columns do not travel; the key is found among those that do")
    func columns() throws {
        let schema = table(
            "public", "a", key: ["b", "a"],
            [
                Column(name: "a", type: type(.int32, 23), isNullable: false),
                Column(name: "g", type: type(.int32, 23), generated: "a * 2"),
                Column(name: "b", type: type(.int32, 23), isNullable: false),
            ])
        let route = try Routing.routes([schema], try configuration())[0]
        #expect(route.columns.map(\.name) == ["a", "b"])
        #expect(route.key == [1, 0])
        let keyless = try Routing.routes([table("public", "k", key: [])], try configuration())[0]
        #expect(keyless.isKeyless)
    }
}
