import Configuration
import Foundation
@testable import Operations
import ReplicationEngine
import ReplicationModel
import Testing

private func lines(
    _ batches: [ChangeBatch], _ schemas: [TableSchema] = [], lineBytes: Int = 1 << 20
) throws -> [String] {
    var encoder = EventEncoder(
        source: "shop", directory: EventDirectory(schemas) { _ in nil }, lineBytes: lineBytes)
    var lines: [String] = []
    var limit = Int.max
    for batch in batches { _ = try encoder.encode(batch, limit: &limit) { lines.append($0) } }
    return lines
}

@Suite("events")
struct EventTests {
    @Test("A transaction is one line with the fields of the contract")
    func oneLine() throws {
        var builder = BatchBuilder([("id", 20), ("doc", 25)])
        builder.add(.insert, new: ["1", "x\"\n"])
        builder.add(.update, old: ["1", nil], new: ["2", BatchBuilder.absent])
        builder.add(.update, new: ["2", nil])
        builder.add(.delete, old: ["2", nil])
        builder.end()
        #expect(
            try lines([builder.batch]) == [
                """
                {"commit":"0/5E9","xid":"771","committed_at":"2001-09-09T01:46:40.123456Z",\
                "source":"shop","changes":[\
                {"op":"insert","table":"public.a","key":{"id":1},"after":{"id":1,"doc":"x\\"\\n"}},\
                {"op":"update","table":"public.a","key":{"id":1},"after":{"id":2},\
                "unchanged":["doc"]},\
                {"op":"update","table":"public.a","key":{"id":2},"after":{"id":2,"doc":null},\
                "unchanged":[]},\
                {"op":"delete","table":"public.a","key":{"id":2}}]}

                """
            ])
    }

    @Test("Under FULL the key is the catalogue's and the old row is shown whole")
    func full() throws {
        var builder = BatchBuilder([("id", 20), ("doc", 25)], isFull: true)
        builder.add(.update, old: ["1", "w"], new: ["1", "x"], whole: true)
        builder.add(.delete, old: ["1", "x"], whole: true)
        builder.end()
        let line = try #require(try lines([builder.batch], [table("public", "a")]).first)
        #expect(line.contains(#""key":{"id":1},"before":{"id":1,"doc":"w"},"after""#), "\(line)")
        #expect(line.contains(#""key":{"id":1},"before":{"id":1,"doc":"x"}"#), "\(line)")
    }

    @Test("A truncate names its statement")
    func truncate() throws {
        var builder = BatchBuilder([("id", 20)])
        builder.add(.truncate)
        builder.batch.changes[0].statement = 4
        builder.batch.changes[0].cascades = true
        builder.end()
        let line = try #require(try lines([builder.batch]).first)
        #expect(line.contains(#""statement":4,"cascade":true,"restart_identity":false"#))
    }

    @Test("A transaction in several batches has parts, the last one marked")
    func parts() throws {
        var batches: [ChangeBatch] = []
        for part in 0..<3 {
            var builder = BatchBuilder([("id", 20)])
            builder.add(.insert, new: ["\(part)"])
            builder.end(isFirst: part == 0, isLast: part == 2)
            batches.append(builder.batch)
        }
        var whole = BatchBuilder([("id", 20)])
        whole.add(.insert, new: ["9"])
        whole.end()
        let result = try lines(batches + [whole.batch])
        #expect(result.count == 4)
        #expect(result[0].contains(#""part":1,"last":false"#))
        #expect(result[1].contains(#""part":2,"last":false"#))
        #expect(result[2].contains(#""part":3,"last":true"#))
        #expect(!result[3].contains("part"))
    }

    @Test("A long transaction is cut into lines; no change is lost or doubled")
    func cut() throws {
        var builder = BatchBuilder([("id", 20)])
        for id in 0..<100 { builder.add(.insert, new: ["\(id)"]) }
        builder.end()
        let result = try lines([builder.batch], lineBytes: 1000)
        #expect(result.count > 3)
        var ids: [Int] = []
        for (index, line) in result.enumerated() {
            let json = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
            #expect(json?["part"] as? Int == index + 1)
            #expect(json?["last"] as? Bool == (index == result.count - 1))
            for change in json?["changes"] as? [[String: Any]] ?? [] {
                ids += [(change["key"] as? [String: Int])?["id"] ?? -1]
            }
        }
        #expect(ids == Array(0..<100))
    }

    @Test("Transactions without changes have no line")
    func empty() throws {
        var builder = BatchBuilder([("id", 20)])
        builder.end()
        #expect(try lines([builder.batch]).isEmpty)
    }

    @Test("An unknown type id makes the catalogue be asked again")
    func unknownType() throws {
        var builder = BatchBuilder([("id", 20), ("b", 90001)])
        builder.add(.insert, new: ["1", "\\x00ff"])
        builder.end()
        let described = table(
            "public", "a",
            [
                Column(name: "id", type: type(.int64, 20)),
                Column(name: "b", type: type(.bytes, 90001)),
            ])
        var asked = 0
        var encoder = EventEncoder(
            source: "shop",
            directory: EventDirectory([table("public", "a")]) { _ in
                asked += 1
                return described
            })
        var text = ""
        var limit = Int.max
        for _ in 0..<2 { _ = try encoder.encode(builder.batch, limit: &limit) { text += $0 } }
        #expect(text.contains(#""b":{"$bytes":"AP8="}"#), "\(text)")
        #expect(asked == 1)
    }

    @Test(
        "Values are exact numbers or the source's text",
        arguments: [
            (.int64, "9007199254740992", "9007199254740992"),
            (.int64, "9007199254740993", "\"9007199254740993\""),
            (.int64, "-9223372036854775808", "\"-9223372036854775808\""),
            (.int16, "-5", "-5"), (.oid, "4294967295", "4294967295"),
            (.numeric, "1.50", "1.50"), (.numeric, "123456789012345", "123456789012345"),
            (.numeric, "1234567890123456", "\"1234567890123456\""),
            (.numeric, "NaN", "\"NaN\""), (.float64, "1e+300", "1e+300"),
            (.float64, "-Infinity", "\"-Infinity\""), (.float64, "0.1", "0.1"),
            (.float32, "NaN", "\"NaN\""), (.boolean, "t", "\"t\""),
            (.bytes, "\\x", "{\"$bytes\":\"\"}"), (.bytes, "\\xDEad", "{\"$bytes\":\"3q0=\"}"),
            (.bytes, "\\xabc", "\"\\\\xabc\""), (.text, "\u{1}é", "\"\\u0001é\""),
            (.jsonBinary, "{\"a\": 1}", "\"{\\\"a\\\": 1}\""), (.array, "{1,2}", "\"{1,2}\""),
            (.money, "$1.00", "\"$1.00\""), (.date, "2026-01-31", "\"2026-01-31\""),
        ] as [(ValueKind, String, String)])
    func values(kind: ValueKind, text: String, expected: String) {
        var batch = ChangeBatch()
        let value = Array(text.utf8).withUnsafeBytes { batch.append($0) }
        #expect(EventValue.json(value, kind, batch).compact == expected)
    }

    @Test("What is a JSON number and what is not", arguments: ["0", "-0", "1.5", "1e5", "1.0E-7"])
    func numbers(text: String) { #expect(EventValue.isNumber(text)) }

    @Test(
        "What is no JSON number", arguments: ["", "-", "01", "1.", ".5", "1e", "+1", "1 ", "0x1"])
    func notNumbers(text: String) { #expect(!EventValue.isNumber(text)) }
}
