import ReplicationEngine
import ReplicationModel
import Testing

@testable import SQLTransform

@Suite("Compiling a transform")
struct CompileTests {
    @Test("Names pass through, everything else is an expression with its own dependencies")
    func outputs() throws {
        let transform = try compile(
            """
            SELECT c.id, email AS mail, upper(name) AS name, name || ' ' || country AS both,
              price, "photo" FROM customers c WHERE country = 'DE' -- Germany
            """)
        #expect(
            transform.outputs.map(\.column.name) == [
                "id", "mail", "name", "both", "price", "photo",
            ])
        #expect(transform.outputs.map(\.passes) == [0, 2, nil, nil, 4, 6])
        #expect(transform.outputs.map(\.dependsOn) == [[0], [2], [1], [1, 3], [4], [6]])
        #expect(transform.filteredBy == [3])
        #expect(transform.target.key == [0])
        #expect(transform.isOneToOne)
        #expect(transform.needsWholeOldRow)
        #expect(transform.target.columns[4].type == customers.columns[4].type)
    }

    @Test("A star passes every column, and a projection asks SQLite nothing")
    func star() throws {
        let transform = try compile("SELECT * FROM customers")
        #expect(transform.outputs.map(\.passes) == Array(0..<10))
        #expect(transform.statement == nil)
        #expect(!transform.needsWholeOldRow)
    }

    @Test(
        "What only looks like a column is computed",
        arguments: [
            "+email", "(SELECT email)", "(SELECT email FROM customers WHERE 0)",
            "email COLLATE NOCASE", "CAST(email AS TEXT)", "coalesce(email, name)",
        ])
    func notPassed(_ expression: String) throws {
        let transform = try compile(
            "SELECT id, \(expression) AS x FROM customers", types: ["x": "text"])
        #expect(transform.outputs[1].passes == nil)
        #expect(transform.outputs[1].dependsOn.contains(2))
    }

    @Test("Columns of a sub-select or of a CTE are computed: they may not be the row's")
    func derived() throws {
        for sql in [
            "SELECT id, email FROM (SELECT id, email FROM customers WHERE name > 'a')",
            "WITH c AS (SELECT id, email FROM customers) SELECT id, email FROM c",
        ] {
            let keyless = table("customers", "id:int32", "name:text", "email:text", identity: .full)
            let transform = try compile(sql, keyless, types: ["id": "bigint", "email": "text"])
            #expect(transform.outputs.map(\.passes) == [nil, nil])
            #expect(transform.outputs[1].dependsOn.contains(2))
            #expect(refusal(sql)?.why.contains("no output is the key column id") == true)
        }
    }

    struct Bad: Sendable, CustomTestStringConvertible {
        var sql: String
        var place: String
        var why: String
        var remedy: String?
        var testDescription: String { sql }

        init(_ sql: String, _ place: String, _ why: String, _ remedy: String? = nil) {
            (self.sql, self.place, self.why, self.remedy) = (sql, place, why, remedy)
        }
    }

    @Test(
        "A mistake is found with its place and a way out",
        arguments: [
            Bad("SELECT id, FROM customers", "line 1, column 12", "syntax error"),
            Bad(
                "SELECT id,\n  upper(nmae) AS n FROM customers", "line 2, column 9",
                "there is no column 'nmae'", "did you mean 'name'?"),
            Bad(
                "SELECT id FROM custmers", "line 1, column 16", "there is no table 'custmers'",
                "did you mean 'customers'?"),
            Bad(
                "SELECT id, shaa256(email) AS e FROM customers", "line 1, column 12",
                "there is no function 'shaa256'", "did you mean 'sha256'?"),
            Bad(
                "SELECT id, email AS x, name AS x FROM customers", "line 1, column 24",
                "two outputs are called x"),
            Bad("SELECT name FROM customers", "line 1, column 1", "no output is the key column id"),
            Bad(
                "SELECT id, count(*) AS n FROM customers", "line 1, column 12",
                "count() needs many rows"),
            Bad(
                "SELECT id, random() AS n FROM customers", "line 1, column 12",
                "random() may give another result", "nondeterministic"),
            Bad(
                "SELECT id, CURRENT_TIMESTAMP AS n FROM customers", "line 1, column 12",
                "current_timestamp() may give another result"),
            Bad(
                "SELECT id, datetime('now') AS n FROM customers", "line 1, column 21",
                "'now' is another moment", "commit_time()"),
            Bad(
                "SELECT id FROM customers WHERE random() > 0", "line 1, column 32",
                "random() may give another"),
            Bad(
                "SELECT id, upper(name) FROM customers", "line 1, column 12",
                "an expression has no name", "AS name"),
            Bad(
                "SELECT id, big * 2 AS n FROM customers", "line 1, column 12",
                "the type of the output n cannot be told", "types: {n: text}"),
            Bad(
                "SELECT id FROM customers UNION SELECT 1", "line 1, column 26",
                "UNION makes several"),
            Bad("SELECT id FROM customers GROUP BY id", "line 1, column 26", "GROUP needs many"),
            Bad(
                "SELECT id FROM customers; SELECT 1", "line 1, column 25", "more than one statement"
            ),
            Bad("SELECT id, ? AS x FROM customers", "line 1, column 12", "no parameters"),
            Bad(
                "SELECT id FROM customers WHERE operation() = 'insert'", "line 1, column 32",
                "operation() speaks of a change"),
            Bad("DELETE FROM customers", "line 1, column 1", "it is not a SELECT"),
            Bad("SELECT 1", "line 1, column 1", "it has no FROM"),
            Bad(
                "SELECT id, name AS n FROM customers WHERE n = 'x'", "line 1, column 37",
                "WHERE cannot stand alone"),
            Bad(
                "SELECT id FROM customers ORDER BY id", "line 1, column 26",
                "ORDER needs many rows"),
            Bad("SELECT id FROM customers LIMIT 0", "line 1, column 26", "LIMIT needs many rows"),
            Bad(
                "SELECT id, rank() OVER w AS r FROM customers WINDOW w AS ()", "column 46",
                "WINDOW needs many rows"),
            Bad(
                "SELECT id, row_number() OVER () AS r FROM customers", "line 1, column 12",
                "row_number() needs many rows"),
            Bad(
                "SELECT id, max(big) AS m FROM customers WHERE active", "line 1, column 12",
                "max() needs many rows"),
            Bad(
                "SELECT id, (SELECT sum(big) FROM customers) AS m FROM customers", "column 20",
                "sum() needs many rows"),
            Bad(
                "SELECT id, (SELECT count(c.big) FROM json_each(tags)) AS m FROM customers c",
                "line 1, column 12", "a function in it needs many rows"),
            Bad(
                "SELECT id, datetime(made, 'localtime') AS d FROM customers", "column 27",
                "the time zone of the machine", "at_time_zone"),
            Bad(
                "SELECT id, hmac_sha256(email, 'secret') AS e FROM customers", "column 31",
                "a secret in the SQL is shown with it", "key('pii')"),
            Bad(
                "SELECT id, hmac_sha256(email, key('pi')) AS e FROM customers", "column 35",
                "there is no key 'pi'", "did you mean 'pii'?"),
            Bad(
                "SELECT id, hex(key('pii')) AS e FROM customers", "column 16",
                "key() is for functions that take a key"),
            Bad(
                "SELECT id, hmac_sha256(email, key(name)) AS e FROM customers", "column 31",
                "key() takes a name in quotes"),
            Bad(
                "SELECT id, NOT active FROM customers", "line 1, column 12",
                "an expression has no name"),
            Bad(
                "SELECT id FROM public.customers", "", "without its schema",
                "FROM customers"),
            Bad("SELECT name FROM sqlite_schema", "", "a transform reads its own table only"),
        ])
    func mistakes(_ bad: Bad) throws {
        let error = try #require(refusal(bad.sql))
        #expect(error.kind == .configuration)
        #expect(error.place?.hasPrefix("shop.yaml:9") == true)
        #expect(error.place?.contains(bad.place) == true, "\(error)")
        #expect(error.why.contains(bad.why), "\(error)")
        if let remedy = bad.remedy { #expect(error.remedy?.contains(remedy) == true, "\(error)") }
    }

    @Test("What stands in quotes may be a value, and a sub-select may count its own rows")
    func allowed() throws {
        let transform = try compile(
            """
            SELECT id, iif(name = 'now', 1, 0) AS soon, at_time_zone(made, 'utc') AS utc,
              (SELECT count(*) FROM json_each(tags)) AS tags, max(big, 0) AS big
            FROM customers WHERE name <> 'now'
            """, types: ["tags": "bigint"])
        #expect(transform.outputs.count == 5)
        _ = try compile("SELECT id, unbase64(name) AS n FROM customers")
        _ = try compile(
            "SELECT id, encrypt_aes_gcm(email, unbase64(key('pii'))) AS e FROM customers")
    }

    @Test("What is said of an output must be about one")
    func strayNames() throws {
        func why(_ types: [String: String], _ nondeterministic: Set<String> = []) -> String {
            do {
                _ = try compile(
                    "SELECT id, email FROM customers", types: types,
                    nondeterministic: nondeterministic)
                return ""
            } catch { return (error as? ReplicationError)?.why ?? "" }
        }
        #expect(why(["emial": "text"]) == "'types' names emial, which is no output")
        #expect(why(["email": "text"]).contains("passes as it is"))
        #expect(why([:], ["seen"]) == "'nondeterministic' names seen, which is no output")
        let keyless = table("log", "line:text", identity: .full)
        #expect(throws: ReplicationError.self) {
            try compile(
                "SELECT line, random() AS r FROM log", keyless, types: ["r": "bigint"],
                nondeterministic: ["r"])
        }
        for key in [[], ["id", "id"]] {
            #expect(throws: ReplicationError.self) {
                try compile("SELECT id FROM customers", key: key)
            }
        }
    }

    @Test("A transform is another one when a secret is another one, which nobody can read there")
    func outline() throws {
        func outline(_ secret: String) throws -> String {
            try compile(
                "SELECT id, hmac_sha256(email, key('pii')) AS e FROM customers",
                keys: TransformKeys(["pii": Array(secret.utf8), "other": [1]])
            ).outline
        }
        #expect(try outline("one") == outline("one"))
        #expect(try outline("one") != outline("two"))
        #expect(try !outline("geheim").contains("geheim"))
    }

    @Test("The target's key is made of the source's key")
    func key() throws {
        let byName = refusal("SELECT id, name FROM customers", key: ["name"])
        #expect(byName?.why.contains("made of other columns than the source's key") == true)
        #expect(
            refusal("SELECT id FROM customers", key: ["ident"])?.why.contains("is no output")
                == true)
        #expect(
            refusal("SELECT commit_position() AS id FROM customers", key: ["id"])?.why
                .contains("speaks of a change") == true)
        let hashed = try compile(
            "SELECT sha256(id) AS id, name FROM customers", key: ["id"])
        #expect(hashed.isOneToOne)
        let folded = try compile(
            "SELECT lower(id) AS id FROM customers", key: ["id"])
        #expect(!folded.isOneToOne)
        let constant = try compile(
            "SELECT 'eu' AS region, id FROM customers", key: ["region", "id"])
        #expect(constant.isOneToOne)
        #expect(constant.target.source.primaryKey?.definition == "PRIMARY KEY (\"region\", \"id\")")
    }

    @Test(
        "The type of an expression is that of its outermost part",
        arguments: [
            ("upper(name)", "text"), ("length(name)", "int64"), ("sha256(email)", "text"),
            ("CASE WHEN active THEN name ELSE 'none' END", "text"), ("name || '!'", "text"),
            ("price > 10 AND active", "boolean"), ("coalesce(price, 0)", "numeric"),
            ("coalesce(email, name, 'x')", "text"), ("CAST(big AS TEXT)", "text"),
            ("(big)", "int64"), ("12", "int64"), ("x'00'", "bytes"), ("iif(active, 1, 0)", "int64"),
            ("json_extract(tags, '$.a')", nil), ("big + 1", nil), ("tags ->> '$.a'", "text"),
            ("date_trunc('day', made)", "timestampWithZone"), ("decimal_add(price, 1)", "numeric"),
            ("at_time_zone(made, 'Europe/Berlin')", "timestamp"),
            ("CASE WHEN active THEN made END", "timestampWithZone"), ("date(made)", "date"),
        ] as [(String, String?)])
    func types(_ expression: String, _ kind: String?) throws {
        let sql = "SELECT id, \(expression) AS x FROM customers"
        guard let kind else {
            #expect(refusal(sql)?.why.contains("cannot be told") == true)
            return
        }
        #expect(try compile(sql).outputs[1].column.type.kind.rawValue == kind)
    }

    @Test("What MySQL's tables make: its types, texts that tell letters apart")
    func mySQLTypes() throws {
        let route = table("customers", "id:int32!", "name:text", "price:numeric", dialect: .mysql)
        let transform = try compile(
            """
            SELECT id, upper(name) AS big, decimal_add(price, 1) AS more, id = 1 AS one,
              decimal_round(price, 2) AS price, coalesce(name, '-') AS name, x'00' AS b
            FROM customers
            """, route, types: ["price": "numeric(12,2)"])
        #expect(
            transform.target.columns.map(\.type.declaration) == [
                "int32", "longtext", "decimal(65,30)", "tinyint(1)", "decimal(12,2)", "text",
                "longblob",
            ])
        #expect(
            transform.target.columns.map { $0.collation != nil } == [
                false, true, false, false, false, true, false,
            ])
        #expect(transform.target.columns[1].isFolding)
        #expect(OutputType(parsing: "datetime") == .timestamp)
    }

    @Test("check warns of floating point, and of what a changed key would miss")
    func warnings() throws {
        func whys(_ sql: String, _ identity: ReplicaIdentity = .full) throws -> [String] {
            let route = table(
                "customers", "id:int32!", "name:text", "price:numeric", identity: identity)
            return TransformCheck.findings(
                try compile(sql, route, types: ["total": "numeric"]), sees: true
            ).filter { $0.severity == .warning }.map(\.detail)
        }
        #expect(try whys("SELECT id, price * 2 AS total FROM customers").count == 1)
        #expect(try whys("SELECT id, decimal_mul(price, 2) AS total FROM customers").isEmpty)
        let mixed = "SELECT id, name || id AS total FROM customers"
        #expect(try whys(mixed, .primaryKey).count == 1)
        #expect(try whys(mixed).isEmpty)
        #expect(
            try whys("SELECT id, name, 1 AS total FROM customers WHERE id > 5", .primaryKey).count
                == 1)
        #expect(
            try whys("SELECT id, upper(name) AS total FROM customers", .primaryKey).isEmpty)
    }

    @Test("Rows that change without a word in the log are not looked for behind a transform")
    func unloggedKeys() throws {
        var route = table("customers", "id:int32!", "parent:int32", dialect: .mariadb)
        var key = ForeignKey(
            name: "fk", columns: ["parent"], referenced: TableName(schema: "public", name: "p"),
            referencedColumns: ["id"], definition: "", changesRows: true, isDeferrable: false)
        func severities() throws -> [Finding.Severity] {
            let transform = try compile("SELECT id FROM customers", route)
            return TransformCheck.findings(transform, sees: false).map(\.severity)
        }
        route.source.foreignKeys = [key]
        #expect(try severities() == [.ok])
        key.unlogged = UnloggedActions(onDelete: .cascade, onUpdate: .none)
        route.source.foreignKeys = [key]
        #expect(try severities() == [.refused])
    }
}
