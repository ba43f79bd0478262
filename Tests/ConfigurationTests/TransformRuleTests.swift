import Configuration
import ReplicationModel
import Testing

@Suite("Transforms in the pipeline file")
struct TransformRuleTests {
    @Test("A SELECT and rules for columns are read; keys are put in and never shown")
    func rules() throws {
        let result = try configuration(
            ends
                + """
                keys: {pii: "${PII}"}
                transforms:
                  - table: public.customers
                    into: crm.people
                    sql: |
                      SELECT id, hmac_sha256(email, key('pii')) AS email
                      FROM customers
                    key: [id]
                    types: {total: "numeric(12,2)"}
                    nondeterministic: [seen]
                  - {table: "public.*", mask: {email: sha256}, rename: {a: b}, drop: [secret]}
                """, environment: ["PII": "geheim"])
        #expect(result.keys["pii"]?.text == "geheim")
        #expect(!"\(result)".contains("geheim"))
        let first = try #require(result.transforms.first)
        #expect(first.into == TableName(schema: "crm", name: "people"))
        #expect(first.sql?.hasPrefix("SELECT id, hmac") == true)
        #expect(first.key == ["id"] && first.nondeterministic == ["seen"])
        #expect(first.types == ["total": "numeric(12,2)"])
        #expect(first.place.contains("shop.yaml:"))
        #expect(result.transforms[1].columns == ["email", "a", "secret"])
    }

    @Test(
        "A mistake is named with line and way out",
        arguments: [
            ("{table: public.a, sqll: SELECT 1}", "'sqll' is not a key", "did you mean 'sql'?"),
            ("{sql: SELECT 1}", "names no table", nil),
            ("{table: public.a}", "either 'sql' or", nil),
            ("{table: public.a, sql: SELECT 1, mask: {a: sha256}}", "either 'sql' or", nil),
            ("{table: public.a, drop: [a], into: b}", "go with 'sql'", nil),
            ("{table: public.a, drop: [a], mask: {a: sha256}}", "masked and dropped", nil),
            ("{table: a, sql: SELECT 1}", "has no schema", "write public.a"),
            ("{table: public.a, sql: [1]}", "must be a text", nil),
            ("{table: public.a, sql: \"SELECT ${HOME}\"}", "nothing is put in", "key('pii')"),
            ("{table: public.a, sql: SELECT 1, into: a.b.c}", "schema.name", nil),
            ("[a]", "a transform is a map", nil),
            ("{table: public.a, mode: soft_deleted}", "is no mode", "did you mean 'soft_delete'?"),
            (
                "{table: public.a, drop: [a], new_columns: pass}", "cannot be kept",
                "new_columns: stop"
            ),
            (
                "{table: public.a, drop: [a], new_columns: drop}", "cannot be kept",
                "new_columns: stop"
            ),
            ("{table: public.a, drop: [a], new_columns: go}", "nothing to do with", nil),
            ("{table: public.a, new_columns: stop}", "either 'sql' or", nil),
        ] as [(String, String, String?)])
    func mistakes(_ item: String, _ why: String, _ remedy: String?) throws {
        let error = try failure(ends + "transforms:\n  - \(item)\n")
        #expect(error.why.contains(why), "\(error)")
        #expect(error.place?.contains("shop.yaml:4, key transforms") == true, "\(error)")
        if let remedy { #expect(error.remedy?.contains(remedy) == true, "\(error)") }
    }

    @Test("A mode stands alone, beside a SELECT or beside rules for columns")
    func modes() throws {
        let result = try configuration(
            ends
                + """
                transforms:
                  - {table: "public.*", mode: soft_delete, new_columns: stop}
                  - {table: public.a, sql: SELECT id FROM a, mode: append}
                  - {table: public.b, drop: [x], mode: history}

                """)
        #expect(result.transforms.map(\.mode) == [.softDelete, .append, .history])
    }

    @Test("Lookups are read, and their files looked for beside the pipeline file")
    func lookups() throws {
        let result = try configuration(
            ends
                + """
                lookups:
                  - {name: countries, csv: data/c.csv, key: code}
                  - {name: Rates, csv: /data/r.csv, key: [a, b], types: {a: int}}
                """)
        #expect(result.lookups.map(\.name) == ["countries", "Rates"])
        #expect(result.lookups.map(\.key) == [["code"], ["a", "b"]])
        #expect(result.lookups[1].types == ["a": "int"])
        #expect(result.lookups[0].csv.hasSuffix("/data/c.csv"))
        #expect(result.lookups[1].csv == "/data/r.csv")
        #expect(result.lookups[0].place.contains("shop.yaml:4"))
    }

    @Test(
        "A mistake in a lookup is named with its line",
        arguments: [
            ("{name: c, csv: c.csv, keys: a}", "'keys' is not a key of a lookup"),
            ("{name: c, csv: c.csv}", "has 'name', 'csv' and 'key'"),
            ("{name: c, csv: c.csv, key: [a, a]}", "no column, or one twice"),
            ("{name: sqlite_c, csv: c.csv, key: a}", "begins with a letter"),
            ("{name: a b, csv: c.csv, key: a}", "begins with a letter"),
            ("{name: c, csv: \"${HOME}/c.csv\", key: a}", "nothing is put in"),
            ("x", "a lookup is a map"),
        ])
    func lookupMistakes(_ item: String, _ why: String) throws {
        let error = try failure(ends + "lookups:\n  - \(item)\n")
        #expect(error.why.contains(why), "\(error)")
        #expect(error.place?.contains("shop.yaml:4, key lookups") == true, "\(error)")
        let twice = "  - {name: C, csv: a, key: a}\n"
        #expect(
            try failure(ends + "lookups:\n" + twice + twice.lowercased()).why.contains(
                "two lookups have the name"))
    }
}
