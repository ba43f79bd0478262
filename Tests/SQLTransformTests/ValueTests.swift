import ReplicationModel
import Testing

@testable import SQLTransform

@Suite("I8: values go through SQLite exactly, or not at all")
struct ValueTests {
    static let samples: [(column: String, type: String, text: String)] = [
        ("big", "bigint", "9223372036854775807"), ("big", "bigint", "-9223372036854775808"),
        ("active", "boolean", "t"), ("active", "boolean", "f"),
        ("price", "numeric", "100"), ("price", "numeric", "0.1"), ("price", "numeric", "-99.95"),
        ("price", "numeric", "123456789012345678"), ("price", "numeric", "0.00000012345"),
        ("price", "numeric", "99999999999999.9"), ("name", "text", ""), ("name", "text", "ä\tb\n"),
        ("photo", "bytea", "\\x"), ("photo", "bytea", "\\x00ff10"),
        ("made", "timestamptz", "2024-02-29 12:00:00.123456+00"),
        ("tags", "json", "{\"a\": [1, 2]}"),
    ]

    @Test("A value comes back as it went in", arguments: samples)
    func roundTrip(_ sample: (column: String, type: String, text: String)) throws {
        let result = try evaluate(
            "+\(sample.column)", [sample.column: sample.text], type: sample.type)
        #expect(result == sample.text)
        #expect(try evaluate("+\(sample.column)", [:], type: sample.type) == nil)
    }

    @Test(
        "What would lose something is refused",
        arguments: [
            ("price", "1234567890.1234567"), ("price", "NaN"), ("price", "0.1000000000000001"),
        ])
    func refusedInputs(_ column: String, _ text: String) {
        #expect(throws: ValueRefusal.self) { try evaluate("+\(column)", [column: text]) }
    }

    @Test(
        "A result that is no value of its type is refused",
        arguments: [
            ("0.1 * 3", "numeric"), ("2", "boolean"), ("'x'", "bigint"), ("70000", "smallint"),
            ("'2024-13'", "date"), ("x'00'", "text"), ("1.5", "text"), ("1.5", "bigint"),
            ("'2024-01-01 00:00:00'", "timestamptz"), ("9007199254740993", "double"),
            ("'no'", "uuid"), ("'1e5'", "numeric"),
        ])
    func refusedOutputs(_ expression: String, _ type: String) {
        #expect(throws: ValueRefusal.self) { try evaluate(expression, type: type) }
    }

    @Test("Comparisons are those of numbers, and dates are read by SQLite")
    func comparisons() throws {
        #expect(try evaluate("price > 9", ["price": "10.5"], type: "boolean") == "t")
        #expect(try evaluate("coalesce(price, 0) > 9", ["price": "8"], type: "boolean") == "f")
        #expect(
            try evaluate("date(made)", ["made": "2024-02-29 12:00:00+00"], type: "date")
                == "2024-02-29")
        #expect(try evaluate("round(price * 1.19, 2)", ["price": "10"], type: "numeric") == "11.9")
    }

    @Test("Decimal functions read numeric columns exactly, whatever their length")
    func longDecimals() throws {
        let row = ["price": "123456789012345678901234567890.12345678901234567890"]
        #expect(
            try evaluate("decimal_mul(price, 2)", row, type: "numeric")
                == "246913578024691357802469135780.24691357802469135780")
        #expect(
            try evaluate("decimal_cmp(customers.\"price\", 1) > 0 AND 1", row, type: "boolean")
                == "t")
        #expect(throws: ValueRefusal.self) {
            try evaluate("decimal_add(price, price + 1)", row, type: "numeric")
        }
        let star = try compile("SELECT *, decimal_add(price, 1) AS more FROM customers")
        #expect(star.outputs.count == 11)
        #expect(star.outputs[10].dependsOn == [4])
    }

    @Test("The time is not asked for, however it is written")
    func hiddenNow() {
        #expect(throws: ValueRefusal.self) { try evaluate("datetime('n' || 'ow')") }
        #expect(throws: ValueRefusal.self) { try evaluate("datetime()") }
    }

    @Test("Messages of SQLite's lose what they quote")
    func errors() {
        #expect(throws: ValueRefusal("malformed JSON")) {
            try evaluate("json_extract(name, '$.a')", ["name": "{"])
        }
    }

    @Test(
        "What would take for ever is ended",
        arguments: [
            "(WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) "
                + "SELECT max(i) FROM n)",
            "(WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) "
                + "SELECT sum(length(hex(zeroblob(400000)))) FROM n)",
            "regexp_like('xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx', '(x+x+)+y')",
        ])
    func endless(_ expression: String) {
        #expect(throws: ValueRefusal("it takes longer than 1 s")) {
            try evaluate(expression, type: "bigint", seconds: 1)
        }
    }

    @Test("I6: what is made of a row has a length")
    func long() throws {
        #expect(throws: ValueRefusal.self) { try evaluate("printf('%.*c', 3000000, 'x')") }
        #expect(throws: ValueRefusal.self) {
            try evaluate("regexp_replace(hex(zeroblob(400000)), '0', 'yyy', 'g')")
        }
        let long = String(repeating: "x", count: 2_000_000)
        #expect(try evaluate("name || name", ["name": long])?.count == 4_000_000)
        let digits = "'" + String(repeating: "9", count: 20_000) + "'"
        #expect(throws: ValueRefusal("decimal_mul(): the numbers are too long")) {
            try evaluate("decimal_mul(\(digits), \(digits))", type: "numeric")
        }
        #expect(throws: ValueRefusal("decimal_div(): the numbers are too long")) {
            try evaluate("decimal_div(\(digits), \(digits), 9)", type: "numeric")
        }
    }

    @Test("A pattern that runs out of memory has not looked everywhere")
    func patternMemory() {
        #expect(throws: ValueRefusal.self) {
            try evaluate(
                "regexp_like(name, '^(a|b)*c')",
                ["name": String(repeating: "ab", count: 2_000_000)])
        }
    }

    @Test(
        "What a server would round or cut without a word is refused",
        arguments: [
            ("decimal_mul(price, '1.005')", "numeric(12,2)"), ("1.005", "numeric(12,2)"),
            ("12345", "numeric(4,0)"), ("12345", "numeric(6,2)"), ("'ab '", "varchar(2)"),
            ("'äöü'", "varchar(2)"), ("'2023-02-29'", "date"), ("'0000-00-00'", "date"),
            ("'2024-01-01 24:00:00'", "timestamp"), ("'12:60:00'", "time"), ("'noon'", "time"),
        ])
    func beyond(_ expression: String, _ type: String) throws {
        #expect(throws: ValueRefusal.self) {
            try evaluate(expression, ["price": "1.50"], type: type)
        }
    }

    @Test(
        "What fits is not",
        arguments: [
            ("'0012345.670'", "numeric(7,2)", "0012345.670"), ("'äö'", "varchar(2)", "äö"),
            ("'-0.5'", "numeric(1,1)", "-0.5"), ("'2024-02-29'", "date", "2024-02-29"),
            ("'23:59:59.123456'", "time", "23:59:59.123456"),
        ])
    func fits(_ expression: String, _ type: String, _ result: String) throws {
        #expect(try evaluate(expression, type: type) == result)
    }
}
