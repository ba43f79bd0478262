import Foundation
import ReplicationModel
import Testing

@testable import PostgreSQLConnector

@Suite("The spool of open transactions") struct LogSpoolTests {
    private let directory = NSTemporaryDirectory() + "martlet-spool-" + UUID().uuidString

    private func spool(limit: Int64 = 1 << 30) throws -> StreamSpool {
        try StreamSpool(directory: directory, slot: "s", limit: limit)
    }

    private func add(_ spool: StreamSpool, _ text: String, subxid: UInt32 = 7) throws {
        try Array(text.utf8).withUnsafeBytes {
            try spool.append(subxid: subxid, arrival: 3, type: UInt8(ascii: "I"), body: $0)
        }
    }

    private func texts(_ spool: StreamSpool, _ xid: UInt32 = 7) throws -> [String] {
        var all: [String] = []
        try spool.replay(xid) { message, arrival in
            #expect(arrival == 3)
            all.append(String(decoding: message, as: UTF8.self))
        }
        return all
    }

    private func kind(_ body: () throws -> Void) -> ReplicationError.Kind? {
        do { try body() } catch { return (error as? ReplicationError)?.kind }
        return nil
    }

    private var file: String { directory + "/log-s-7.spool" }

    @Test("Messages come back in order, without those rolled back, whatever their size")
    func replay() throws {
        let spool = try spool()
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let large = String(repeating: "ä", count: 400_000)
        spool.begin(7)
        try add(spool, "one")
        try add(spool, "gone", subxid: 8)
        try add(spool, large)
        try spool.end()
        spool.begin(9)
        try add(spool, "other")
        try spool.end()
        spool.begin(7)
        try add(spool, "gone too", subxid: 10)
        try add(spool, "")
        try spool.end()
        spool.abort(7, subxid: 8)
        spool.abort(7, subxid: 10)
        #expect(try texts(spool) == ["Ione", "I" + large, "I"])
        #expect(try texts(spool, 9) == ["Iother"])
        spool.abort(9, subxid: 9)
        #expect(!spool.isEmpty)
        spool.discard(7)
        #expect(spool.isEmpty)
        #expect(try FileManager.default.contentsOfDirectory(atPath: directory) == [])
    }

    @Test("P29: an empty block leaves nothing")
    func emptyBlock() throws {
        let spool = try spool()
        defer { try? FileManager.default.removeItem(atPath: directory) }
        spool.begin(7)
        try spool.end()
        #expect(spool.isEmpty)
        #expect(try FileManager.default.contentsOfDirectory(atPath: directory) == [])
    }

    @Test("A changed or shortened file is an error, never other rows", arguments: [0, 20, 40, 41])
    func damage(at index: Int) throws {
        let spool = try spool()
        defer { try? FileManager.default.removeItem(atPath: directory) }
        spool.begin(7)
        for number in 0..<10 { try add(spool, "row \(number)") }
        try spool.end()
        var bytes = try Data(contentsOf: URL(filePath: file))
        let intact = bytes
        bytes[index] ^= 1
        try bytes.write(to: URL(filePath: file))
        #expect(kind { _ = try texts(spool) } == .internalFault)
        try intact.dropLast(index + 1).write(to: URL(filePath: file))
        #expect(kind { _ = try texts(spool) } == .internalFault)
        try intact.write(to: URL(filePath: file))
        #expect(try texts(spool).count == 10)
    }

    @Test("The limit counts all open transactions, and what has ended no more")
    func limit() throws {
        let spool = try spool(limit: 100)
        defer { try? FileManager.default.removeItem(atPath: directory) }
        for xid: UInt32 in [7, 9] {
            spool.begin(xid)
            try add(spool, "0123456789")
            try spool.end()
        }
        spool.discard(9)
        spool.begin(7)
        try add(spool, "0123456789")
        try add(spool, "0123456789")
        #expect(throws: StreamSpool.Overflow.self) { try add(spool, "0123456789") }
    }

    @Test("A disk that does not take it is .spoolFull")
    func noDisk() throws {
        let spool = try spool()
        try FileManager.default.removeItem(atPath: directory)
        spool.begin(7)
        try add(spool, "one")
        #expect(kind { try spool.end() } == .spoolFull)
    }
}
