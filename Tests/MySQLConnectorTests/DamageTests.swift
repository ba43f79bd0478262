import ReplicationModel
import Testing

@testable import MySQLConnector

/// Events that are cut short or changed: an error, never a trap, never a silent pass.
@Suite("Damaged events of the binlog")
struct DamageTests {
    /// Calls `body` with every event, and with a function that feeds a changed one to a decoder
    /// that has read what was before it, and returns the rows that came of it.
    private func each(
        _ name: String,
        _ body: (_ feed: ([UInt8]) throws -> [String], _ event: [UInt8]) throws -> Void
    ) throws {
        let events = try Recording.events(name)
        for group in Self.groups(events) {
            for index in group {
                try body(
                    { event in
                        var feeder = Feeder(partial: true)
                        try feeder.feed(Recording.rotation())
                        try feeder.feed(events[0])
                        for before in group.lowerBound..<index { try feeder.feed(events[before]) }
                        try feeder.feed(event)
                        let batch = feeder.decoder.builder.batch
                        return batch.changes.map { GroupTests.line(batch, $0) }
                    }, events[index])
            }
        }
    }

    /// Groups begin with a GTID; one of each sequence of types is enough.
    private static func groups(_ events: [[UInt8]]) -> [Range<Int>] {
        let begins: [EventType] = [.gtid, .taggedGTID, .mariadbGTID]
        let starts = events.indices.filter { index in
            begins.contains { $0.rawValue == events[index][4] }
        }
        var seen: Set<[UInt8]> = []
        return zip(starts, starts.dropFirst() + [events.count]).map { $0..<$1 }.filter { group in
            group.count < 10 && seen.insert(events[group].map { $0[4] }).inserted
        }
    }

    @Test("An event cut short anywhere is an error", arguments: Recording.servers)
    func short(_ server: String) throws {
        try each("\(server)-groups") { feed, event in
            for count in stride(from: 0, to: event.count, by: max(1, event.count / 12)) {
                #expect(throws: MalformedEvent.self) { _ = try feed(Array(event.prefix(count))) }
            }
        }
    }

    /// What is optional at an event's end may be missing without an error, and so may whole rows.
    @Test(
        "A body cut short, with length and checksum made right, is an error or a part",
        arguments: Recording.servers)
    func body(_ server: String) throws {
        let tolerant: [EventType] = [
            .gtid, .taggedGTID, .mariadbGTID, .rotate, .annotateRows, .rowsQuery, .query,
            .queryCompressed, .tableMap, .stop, .previousGTIDs, .gtidList, .binlogCheckpoint,
        ]
        try each("\(server)-groups") { feed, event in
            let whole = try feed(event)
            let isTolerant = tolerant.contains { $0.rawValue == event[4] }
            let size = event.count - EventHeader.size - 4
            for count in stride(from: 0, to: size, by: max(1, size / 20)) {
                guard let rows = try? feed(Repack.truncated(event, body: count)) else { continue }
                #expect(isTolerant || !whole.isEmpty, "type \(event[4]) at \(count)")
                #expect(whole.starts(with: rows), "type \(event[4]) at \(count)")
            }
        }
    }

    @Test("A changed byte is an error by its checksum", arguments: Recording.servers)
    func changed(_ server: String) throws {
        try each("\(server)-groups") { feed, event in
            for index in stride(from: 19, to: event.count, by: max(1, event.count / 5)) {
                var bad = event
                bad[index] ^= 0x10
                #expect(throws: MalformedEvent.self) { _ = try feed(bad) }
            }
        }
    }

    /// With the checksum made right the bytes may mean something else; they must not trap.
    @Test("Changed bytes with a right checksum are no trap", arguments: Recording.servers)
    func mutated(_ server: String) throws {
        for name in ["\(server)-values", "\(server)-groups"] {
            let events = try Recording.events(name)
            var state: UInt64 = 0x2545_F491_4F6C_DD1D
            for round in 0..<6 {
                var feeder = Feeder(partial: true)
                try feeder.feed(Recording.rotation())
                try feeder.feed(events[0])
                for event in events.dropFirst() where event.count < 20_000 {
                    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                    let body = event.count - EventHeader.size - 4
                    if round > 0, body > 0, state >> 60 < 4 {
                        var bad = Array(event.dropLast(4))
                        let place = EventHeader.size + Int(state >> 20) % body
                        bad[place] = UInt8(truncatingIfNeeded: state >> 12)
                        _ = try? feeder.feed(Repack.sealed(bad))
                    } else {
                        _ = try? feeder.feed(event)
                    }
                }
            }
        }
    }
}
