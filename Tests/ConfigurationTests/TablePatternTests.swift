@testable import Configuration
import ReplicationModel
import Testing

private func table(_ schema: String, _ name: String) -> TableName {
    TableName(schema: schema, name: name)
}

@Suite("Table patterns")
struct TablePatternTests {
    @Test(
        "Patterns match as in SQL, with * and ?",
        arguments: [
            ("public.a", "public", "a", true), ("public.a", "public", "ab", false),
            ("PUBLIC.A", "public", "a", true), ("public.A", "public", "A", false),
            ("public.\"A\"", "public", "A", true), ("public.*", "public", "", true),
            ("public.a*b", "public", "axxb", true), ("public.a*b", "public", "axxbc", false),
            ("public.a*b*c", "public", "a1b2b3c", true), ("*.t?", "x", "t1", true),
            ("*.t?", "x", "t", false), ("\"Public\".\"My.Table\"", "Public", "My.Table", true),
            ("public.\"a*\"", "public", "ab", false), ("public.\"a*\"", "public", "a*", true),
            ("public.\"a\"\"b\"", "public", "a\"b", true),
            ("public.\"Or\"*", "public", "Order", true),
            ("public.ÄÖ", "public", "ÄÖ", true), ("public.**", "public", "x", true),
        ])
    func matching(pattern: String, schema: String, name: String, expected: Bool) throws {
        #expect(try TablePattern(parsing: pattern).matches(table(schema, name)) == expected)
    }

    @Test(
        "What is no pattern is refused",
        arguments: ["orders", "a.b.c", ".a", "public.", "public.\"a", "", "\"\".a"])
    func malformed(text: String) {
        #expect(throws: ReplicationError.self) { try TablePattern(parsing: text) }
    }

    @Test("A long pattern of stars does not take for ever")
    func adversarial() throws {
        let pattern = try TablePattern(
            parsing: "public." + String(repeating: "*a", count: 60) + "b")
        let name = String(repeating: "a", count: 2000)
        let clock = ContinuousClock()
        let taken = clock.measure { #expect(!pattern.matches(table("public", name))) }
        #expect(taken < .seconds(5))
    }

    @Test("A table's own pattern matches it alone")
    func ownPattern() throws {
        for name in [
            table("public", "a"), table("My", "T.x"), table("a*", "b\"c"), table("x", "A"),
        ] {
            #expect(try TablePattern(parsing: name.pattern).matches(name))
        }
        #expect(table("public", "Order").pattern == "public.\"Order\"")
    }
}

@Suite("Choice of tables")
struct TableSelectionTests {
    let tables = [
        table("public", "Order"), table("public", "audit_1"), table("public", "customers"),
        table("sales", "orders"),
    ]

    private func select(_ include: [String], _ exclude: [String] = []) throws -> [TableName] {
        try TableSelection(
            include: include.map { try TablePattern(parsing: $0) },
            exclude: exclude.map { try TablePattern(parsing: $0) }
        ).select(from: tables)
    }

    @Test("Included, less what is excluded, in the order of the catalogue")
    func selection() throws {
        #expect(try select([]) == tables)
        #expect(try select(["sales.*", "public.c*"]) == [tables[2], tables[3]])
        #expect(try select(["public.*"], ["public.audit_*"]) == [tables[0], tables[2]])
    }

    @Test("A pattern that matches nothing is an error with exit code 2 and a suggestion")
    func noMatch() {
        let error = #expect(throws: ReplicationError.self) { try select(["public.custmers"]) }
        #expect(error?.exitCode == 2)
        #expect(error?.remedy == "did you mean public.customers? Write it so.")
        let folded = #expect(throws: ReplicationError.self) { try select(["public.order"]) }
        #expect(folded?.remedy == "did you mean public.\"Order\"? Write it so.")
        let excluded = #expect(throws: ReplicationError.self) { try select([], ["public.x*"]) }
        #expect(excluded?.place == "key tables.exclude")
    }

    @Test("Nothing left, or nothing there, is an error")
    func nothing() {
        #expect(throws: ReplicationError.self) { try select(["public.*"], ["public.*"]) }
        #expect(throws: ReplicationError.self) { try TableSelection().select(from: []) }
    }
}

@Suite("Sizes, times, suggestions")
struct UnitTests {
    @Test(
        "Sizes are powers of 1024",
        arguments: [
            ("256MB", 268_435_456), ("10GB", 10_737_418_240), ("4096", 4096), ("1 kB", 1024),
            ("2TiB", 2_199_023_255_552), ("0", 0),
        ] as [(String, Int64)])
    func sizes(text: String, bytes: Int64) throws {
        let size = try #require(ByteSize(parsing: text))
        #expect(size.bytes == bytes)
        #expect(ByteSize(parsing: size.description) == size)
    }

    @Test(
        "What is no size is refused", arguments: ["", "MB", "1.5MB", "-1", "9999999999TB", "1XB"])
    func noSize(text: String) { #expect(ByteSize(parsing: text) == nil) }

    @Test(
        "Times have a unit",
        arguments: [
            ("10s", 10), ("500ms", 0.5), ("2m", 120), ("1.5h", 5400), ("0", 0), ("1d", 86400),
        ] as [(String, Double)])
    func times(text: String, seconds: Double) throws {
        let span = try #require(TimeSpan(parsing: text))
        #expect(span.seconds == seconds)
        #expect(TimeSpan(parsing: span.description) == span)
    }

    @Test("What is no time is refused", arguments: ["", "10", "s", "-1s", "1y", "1.2.3s"])
    func noTime(text: String) { #expect(TimeSpan(parsing: text) == nil) }

    @Test("Edit distance counts insertions, deletions, substitutions and swaps")
    func distance() {
        #expect(Suggestion.distance("soruce", "source") == 1)
        #expect(Suggestion.distance("", "abc") == 3)
        #expect(Suggestion.distance("kitten", "sitting") == 3)
        #expect(Suggestion.nearest(to: "banana", among: ["name", "slot"]) == nil)
    }
}
