import PostgreSQLConnector
import ReplicationEngine
import ReplicationModel
import Testing

@Suite(.serialized) struct CensusTests {
    private static let years = ValueTrait.outside(from: "1000-01-01", before: "10000-01-01")
    /// Type, trait, texts that have it, texts that have not.
    private static let values: [(String, ValueTrait, [String], [String])] = [
        ("float8", .notFinite, ["NaN", "Infinity", "-Infinity"], ["0", "1.7976931348623157e308"]),
        ("float4", .notFinite, ["NaN", "-Infinity"], ["0", "3.4028235e38"]),
        ("numeric(5,2)", .notFinite, ["NaN"], ["1.5"]), ("numeric", .notFinite, ["NaN"], ["1e300"]),
        ("float8", .negativeZero, ["-0"], ["0", "-1"]), ("float4", .negativeZero, ["-0"], ["0"]),
        (
            "date", years, ["infinity", "-infinity", "0044-03-15 BC", "0999-12-31", "10000-01-01"],
            ["1000-01-01", "9999-12-31"]
        ),
        (
            "timestamp", years, ["infinity", "10000-01-01 00:00", "0999-12-31 23:59:59.999999"],
            ["9999-12-31 23:59:59.999999", "1000-01-01 00:00"]
        ),
        (
            "timestamptz", years, ["9999-12-31 23:00-02", "-infinity"],
            ["9999-12-31 23:59:59.999999+00", "10000-01-01 01:00+02"]
        ),
        ("text", .longer(3), ["\u{1F426}abc"], ["\u{1F426}ab", ""]),
        ("bytea", .longer(3), ["\\x00000000"], ["\\x000000"]),
        ("text", .larger(3), ["\u{1F426}", "abcd"], ["abc", ""]),
        ("bytea", .larger(3), ["\\x00000000"], ["\\x000000"]),
        ("int8", .above("9223372036854775806"), ["9223372036854775807"], ["0"]),
        ("double", .notFinite, ["NaN"], ["1"]), ("text", .nulByte, [], ["a"]),
    ]

    @Test("Counts exactly the rows that a target would refuse")
    func counts() throws {
        let fixture = try SourceFixture("CREATE DOMAIN double AS float8;")
        for (index, value) in Self.values.enumerated() {
            let (type, trait, having, others) = value
            let rows = (having + others).enumerated().map { "(\($0.offset), '\($0.element)')" }
            try fixture.admin.run(
                """
                CREATE TABLE t\(index) (id int PRIMARY KEY, v \(type));
                INSERT INTO t\(index) VALUES \(rows.joined(separator: ", ")), (100, NULL)
                """)
            let table = try fixture.describe("t\(index)")
            let question = ValueQuestion(trait, of: table.columns[1], in: table.name)
            let census = try fixture.source.census(table, [question], whole: false)
            #expect(census.rows == having.count + others.count + 1)
            #expect(census.answers[0].rows == having.count, "\(type) \(trait)")
            let keys = census.answers[0].keys.map { $0.joined() }.sorted()
            #expect(keys == having.indices.map(String.init), "\(type) \(trait)")
        }
    }
}
