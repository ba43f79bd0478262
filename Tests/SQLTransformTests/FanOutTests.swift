import ReplicationEngine
import ReplicationModel
import Testing

@testable import SQLTransform

/// Notes what it is asked to write.
final class NotingApplier: ChangeApplier {
    var begun: [String] = []
    var rows: [Int: [String]] = [:]
    var counts: [ChangeCounts] = []
    var checkpoints: [Checkpoint] = []
    var entries: [JournalEntry] = []
    var wiped: [Int] = []
    /// Rows that it says it stored less than it was given.
    var lost: Int64 = 0
    private var route = 0
    private var stored: Int64 = 0

    func begin() throws {}
    func apply(
        _ batch: ChangeBatch, range: Range<Int>, actions: [ChangeAction]?, routes: [Int],
        counts: inout [ChangeCounts]
    ) throws {
        for change in batch.changes[range] {
            counts[routes[Int(change.table)]].count(change.operation)
        }
    }
    func keys(
        route: Int, where columns: [Int], among tuples: [[[UInt8]]], after: Key?, limit: Int
    ) throws -> [Key] { [] }
    func wipe(route: Int) throws { wiped.append(route) }
    func beginRows(route: Int, format: RowFormat, isMore: Bool) throws {
        begun.append("\(route)\(isMore ? " more" : "")")
        (self.route, stored) = (route, 0)
    }
    func writeRows(_ block: UnsafeRawBufferPointer) throws {
        let lines = String(decoding: block, as: UTF8.self).split(separator: "\n").map(String.init)
        rows[route, default: []] += lines
        stored += Int64(lines.count)
    }
    func endRows() throws -> Int64 { stored - (route == 1 ? lost : 0) }
    func moveStaged(route: Int) throws {}
    func rowFormats(route: Int) -> [RowFormat] { [.copyBinary, .copyText] }
    func record(_ entries: [JournalEntry]) throws { self.entries += entries }
    func commit(_ checkpoint: Checkpoint?, durable: Bool) throws {
        if let checkpoint { checkpoints.append(checkpoint) }
    }
    func rollback() {}
    func close() {}
}

@Suite("Rows and changes of one table on their way to several")
struct FanOutTests {
    static let entries = [
        Entry(sql: "SELECT id, name FROM a WHERE kind = 'in'", into: "one"),
        Entry(sql: "SELECT id FROM a WHERE kind = 'out'", into: "two"),
    ]
    let target = NotingApplier()
    let counts = OutputProgress.Counts()

    private func applier() throws -> TransformingApplier {
        let made = try Entry.combine(Self.entries)
        let transforms = Dictionary(grouping: made, by: \.source.source.id)
        var plain = table("plain", "id:int32!")
        plain.source.id = 9
        return TransformingApplier(
            target, RouteLayout([Self.entries[0].route(), plain], transforms),
            OutputProgress(transforms, counts), keys: TransformKeys(), sourceName: "shop")
    }

    private func write(_ applier: TransformingApplier, _ rows: [String]) throws {
        try Array(rows.map { $0 + "\n" }.joined().utf8).withUnsafeBytes(applier.writeRows)
    }

    @Test("Rows of the table that is not being written are gathered, up to a limit")
    func gathered() throws {
        let applier = try applier()
        try applier.beginRows(route: 0, format: .copyText)
        let long = String(repeating: "9", count: 9)
        for block in 0..<60 {
            let ids = (0..<10_000).map { "\(long)\(block * 10_000 + $0)" }
            try write(applier, ids.map { "1\($0)\tA\tout" } + ["\(block)\tB\tin", "7\tC\tno"])
        }
        #expect(try applier.endRows() == 60 * 10_002)
        // Two targets share the four megabytes, and come to write in turns.
        #expect(target.begun.prefix(3) == ["0", "1", "0 more"])
        #expect(target.begun.dropFirst(2).allSatisfy { $0.hasSuffix("more") })
        #expect(target.rows[0] == (0..<60).map { "\($0)\tB" })
        #expect(target.rows[1]?.count == 600_000 && Set(target.rows[1] ?? []).count == 600_000)
    }

    @Test("A row that a target did not store is missing in the sum")
    func lost() throws {
        target.lost = 1
        let applier = try applier()
        try applier.beginRows(route: 0, format: .copyText)
        try write(applier, ["1\tA\tin", "2\tB\tout"])
        #expect(try applier.endRows() == 1)
        #expect(target.begun == ["0", "1"])
    }

    @Test("A table that nothing goes to is begun too: staged rows of before go")
    func empty() throws {
        let applier = try applier()
        try applier.beginRows(route: 0, format: .copyText)
        #expect(try applier.endRows() == 0)
        #expect(target.begun == ["0", "1"])
        try applier.wipe(route: 0)
        try applier.wipe(route: 1)
        #expect(target.wiped == [0, 1, 2])
        #expect(applier.rowFormats(route: 0) == [.copyText])
        #expect(applier.rowFormats(route: 1).first == .copyBinary)
    }

    @Test("Each target counts its own changes, also behind a rollback")
    func counting() throws {
        let applier = try applier()
        var test = TestBatch(Self.entries[0].route(), isFull: true)
        test.add(.insert, new: ["1", "A", "in"])
        test.add(.insert, new: ["2", "A", "out"])
        test.add(.insert, new: ["3", "A", "out"])
        var counts = [ChangeCounts(), ChangeCounts()]
        func apply() throws {
            try applier.begin()
            try applier.apply(
                test.batch, range: 0..<3, actions: nil, routes: [0], counts: &counts)
        }
        try apply()
        applier.rollback()
        counts = [ChangeCounts(), ChangeCounts()]
        for turn in 1...2 {
            try apply()
            #expect(counts.map(\.inserts) == [Int64(turn), 0])
            var checkpoint = Checkpoint(position: .zero, commitPosition: .zero)
            checkpoint.counts = [7: counts[0]]
            try applier.commit(checkpoint, durable: true)
            let stored = try #require(target.checkpoints.last).counts
            #expect(stored.mapValues(\.inserts) == [7: Int64(turn), .max: Int64(2 * turn)])
        }
        // Of a chunk nothing is counted.
        try apply()
        try applier.commit(nil, durable: true)
        let table = TableProgress(
            id: 7, source: TableName(schema: "public", name: "a"),
            target: TableName(schema: "public", name: "one"), state: .live)
        try applier.record([.table(table)])
        let stored = target.entries.compactMap { entry in
            if case .table(let table) = entry { table } else { nil }
        }
        #expect(stored.map(\.id) == [7, .max] && stored.map(\.target.name) == ["one", "two"])
        #expect(stored.map(\.counts.inserts) == [0, 4])
    }
}
