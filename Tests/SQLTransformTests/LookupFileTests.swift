import Foundation
import ReplicationModel
import Testing

@testable import SQLTransform

@Suite("Files of lookups")
struct LookupFileTests {
    /// The rows of a file, NULL as `-`, by a join to each.
    private func rows(_ csv: String, types: [String: OutputType] = [:]) throws -> [[String]] {
        let all = try lookups(("k", ["a"], csv), types: types)
        let route = table("t", "id:text!", identity: .full)
        let transform = try compile(
            "SELECT id, (SELECT json_group_array(json_array(a, b)) FROM k) AS x FROM t", route,
            types: ["x": "json"], lookups: all)
        let text = try load(transform, ["1"]).first?.split(separator: "\t").last ?? ""
        let inner = text.dropFirst(2).dropLast(2).components(separatedBy: "],[")
        return inner.map { $0.components(separatedBy: ",") }
    }

    @Test(
        "Quotes, blanks, line breaks and NULL are what RFC 4180 and PostgreSQL say",
        arguments: [
            ("a,b\nx,y\n", [["\"x\"", "\"y\""]]),
            ("a,b\r\nx,y\r\nz,w", [["\"x\"", "\"y\""], ["\"z\"", "\"w\""]]),
            ("\u{FEFF}a,b\nx,\n", [["\"x\"", "null"]]),
            ("a,b\nx,\"\"\n", [["\"x\"", "\"\""]]),
            ("\"a\",\"b\"\n\" x\",\"y\"\"z\"\n", [["\" x\"", "\"y\\\\\"z\""]]),
            ("a,b\nx,\"y\nz\"\n", [["\"x\"", "\"y\\\\nz\""]]),
            ("a,b\nx, y \n", [["\"x\"", "\" y \""]]),
            ("a,b\n\"é\",ž", [["\"é\"", "\"ž\""]]),
        ])
    func values(_ csv: String, _ expected: [[String]]) throws {
        #expect(try rows(csv) == expected)
    }

    @Test("Types make values of SQLite's")
    func types() throws {
        #expect(
            try rows("a,b\n7,t\n8,f\n", types: ["a": .int64, "b": .boolean])
                == [["7", "1"], ["8", "0"]])
    }

    @Test(
        "A file that is no table with that key is refused with its line",
        arguments: [
            ("", "the file is empty", nil), ("a,b\nx,y\nx,z\n", "is there already", 3),
            ("a,b\n\"x\n1\",y\n\"x\n1\",z\n", "is there already", 4),
            ("a,b\n,y\n", "the key (a) is empty", 2), ("a,b\nx\n", "it has 1 values", 2),
            ("a,b\nx,y,z\n", "it has 3 values", 2), ("a,b\n\nx,y\n", "it has 1 values", 2),
            ("a,b\nx,\"y\n", "not closed", 2), ("a,b\nx,\"y\"z\n", "follows a closing quote", 2),
            ("a,b\nx,y\"z\n", "does not begin with one", 2), ("a,b\rx,y", "stands alone", 1),
            ("a,b\nx,y\r", "stands alone", 2), ("a,A\nx,y\n", "two columns have one name", 1),
            ("a,\nx,y\n", "a column has no name", 1), ("c,b\nx,y\n", "names the column 'a'", 1),
            ("a,b\nx,\u{0}\n", "NUL", 2),
        ] as [(String, String, Int?)])
    func faults(_ csv: String, _ why: String, _ line: Int?) throws {
        let error = #expect(throws: ReplicationError.self) { try lookups(("k", ["a"], csv)) }
        #expect(error?.why.contains(why) == true, "\(String(describing: error))")
        let place = "shop.yaml:4, k.csv" + (line.map { ", line \($0)" } ?? "")
        #expect(error?.place == place)
        #expect(error?.kind == .configuration)
    }

    @Test(
        "A value that is not of its type is refused, without the value",
        arguments: [
            ("7x", OutputType.int64), ("true", .boolean), ("1.2.3", .float64),
            ("0.12345678901234567", .numeric),
        ])
    func wrongValues(_ value: String, _ type: OutputType) throws {
        let error = #expect(throws: ReplicationError.self) {
            try lookups(("k", ["a"], "a,b\n1,\(value)\n"), types: ["b": type])
        }
        #expect(error?.why.contains("column b: ") == true)
        #expect(error.map { !"\($0)".contains(value) } == true)
    }

    @Test("Bytes that are no UTF-8 are refused")
    func noText() throws {
        let error = #expect(throws: ReplicationError.self) {
            try Lookups(
                .memory(1 << 20),
                [
                    (
                        LookupDefinition(name: "k", key: ["a"], file: "k.csv"),
                        { take in try ([0x61, 0x0A, 0xFF] as [UInt8]).withUnsafeBytes(take) }
                    )
                ])
        }
        #expect(error?.why == "it is not UTF-8")
    }
}
