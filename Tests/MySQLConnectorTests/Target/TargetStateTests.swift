import Foundation
import ReplicationEngine
import ReplicationModel
import Synchronization
import Testing

@testable import MySQLConnector

@Suite("State of a pipeline at a MySQL or MariaDB target")
struct TargetStateTests {
    @Test("What is stored is what is loaded", arguments: TestServer.all)
    func roundTrip(_ server: String) throws {
        let lab = try TargetLab(on: server)
        var setup = TargetLab.setup
        setup.phase = .ready
        setup.isConsistent = true
        var table = TableProgress(
            id: 4_000_000_001, source: TableName(schema: "a\"b", name: "ü.x'\\"),
            target: TableName(schema: "public", name: "t"), state: .catchingUp)
        (table.rowsCopied, table.rowsEstimated) = (1 << 40, 7)
        (table.fingerprint, table.key) = ("f1", ["id", "", "NULL", "a,b\\\"{}"])
        table.counts.inserts = 3
        var checkpoint = Checkpoint(
            position: LogPosition(rawValue: .max), commitPosition: LogPosition(rawValue: 5))
        (checkpoint.xid, checkpoint.transactions) = (.max, 99)
        (checkpoint.committedAt, checkpoint.heartbeatAt) = (-5, nil)
        checkpoint.unseen = [TransactionID(rawValue: 1), TransactionID(rawValue: 1 << 62)]
        checkpoint.gtids = GTIDSet(parsing: "3e11fa47-71ca-11e1-9e33-c80aa9429562:1-36:taga:1")
        try lab.target.store(setup: setup, checkpoint: checkpoint, tables: [table])

        let reader = lab.other()
        defer { reader.close() }
        let state = try #require(try reader.load(pipeline: "shop"))
        #expect(state.setup == setup)
        #expect(state.tables == [table])
        #expect(state.checkpoint == checkpoint)
        #expect(state.leaseIsValid && state.holder == TargetLab.holder("a", host: "elsewhere"))
        #expect(state.report == RunReport(state: .starting))
        #expect(try #require(state.checkpointAge) < 60)
        #expect(try reader.load(pipeline: "SHOP") == nil)
    }

    @Test(
        "The journal keeps keys of any bytes, seals and pending key-chunks",
        arguments: TestServer.all)
    func journal(_ server: String) throws {
        let lab = try TargetLab(on: server)
        let odd = Key([Array("a,'b\\".utf8), [], [0, 255, 10]])
        let seal = ChunkSeal(
            snapshot: SourceSnapshot(parsing: "10:20:12,15"), position: LogPosition(rawValue: 9),
            closedAt: LogPosition(rawValue: 8))
        var chunks = [
            ChunkRecord(
                table: 7, id: 1, range: KeyRange(after: nil, through: odd), isKeyChunk: false,
                seal: seal, rows: 12),
            ChunkRecord(
                table: 7, id: 2, range: KeyRange(after: odd, through: nil), isKeyChunk: true,
                seal: nil, rows: 0),
        ]
        let applier = try lab.applier([])
        func write(_ entries: [JournalEntry]) throws {
            try applier.begin()
            try applier.record(entries)
            try applier.commit(nil, durable: true)
        }
        try write(chunks.map { .chunk($0) })
        #expect(try lab.target.load(pipeline: "shop")?.chunks == chunks)
        chunks[1].seal = seal
        try write([.chunk(chunks[1]), .removeChunks(table: 7, ids: [1])])
        #expect(try lab.target.load(pipeline: "shop")?.chunks == [chunks[1]])
        try write([.removeAllChunks(table: 8)])
        #expect(try lab.target.load(pipeline: "shop")?.chunks.count == 1)
        try write([.removeAllChunks(table: 7)])
        #expect(try lab.target.load(pipeline: "shop")?.chunks.isEmpty == true)
    }

    @Test("Counters move with the checkpoint alone", arguments: TestServer.all)
    func counters(_ server: String) throws {
        let lab = try TargetLab(on: server)
        var tables = [UInt32(1), 2].map {
            TableProgress(
                id: $0, source: TableName(schema: "s", name: "t\($0)"),
                target: TableName(schema: "s", name: "t"), state: .loading)
        }
        var checkpoint = Checkpoint(position: .zero, commitPosition: .zero)
        checkpoint.counts = [1: ChangeCounts(), 2: ChangeCounts()]
        checkpoint.counts[1]?.updates = 5
        checkpoint.counts[2]?.deletes = 6
        try lab.target.store(setup: TargetLab.setup, checkpoint: checkpoint, tables: tables)
        tables[0].state = .live
        try lab.target.store(setup: TargetLab.setup, checkpoint: nil, tables: tables)
        let stored = try #require(try lab.target.load(pipeline: "shop")?.tables)
        #expect(stored.map(\.counts.updates) == [5, 0])
        #expect(stored.map(\.counts.deletes) == [0, 6])
        #expect(stored.map(\.state) == [.live, .loading])
    }

    @Test("Loading finds and makes nothing; newer state is refused", arguments: TestServer.all)
    func format(_ server: String) throws {
        let lab = try TargetLab(on: server, acquires: false)
        #expect(try lab.target.load(pipeline: "shop") == nil)
        try lab.target.prepare()
        try lab.target.prepare()
        try lab.connection.run("UPDATE \(lab.stateDatabase).format SET version = 0")
        // A crash between the tables and their number: made again.
        try lab.target.prepare()
        try lab.connection.run("UPDATE \(lab.stateDatabase).format SET version = 999")
        #expect(failure { try lab.target.prepare() }?.kind == .stateTooNew)
        #expect(failure { _ = try lab.target.load(pipeline: "shop") }?.kind == .stateTooNew)
    }
}

@Suite("I7: only the newest holder writes to MySQL or MariaDB")
struct TargetLeaseTests {
    private func take(_ target: MySQLTarget, _ holder: Holder, lease: Double = 30) throws
        -> StoredPipeline
    {
        try target.acquire(
            pipeline: "shop", setup: TargetLab.setup, holder: holder, lease: lease)
    }

    @Test("I7: while a lease runs nobody else gets the pipeline", arguments: TestServer.all)
    func refused(_ server: String) throws {
        let lab = try TargetLab(on: server)
        let second = lab.other()
        defer { second.close() }
        let error = try #require(
            failure { _ = try take(second, TargetLab.holder("b")) })
        #expect(error.kind == .fenced)
        #expect(error.why.contains("elsewhere") && error.why.contains("\(getpid())"))
        try lab.target.renewLease(RunReport(state: .streaming))
        #expect(try second.load(pipeline: "shop")?.report?.state == .streaming)
        #expect(failure { try second.drop(pipeline: "shop") }?.kind == .fenced)
        try lab.target.release(RunReport(state: .stopped))
        _ = try take(second, TargetLab.holder("b"))
        try second.drop(pipeline: "shop")
        #expect(try second.load(pipeline: "shop") == nil)
    }

    @Test(
        "I7: an expired lease is taken over: open transactions are ended, nothing more is written",
        arguments: TestServer.all)
    func takeOver(_ server: String) throws {
        let lab = try TargetLab(on: server, lease: 0.1)
        let route = lab.route("t", [.id])
        try lab.make([route])
        let applier = try lab.applier([route])
        try applier.begin()
        var builder = BatchBuilder([route])
        builder.insert(["1"])
        builder.commit()
        var counts = [ChangeCounts()]
        try applier.apply(
            builder.batch, range: 0..<1, actions: nil, routes: [0], counts: &counts)
        Thread.sleep(forTimeInterval: 0.2)
        let epoch = try #require(try lab.target.load(pipeline: "shop")).epoch
        let second = lab.other()
        defer { second.close() }
        let state = try take(second, TargetLab.holder("b"))
        #expect(state.epoch == epoch + 1)
        #expect(failure { try applier.commit(nil, durable: true) }?.kind == .connectionLost)
        #expect(try lab.rows("t") == [])
        let report = RunReport(state: .streaming)
        #expect(failure { try lab.target.renewLease(report) }?.kind == .fenced)
        #expect(failure { try lab.target.release(report) }?.kind == .fenced)
        #expect(
            failure {
                try lab.target.run(["CREATE TABLE \(lab.server.name).x (a INT)"], tables: [])
            }?
            .kind == .fenced)
        #expect(
            failure {
                try lab.target.store(setup: TargetLab.setup, checkpoint: nil, tables: [])
            }?.kind == .fenced)
        #expect(failure { _ = try lab.target.openApplier([], label: "x") }?.kind == .fenced)
        // A session that nobody recorded lives on, and is stopped by the epoch alone.
        let fence = MySQLFence(
            place: StatePlace(database: lab.stateDatabase), pipeline: "shop", epoch: epoch)
        let unknown = try MySQLApplier(
            connection: try lab.server.connect(.target), fence: fence, routes: [])
        #expect(failure { try unknown.begin() }?.kind == .fenced)
        try second.renewLease(report)
    }

    @Test("I7: of processes that start at once, one gets the pipeline", arguments: TestServer.all)
    func race(_ server: String) throws {
        let lab = try TargetLab(on: server, acquires: false)
        let targets = (0..<4).map { _ in lab.other() }
        defer { for target in targets { target.close() } }
        try targets[0].prepare()
        let outcomes = Mutex<[ReplicationError.Kind?]>([])
        let group = DispatchGroup()
        for (index, target) in targets.enumerated() {
            group.enter()
            WorkerThread.start("test") {
                let outcome = failure {
                    _ = try take(target, TargetLab.holder("\(index)", host: "host \(index)"))
                }
                outcomes.withLock { $0.append(outcome?.kind) }
                group.leave()
            }
        }
        group.wait()
        let kinds = outcomes.withLock { $0 }
        #expect(kinds.filter { $0 == nil }.count == 1)
        #expect(kinds.filter { $0 == .fenced }.count == 3, "\(kinds)")
    }
}
