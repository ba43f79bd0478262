import Foundation
import ReplicationModel
import Testing

@testable import PostgreSQLConnector

/// Writes messages as the documentation has them, for what no server sends on demand.
private struct Message {
    var bytes: [UInt8]

    init(_ type: Character) { bytes = [type.asciiValue ?? 0] }

    func u8(_ value: UInt8) -> Message { adding([value]) }
    func u16(_ value: UInt16) -> Message {
        adding(withUnsafeBytes(of: value.bigEndian, Array.init))
    }
    func u32(_ value: UInt32) -> Message {
        adding(withUnsafeBytes(of: value.bigEndian, Array.init))
    }
    func u64(_ value: UInt64) -> Message {
        adding(withUnsafeBytes(of: value.bigEndian, Array.init))
    }
    func text(_ value: String) -> Message { adding(Array(value.utf8) + [0]) }
    func adding(_ more: [UInt8]) -> Message {
        var copy = self
        copy.bytes += more
        return copy
    }

    static func begin(_ commit: UInt64, xid: UInt32 = 7) -> Message {
        Message("B").u64(commit).u64(0).u32(xid)
    }
    static func commit(_ commit: UInt64, end: UInt64) -> Message {
        Message("C").u8(0).u64(commit).u64(end).u64(0)
    }
    static func relation(_ columns: String..., xid: UInt32? = nil) -> Message {
        var message = xid.map { Message("R").u32($0) } ?? Message("R")
        message = message.u32(9).text("public").text("t").u8(UInt8(ascii: "d")).u16(
            UInt16(columns.count))
        for name in columns { message = message.u8(1).text(name).u32(23).u32(.max) }
        return message
    }
    static func insert(_ values: String..., xid: UInt32? = nil) -> Message {
        var message = xid.map { Message("I").u32($0) } ?? Message("I")
        message = message.u32(9).u8(UInt8(ascii: "N")).u16(UInt16(values.count))
        for value in values {
            message = message.u8(UInt8(ascii: "t")).u32(UInt32(value.utf8.count)).adding(
                Array(value.utf8))
        }
        return message
    }
}

extension LogDecoder {
    @discardableResult
    fileprivate mutating func take(_ message: Message) throws(MalformedMessage) -> Outcome {
        let bytes = UnsafeMutableRawBufferPointer.allocate(
            byteCount: message.bytes.count, alignment: 1)
        bytes.copyBytes(from: message.bytes)
        // Leaked: an outcome may point into it.
        return try decode(UnsafeRawBufferPointer(bytes))
    }

    fileprivate mutating func lines() throws -> [[String]] {
        var collector = Collector()
        try collector.add(builder.takeWhole())
        return collector.transactions.map(\.lines)
    }
}

@Suite("Rules of the decoder") struct DecodeRuleTests {
    private func decoder(from start: UInt64 = 0, streaming: StreamingMode = .on) -> LogDecoder {
        LogDecoder(
            start: LogPosition(rawValue: start), streaming: streaming,
            limits: BatchLimits(bytes: 1 << 20, changes: 1000))
    }

    private func error(_ messages: [Message], streaming: StreamingMode = .on) -> MalformedMessage? {
        var decoder = decoder(streaming: streaming)
        do throws(MalformedMessage) {
            for message in messages { try decoder.take(message) }
        } catch {
            return error
        }
        return nil
    }

    @Test(
        "P26: prepared transactions are refused by name",
        arguments: ["b", "P", "K", "r", "p"] as [Character])
    func twoPhase(letter: Character) throws {
        let found = try #require(error([Message(letter)]))
        #expect(found == .twoPhase(letter.asciiValue ?? 0))
        #expect(found.replicationError(at: .zero, type: letter.asciiValue).kind == .unsupported)
    }

    @Test("I5: an unknown message stops the reader")
    func unknownMessage() throws {
        let found = try #require(error([Message("Z")]))
        #expect(found == .unknownMessage(UInt8(ascii: "Z")))
        #expect(found.replicationError(at: .zero, type: nil).kind == .protocolViolation)
        #expect(error([.begin(10), Message("Z")]) == .unknownMessage(UInt8(ascii: "Z")))
        #expect(
            error([Message("S").u32(7).u8(1), Message("Z")]) == .unknownMessage(UInt8(ascii: "Z")))
    }

    @Test("I5: known messages in the wrong place stop it too")
    func outOfPlace() {
        #expect(error([.insert("1")]) == .outOfPlace(UInt8(ascii: "I")))
        #expect(error([.begin(10), .begin(20)]) == .outOfPlace(UInt8(ascii: "B")))
        #expect(error([.commit(10, end: 20)]) == .outOfPlace(UInt8(ascii: "C")))
        #expect(error([Message("S").u32(7).u8(1), .begin(10)]) == .outOfPlace(UInt8(ascii: "B")))
        #expect(error([Message("E")]) == .outOfPlace(UInt8(ascii: "E")))
    }

    @Test("I5: rows must fit what the table was described as")
    func rowsThatDoNotFit() {
        #expect(error([.begin(10), .insert("1")]) == .unknownRelation(9))
        let table = TableName(schema: "public", name: "t")
        #expect(
            error([.begin(10), .relation("a", "b"), .insert("1")])
                == .columnCount(table: table, described: 2, sent: 1))
        let binary = Message("I").u32(9).u8(UInt8(ascii: "N")).u16(1).u8(UInt8(ascii: "b")).u32(1)
            .u8(0)
        #expect(error([.begin(10), .relation("a"), binary]) == .binaryValue)
        let odd = Message("I").u32(9).u8(UInt8(ascii: "N")).u16(1).u8(UInt8(ascii: "x"))
        #expect(error([.begin(10), .relation("a"), odd]) == .unknownColumnKind(UInt8(ascii: "x")))
    }

    @Test("I4: transactions out of commit order stop the reader")
    func order() {
        let low = LogPosition(rawValue: 15)
        let high = LogPosition(rawValue: 20)
        #expect(
            error([.begin(10), .commit(10, end: 20), .begin(15)])
                == .notInCommitOrder(low, after: high))
        #expect(
            error([.begin(10), .commit(15, end: 20)])
                == .commitOfAnother(begin: LogPosition(rawValue: 10), commit: low))
    }

    @Test("P18: old transactions are passed over, their tables are not")
    func oldTransactions() throws {
        var decoder = decoder(from: 20)
        for message: Message in [
            .begin(10), .relation("a"), .insert("1"), .commit(10, end: 20),
            .begin(20), .insert("2"), .commit(20, end: 30),
        ] { try decoder.take(message) }
        #expect(try decoder.lines() == [["I t[2]"]])
    }

    @Test("P30: a Stream Abort is as long as the negotiated mode says")
    func streamAbort() throws {
        let short = Message("A").u32(7).u32(8)
        let long = short.u64(1).u64(2)
        #expect(error([short], streaming: .on) == nil)
        #expect(error([long], streaming: .on) == .trailing(bytes: 16))
        #expect(error([long], streaming: .parallel) == nil)
        #expect(error([short], streaming: .parallel) == .truncated(needs: 8, has: 0))
    }

    @Test("P28: an older description does not replace a younger one at the stream's commit")
    func youngerDescription() throws {
        var decoder = decoder()
        try decoder.take(Message("S").u32(7).u8(1))
        try decoder.take(.relation("old", xid: 7))
        let streamed = decoder.arrivals
        try decoder.take(Message("E"))
        for message: Message in [
            .begin(10), .relation("new", "more"), .insert("1", "2"), .commit(10, end: 20),
        ] { try decoder.take(message) }
        guard
            case .streamCommitted(let commit) = try decoder.take(
                Message("c").u32(7).u8(0).u64(30).u64(40).u64(0))
        else { return #expect(Bool(false)) }
        decoder.beginReplay(commit)
        for message: Message in [.relation("old"), .insert("x")] {
            try message.bytes.withUnsafeBytes { try decoder.replay($0, arrival: streamed) }
        }
        _ = decoder.endReplay()
        for message: Message in [.begin(50), .insert("3", "4"), .commit(50, end: 60)] {
            try decoder.take(message)
        }
        #expect(try decoder.lines() == [["I t[1,2]"], ["I t[x]"], ["I t[3,4]"]])
    }

    @Test("P25: of empty transactions only the last is delivered")
    func emptyTransactions() throws {
        var decoder = decoder()
        for start: UInt64 in stride(from: 10, to: 100, by: 20) {
            try decoder.take(.begin(start))
            try decoder.take(.commit(start, end: start + 5))
        }
        #expect(decoder.builder.holdsOnlyFiller)
        let batch = decoder.builder.takeWhole()
        #expect(batch.transactions.map(\.endPosition.rawValue) == [95])
        #expect(batch.transactions.map(\.changes) == [0..<0])
    }

    @Test("P14: an idle position sorts before a commit record that starts there")
    func fillerPosition() throws {
        var decoder = decoder()
        decoder.builder.filler(at: LogPosition(rawValue: 100))
        var batch = decoder.builder.takeWhole()
        #expect(batch.transactions[0].endPosition.rawValue == 100)
        let before = batch.transactions[0].commitPosition
        for message: Message in [.begin(100), .commit(100, end: 120)] { try decoder.take(message) }
        batch = decoder.builder.takeWhole()
        #expect(batch.transactions[0].commitPosition > before)
    }

    @Test("Taking whole transactions keeps the open one intact")
    func openTail() throws {
        var decoder = decoder()
        for message: Message in [
            .begin(10), .relation("a", "b"), .insert("1", "one"), .commit(10, end: 20),
            .begin(20), .insert("2", "two"),
        ] { try decoder.take(message) }
        #expect(try decoder.lines() == [["I t[1,one]"]])
        #expect(!decoder.builder.hasWholeTransactions && !decoder.builder.isEmpty)
        for message: Message in [.insert("3", "three"), .commit(20, end: 30)] {
            try decoder.take(message)
        }
        #expect(try decoder.lines() == [["I t[2,two]", "I t[3,three]"]])
        #expect(decoder.builder.isEmpty)
    }
}
