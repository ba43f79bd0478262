import ReplicationEngine
import ReplicationModel
import Testing

@Suite("A table's load as the journal has it")
struct TableLoadTests {
    private func record(_ id: Int64, _ lower: Int?, _ upper: Int?, closedAt: UInt64 = 0)
        -> ChunkRecord
    {
        ChunkRecord(
            table: 0, id: id,
            range: KeyRange(
                after: lower.map { Key(number: $0) }, through: upper.map { Key(number: $0) }),
            isKeyChunk: false,
            seal: ChunkSeal(
                snapshot: nil, position: LogPosition(rawValue: 100),
                closedAt: LogPosition(rawValue: closedAt)), rows: 1)
    }

    private func pendingKey(_ id: Int64, _ key: Int) -> ChunkRecord {
        ChunkRecord(
            table: 0, id: id, range: KeyRange(after: Key(number: key), through: Key(number: key)),
            isKeyChunk: true, seal: nil, rows: 0)
    }

    private func load(_ journal: [ChunkRecord]) -> TableLoad {
        TableLoad(route: ModelLog.routes[0], journal: journal)
    }

    @Test("An empty journal: everything is still to be cut")
    func empty() {
        let load = load([])
        #expect(load.place(of: Key(number: 5)) == .uncut)
        #expect(!load.isFullyCut)
        #expect(load.completePosition == nil)
        #expect(load.firstPending() == nil)
    }

    @Test("Holes become one pending chunk each, in any order of the journal's rows")
    func holes() {
        let load = load([record(6, 60, nil), record(2, 20, 40), record(4, 50, 60)])
        #expect(load.chunks.map(\.range.upper?.number) == [20, 40, 50, 60, nil])
        #expect(load.chunks.map(\.isPending) == [true, false, true, false, false])
        #expect(load.chunks.map(\.id) == load.chunks.map(\.id).sorted())
        #expect(Set(load.chunks.map(\.id)).count == 5)
        #expect(load.isFullyCut)
        #expect(load.completePosition == nil)
        for (key, index) in [(-5, 0), (20, 0), (21, 1), (40, 1), (45, 2), (60, 3), (61, 4)] {
            #expect(load.place(of: Key(number: key)) == .chunk(load.chunks[index].id), "\(key)")
        }
    }

    @Test("A journal that ends before the last chunk goes on from its last cut")
    func tail() {
        var load = load([record(1, nil, 20)])
        #expect(load.lastCut?.number == 20)
        #expect(load.place(of: Key(number: 21)) == .uncut)
        guard case .chunk(let id) = load.addChunk(through: nil) else {
            Issue.record("no chunk")
            return
        }
        #expect(id > 1)
        #expect(load.isFullyCut)
    }

    @Test("A hole never takes the id of a key-chunk, whose journal row it would replace")
    func holeBesideKeyChunk() {
        let load = load([record(1, nil, 20), pendingKey(2, 7), record(4, 40, nil)])
        #expect(load.chunks.map(\.id) == [1, 3, 4])
        #expect(load.keyChunks[Key(number: 7)]?.id == 2)
        #expect(Set(load.units.map(\.id)).count == load.units.count)
    }

    @Test("A new id is above every id of the journal")
    func newIDs() {
        var load = load([record(1, nil, nil), pendingKey(9, 7)])
        #expect(load.keyChunkID(Key(number: 7)) == 9)
        #expect(load.keyChunkID(Key(number: 8)) == 10)
        #expect(load.keyChunkID(Key(number: 3)) == 11)
    }

    @Test("A pending key-chunk is first to be copied, and keeps the load from being complete")
    func pendingKeyChunk() {
        let load = load([record(1, nil, nil), pendingKey(2, 7)])
        #expect(load.place(of: Key(number: 7)) == .key(Key(number: 7)))
        #expect(load.firstPending() == .key(Key(number: 7)))
        #expect(load.completePosition == nil)
    }

    @Test("Complete is after the newest chunk position and the newest closing")
    func complete() {
        #expect(load([record(1, nil, nil)]).completePosition?.rawValue == 100)
        let ahead = load([record(1, nil, 20, closedAt: 300), record(2, 20, nil)])
        #expect(ahead.completePosition?.rawValue == 300)
    }

    @Test("A merged chunk answers to the ids it was made of")
    func merge() throws {
        var load = load([
            record(1, nil, 10), record(2, 10, 20), record(3, 20, 30), record(4, 30, nil),
        ])
        let merge = try #require(
            load.mergeable(applied: LogPosition(rawValue: 100), least: 2))
        #expect(load.mergeable(applied: LogPosition(rawValue: 99), least: 2) == nil)
        load.carryOut(merge)
        let id = merge.record.id
        #expect(merge.removed.allSatisfy { load[.chunk($0)]?.id == id })
        #expect(load.place(of: Key(number: 35)) == .chunk(id))
        #expect(load.completePosition?.rawValue == 100)
    }

    @Test("A key written in another way is found where the key is")
    func respelled() {
        var load = TableLoad(route: ModelLog.askingRoute)
        var batch = ChangeBatch()
        let texts = ["1.0", "v", "l", "1.00", "v", "l"]
        batch.values = texts.map { batch.append(text: $0) }
        var change = Change(operation: .update, table: 0)
        (change.oldRow, change.newRow) = (0, 3)
        let old = batch.oldKey(of: change, load.route)
        let new = batch.newKey(of: change, load.route)
        #expect(old != nil)
        #expect(old == new)
        load.setKeyChunk(old ?? Key([]), id: 1)
        #expect(new.flatMap { load.place(of: $0) } == .key(Key(texts: ["1"])))
    }
}
