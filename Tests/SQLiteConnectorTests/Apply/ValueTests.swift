import Foundation
import ReplicationModel
import Testing

@testable import SQLiteConnector

@Suite("I8: values are exact")
struct ValueTests {
    struct Sample: Sendable {
        var kind: ValueKind
        var text: String
        /// As SQLite's `quote()` writes the stored value.
        var stored: String
        var type: String
    }

    static let integers: [Sample] = [
        ("-32768", ValueKind.int16), ("2147483647", .int32), ("0", .int64), ("4294967295", .oid),
        ("-9223372036854775808", .int64), ("9223372036854775807", .int64),
        ("-9223372036854775807", .int64),
    ].map { Sample(kind: $0.1, text: $0.0, stored: $0.0, type: "integer") }

    static let texts: [Sample] = ValueKind.allCases.filter { Storage($0) == .text }.flatMap {
        kind in
        ["1.10", "007", "", "NaN", "  a  ", "é'ß\u{1F426}", "1e1000", "infinity"].map { text in
            Sample(
                kind: kind, text: text, stored: "'" + text.replacing("'", with: "''") + "'",
                type: "text")
        }
    }

    static let others: [Sample] = [
        Sample(kind: .boolean, text: "t", stored: "1", type: "integer"),
        Sample(kind: .boolean, text: "f", stored: "0", type: "integer"),
        Sample(kind: .bytes, text: "\\x", stored: "X''", type: "blob"),
        Sample(kind: .bytes, text: "\\x00ff0A", stored: "X'00FF0A'", type: "blob"),
        Sample(kind: .geometry, text: "\\x00000000", stored: "X'00000000'", type: "blob"),
        Sample(kind: .vector, text: "\\x0000803f", stored: "X'0000803F'", type: "blob"),
        Sample(
            kind: .unsigned64, text: "9223372036854775807", stored: "9223372036854775807",
            type: "integer"),
        Sample(kind: .year, text: "2024", stored: "2024", type: "integer"),
        Sample(kind: .year, text: "0000", stored: "0", type: "integer"),
        Sample(kind: .float64, text: "2", stored: "2.0", type: "real"),
        Sample(kind: .float64, text: "NaN", stored: "'NaN'", type: "text"),
        Sample(kind: .float32, text: "NaN", stored: "'NaN'", type: "text"),
    ]

    static let samples = integers + texts + others

    @Test(
        "Every kind is stored as documented, by the stream and by the load",
        arguments: ValueKind.allCases)
    func stored(_ kind: ValueKind) throws {
        let samples = Self.samples.filter { $0.kind == kind }
        #expect(!samples.isEmpty)
        let route = route("t", [Column("id", .int32), Column("v", kind)])
        let file = try TargetFile([route])
        var expected: [String] = []
        for (number, sample) in samples.enumerated() {
            let change = batch {
                $0.transaction { $0.insert([.text("\(number * 2)"), .text(sample.text)]) }
            }
            try file.apply(change, [route])
            let escaped = sample.text.replacing("\\", with: "\\\\")
            try file.load("\(number * 2 + 1)\t\(escaped)\n", route)
            expected += Array(repeating: "\(sample.stored) \(sample.type)", count: 2)
        }
        try file.load("1000\t\\N\n", route)
        #expect(
            try file.rows("SELECT quote(v) || ' ' || typeof(v) FROM t ORDER BY id")
                == expected + ["NULL null"])
    }

    static let doubles = [
        "0", "-0", "0.1", "1", "-2.5", "1e-320", "5e-324", "1.7976931348623157e+308",
        "2.2250738585072014e-308", "Infinity", "-Infinity", "9007199254740993", "1e15", "1e+16",
    ]

    @Test("Every double comes back with the same bits", arguments: doubles)
    func double(_ text: String) throws {
        let wanted = try #require(Double(text))
        #expect(try Self.stored(text, .float64).bitPattern == wanted.bitPattern)
    }

    @Test(
        "Every 32-bit float narrows to the same bits",
        arguments: ["0.1", "-0", "3.4028235e+38", "1e-45", "16777216", "Infinity", "1.1754944e-38"])
    func single(_ text: String) throws {
        let wanted = try #require(Float(text))
        #expect(Float(try Self.stored(text, .float32)).bitPattern == wanted.bitPattern)
    }

    @Test("Random doubles and floats come back with the same bits")
    func randomFloats() throws {
        var generator = SystemRandomNumberGenerator()
        for _ in 0..<20_000 {
            let double = Double(bitPattern: generator.next())
            let single = Float(bitPattern: generator.next())
            if double.isFinite {
                #expect(Self.parse("\(double)", isSingle: false)?.bitPattern == double.bitPattern)
            }
            if single.isFinite {
                let parsed = Self.parse("\(single)", isSingle: true)
                #expect(parsed.map { Float($0).bitPattern } == single.bitPattern)
            }
        }
    }

    static func parse(_ text: String, isSingle: Bool) -> Double? {
        Array(text.utf8).withUnsafeBytes { CanonicalText.float($0, isSingle: isSingle) }
    }

    static func stored(_ text: String, _ kind: ValueKind) throws -> Double {
        let route = route("t", [Column("id", .int32), Column("v", kind)])
        let file = try TargetFile([route])
        try file.load("1\t\(text)\n", route)
        let session = try SQLiteSession(path: file.path, access: .readOnly, busySeconds: 1)
        let found = try session.rows("SELECT v, typeof(v) FROM t") { ($0.real(0), $0.text(1)) }
        #expect(found.first?.1 == "real")
        return try #require(found.first?.0)
    }

    static let wrong: [(ValueKind, String)] = [
        (.int64, "9223372036854775808"), (.int64, "-9223372036854775809"), (.int64, ""),
        (.int64, "-"), (.int64, "1.5"), (.int64, " 1"), (.int64, "99999999999999999999999"),
        (.unsigned64, "9223372036854775808"),
        (.boolean, "true"), (.boolean, ""), (.float64, "x"), (.float64, ""), (.float64, "1 "),
        (.bytes, "abc"), (.bytes, "\\xabc"), (.bytes, "\\xgg"), (.bytes, ""), (.bytes, "\\"),
    ]

    @Test("I5: A value that is not of its kind is refused by column, not shown", arguments: wrong)
    func refused(_ kind: ValueKind, _ text: String) throws {
        let route = route("t", [Column("id", .int32), Column("v", kind)])
        let file = try TargetFile([route])
        let change = batch { $0.transaction { $0.insert(["1", .text(text)]) } }
        let error = failure { try file.apply(change, [route]) }
        #expect(error?.kind == .invalidValue)
        #expect(error?.column == "v")
        #expect(error?.position == LogPosition(rawValue: 0x100))
        #expect(text.count < 3 || error?.description.contains(text) == false)
        let escaped = text.replacing("\\", with: "\\\\")
        let loadError = failure { try file.load("1\t\(escaped)\n", route) }
        #expect(loadError?.kind == .invalidValue)
        #expect(loadError?.column == "v")
        #expect(try file.rows("SELECT id FROM t") == [])
    }

    @Test("A REAL column that was there takes what it can hold and refuses NaN and -0")
    func plainReal() throws {
        let route = route("t", [Column("id", .int32), Column("v", .float64)])
        let file = try TargetFile()
        try file.elsewhere("CREATE TABLE t (id INTEGER PRIMARY KEY, v REAL)")
        try file.load("1\t1.5\n2\t-Infinity\n3\t0\n", route)
        #expect(try file.rows("SELECT quote(v) FROM t ORDER BY id") == ["1.5", "-Inf", "0.0"])
        for text in ["NaN", "-0"] {
            let error = failure { try file.load("4\t\(text)\n", route) }
            #expect(error?.kind == .invalidValue)
            #expect(error?.column == "v")
        }
    }
}
