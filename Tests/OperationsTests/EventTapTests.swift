import Configuration
@testable import Operations
import ReplicationEngine
import ReplicationModel
import Testing

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
