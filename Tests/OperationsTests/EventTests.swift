import Configuration
import Foundation
@testable import Operations
import ReplicationEngine
import ReplicationModel
import Testing

/// Builds batches of one table from texts; nil is NULL, `absent` an unchanged value.
private struct BatchBuilder {
    var batch = ChangeBatch()
    static let absent = "\u{0}absent"

    init(_ columns: [(String, UInt32)], isFull: Bool = false) {
        batch.tables = [
            LoggedTable(
                id: 1, name: TableName(schema: "public", name: "a"),
                columns: columns.enumerated().map { index, column in
                    .init(
                        name: column.0, typeID: column.1, modifier: -1,
                        isIdentity: isFull || index == 0)
                }, isFull: isFull)
        ]
    }

    mutating func row(_ texts: [String?]?) -> Int32 {
        guard let texts else { return -1 }
        let start = Int32(batch.values.count)
        for text in texts {
            guard let text else {
                batch.values.append(.null)
                continue
            }
            let bytes = Array(text.utf8)
            let value: Value =
                text == Self.absent ? .unchanged : bytes.withUnsafeBytes { batch.append($0) }
            batch.values.append(value)
        }
        return start
    }

    mutating func add(
        _ operation: Change.Operation, old: [String?]? = nil, new: [String?]? = nil,
        whole: Bool = false
    ) {
        var change = Change(operation: operation, table: 0)
        change.oldRow = row(old)
        change.newRow = row(new)
        change.oldIsWhole = whole
        batch.changes.append(change)
    }

    mutating func end(
        _ commit: UInt64 = 0x5E9, isFirst: Bool = true, isLast: Bool = true
    ) {
        let start = batch.transactions.last?.changes.upperBound ?? 0
        var mark = TransactionMark(
            xid: 771, commitPosition: LogPosition(rawValue: commit),
            endPosition: LogPosition(rawValue: commit + 8), commitTime: 1_000_000_000_123_456,
            changes: start..<batch.changes.count)
        mark.isFirstPart = isFirst
        mark.isLastPart = isLast
        batch.transactions.append(mark)
    }
}

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
                {"op":"update","table":"public.a","key":{"id":1},"after":{"id":2},"unchanged":["doc"]},\
                {"op":"update","table":"public.a","key":{"id":2},"after":{"id":2,"doc":null},"unchanged":[]},\
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

@Suite("events, the tap")
struct EventTapTests {
    private func tap(_ source: FakeSource, edit: (inout EventTap.Options) -> Void = { _ in })
        -> EventTap
    {
        var options = EventTap.Options()
        options.limit = 1
        edit(&options)
        return EventTap(source, options: options, logger: silent)
    }

    private func source(transactions: Int = 1) -> FakeSource {
        let source = FakeSource([table("public", "a"), table("public", "b", id: 2)])
        var builder = BatchBuilder([("id", 20)])
        for number in 1...transactions {
            builder.add(.insert, new: ["\(number)"])
            builder.end(UInt64(number) * 16)
        }
        source.set(\.batches, [builder.batch])
        return source
    }

    @Test("Slot and publication of its own are made and dropped")
    func temporary() throws {
        let source = source()
        var lines: [String] = []
        try tap(source).run {
            lines.append($0)
            return true
        }
        #expect(lines.count == 1)
        let calls = source.calls
        #expect(calls.count == 5)
        #expect(calls[0].hasPrefix("create martlet_events_"))
        #expect(calls[0].hasSuffix("for public.a,public.b"))
        #expect(calls[2] == "close")
        #expect(calls[3].hasPrefix("drop slot martlet_events_"))
        #expect(calls[4].hasPrefix("drop publication martlet_events_"))
        #expect(source.confirmed == [LogPosition(rawValue: 24)])
    }

    @Test("A slot that was given goes on behind what was written, and is kept")
    func keptSlot() throws {
        let source = source()
        source.set(
            \.slot,
            SlotState(
                confirmed: LogPosition(rawValue: 0x99), isActive: false, activePID: nil,
                walStatus: "reserved", plugin: "pgoutput", database: "shop", isTwoPhase: false,
                invalidationReason: nil))
        try tap(source) { $0.slot = "kept" }.run { _ in true }
        #expect(source.calls == ["open kept from 0/99", "close"])
    }

    @Test("The limit counts transactions, and only they are confirmed")
    func limit() throws {
        let source = source(transactions: 5)
        var count = 0
        try tap(source) { $0.limit = 2 }.run { _ in
            count += 1
            return true
        }
        #expect(count == 2)
        #expect(source.confirmed == [LogPosition(rawValue: 40)])
    }

    @Test("When the reader goes away, nothing is confirmed and the slot is dropped")
    func readerGone() throws {
        let source = source()
        try tap(source) { $0.limit = nil }.run { _ in false }
        #expect(source.confirmed.isEmpty)
        #expect(source.calls.contains { $0.hasPrefix("drop slot") })
    }

    @Test("When writing fails, the slot is dropped all the same")
    func writeFails() {
        let source = source()
        #expect(throws: ReplicationError.self) {
            try tap(source).run { _ in
                throw ReplicationError(.targetUnavailable, "write", why: "disk full")
            }
        }
        #expect(source.calls.contains { $0.hasPrefix("drop slot") })
    }

    @Test("A pattern that matches nothing makes no slot")
    func noTable() throws {
        let source = source()
        let pattern = try TablePattern(parsing: "public.x")
        #expect(throws: ReplicationError.self) {
            try tap(source) { $0.tables.include = [pattern] }.run { _ in true }
        }
        #expect(source.calls.isEmpty)
    }
}
