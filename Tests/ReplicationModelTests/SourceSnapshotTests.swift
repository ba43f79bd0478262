import ReplicationModel
import Testing

@Suite("Transaction ids and snapshots")
struct SourceSnapshotTests {
    private static let epoch: UInt64 = 1 << 32

    @Test("A 32-bit id is widened to the nearest 64-bit one")
    func widening() {
        let near = TransactionID(rawValue: 7 * Self.epoch + 5)
        #expect(TransactionID(widening: 5, near: near).rawValue == 7 * Self.epoch + 5)
        #expect(TransactionID(widening: 9, near: near).rawValue == 7 * Self.epoch + 9)
        #expect(TransactionID(widening: 3, near: near).rawValue == 7 * Self.epoch + 3)
        // Before the wrap, while the snapshot is after it.
        #expect(TransactionID(widening: .max, near: near).rawValue == 7 * Self.epoch - 1)
    }

    @Test("An id after the wrap is above a snapshot from before it")
    func wideningForward() {
        let near = TransactionID(rawValue: 2 * Self.epoch - 2)
        #expect(TransactionID(widening: 3, near: near).rawValue == 2 * Self.epoch + 3)
        #expect(TransactionID(widening: .max - 5, near: near).rawValue == 2 * Self.epoch - 6)
    }

    @Test("Half the circle is as far as it goes")
    func wideningLimit() {
        let near = TransactionID(rawValue: 3 * Self.epoch)
        #expect(
            TransactionID(widening: 0x7FFF_FFFF, near: near).rawValue == 3 * Self.epoch
                + 0x7FFF_FFFF)
        #expect(
            TransactionID(widening: 0x8000_0000, near: near).rawValue == 3 * Self.epoch
                - 0x8000_0000)
    }

    @Test(
        "Text and value round-trip",
        arguments: [
            "10:20:10,14,15", "10:10:", "1:4294967300:2", "0/10 16/B374D848", "000042:4 000042:900",
        ])
    func roundTrip(_ text: String) throws {
        let snapshot = try #require(SourceSnapshot(parsing: text))
        #expect(snapshot.description == text)
    }

    @Test(
        "Everything else is refused",
        arguments: [
            "", "1", "1:2", "1:2:3:4", "a:2:", "1:b:", "1:2:c", "-1:2:", "1:2:3,x", " ", "0/1 ",
            "0/1 0/2 0/3", "0/1 x", "1:2: 0/2",
        ])
    func refused(_ text: String) {
        #expect(SourceSnapshot(parsing: text) == nil)
    }

    @Test("Seen is what ended before: below xmax and not running")
    func sees() throws {
        let snapshot = try #require(Visibility(parsing: "10:20:10,14"))
        for id in UInt64(0)..<30 {
            let expected = id < 20 && id != 10 && id != 14
            #expect(snapshot.sees(TransactionID(rawValue: id)) == expected, "\(id)")
            #expect(snapshot.sees(UInt32(id)) == expected, "\(id)")
        }
    }

    @Test("A window sees up to low, and nothing after high")
    func window() {
        func position(_ value: UInt64) -> LogPosition { LogPosition(rawValue: value) }
        let window = SourceSnapshot.window(low: position(10), high: position(20))
        let found = [9, 10, 11, 20, 21].map { window.judge(7, at: position($0)) }
        #expect(found == [.seen, .seen, .between, .between, .after])
        let exact = SourceSnapshot.window(low: position(10), high: position(10))
        #expect([10, 11].map { exact.judge(7, at: position($0)) } == [.seen, .after])
    }

    @Test("A visibility is judged by the id alone")
    func judgedByID() throws {
        let snapshot = try #require(SourceSnapshot(parsing: "10:20:10,14"))
        #expect(snapshot.judge(13, at: .zero) == .seen)
        #expect(snapshot.judge(14, at: .zero) == .after)
    }

    @Test("32-bit ids are judged across the wrap")
    func seesAcrossWrap() throws {
        let snapshot = try #require(
            Visibility(parsing: "4294967290:4294967300:4294967295,4294967297"))
        #expect(snapshot.sees(UInt32.max - 3))
        #expect(!snapshot.sees(UInt32.max))
        #expect(snapshot.sees(UInt32(0)))
        #expect(!snapshot.sees(UInt32(1)))
        #expect(snapshot.sees(UInt32(3)))
        #expect(!snapshot.sees(UInt32(4)))
    }
}
