import Foundation
import ReplicationEngine
import ReplicationModel
import Testing

@testable import SQLiteConnector

@Suite("State in the file")
struct StateTests {
    static let table = route("t", [Column("id", .int32), Column("a", .text)])

    static var checkpoint: Checkpoint {
        var checkpoint = Checkpoint(
            position: LogPosition(rawValue: 0xFFFF_FFFF_0000_0001),
            commitPosition: LogPosition(rawValue: 0x16_0000_0000))
        checkpoint.xid = .max
        checkpoint.committedAt = -1
        checkpoint.heartbeatAt = 1_700_000_000_000_000
        checkpoint.transactions = 12
        checkpoint.unseen = [TransactionID(rawValue: .max), TransactionID(rawValue: 3)]
        checkpoint.gtids = GTIDSet(parsing: "0-1-5,1-2-70")
        return checkpoint
    }

    static var progress: TableProgress {
        var progress = TableProgress(
            id: .max, source: TableName(schema: "public", name: "t"),
            target: TableName(schema: "", name: "t"), state: .catchingUp)
        progress.rowsCopied = 5
        progress.rowsEstimated = 6
        progress.fingerprint = "f"
        progress.key = ["id", "a,\"b"]
        return progress
    }

    static var chunks: [ChunkRecord] {
        let key = Key([[0xFF, 0x00], []])
        let visibility = Visibility(
            xmin: TransactionID(rawValue: 1), xmax: TransactionID(rawValue: 9),
            running: [TransactionID(rawValue: 4)])
        let seal = ChunkSeal(
            snapshot: .visibility(visibility), position: LogPosition(rawValue: 7), closedAt: .zero)
        let retired = ChunkSeal(
            snapshot: nil, position: LogPosition(rawValue: 8), closedAt: LogPosition(rawValue: 9))
        return [
            ChunkRecord(
                table: .max, id: 1, range: KeyRange(after: nil, through: key), isKeyChunk: false,
                seal: seal, rows: 3),
            ChunkRecord(
                table: .max, id: 2, range: KeyRange(after: key, through: nil), isKeyChunk: false,
                seal: retired, rows: 4),
            ChunkRecord(
                table: .max, id: 3, range: KeyRange(after: nil, through: key), isKeyChunk: true,
                seal: nil, rows: 0),
        ]
    }

    @Test("I1: What a transaction records is read back as it was, with its rows")
    func roundTrip() throws {
        let file = try TargetFile([Self.table])
        let applier = try file.target.openApplier([Self.table], label: "test")
        defer { applier.close() }
        try applier.begin()
        try applier.record([.table(Self.progress)] + Self.chunks.map { .chunk($0) })
        var checkpoint = Self.checkpoint
        var counts = ChangeCounts()
        counts.updates = 4
        checkpoint.counts = [.max: counts]
        try applier.commit(checkpoint, durable: true)
        let stored = try #require(try file.target.load(pipeline: "p"))
        #expect(stored.checkpoint == Self.checkpoint)
        #expect(stored.chunks == Self.chunks)
        var progress = Self.progress
        progress.counts = counts
        #expect(stored.tables == [progress])
        #expect(stored.setup == TargetFile.setup)
        #expect(try #require(stored.checkpointAge) < 60)
    }

    @Test("Counters are moved by the checkpoint alone: a loader knows an older total")
    func counters() throws {
        let file = try TargetFile([Self.table])
        let applier = try file.target.openApplier([Self.table], label: "test")
        defer { applier.close() }
        try applier.begin()
        try applier.record([.table(Self.progress)])
        var checkpoint = Self.checkpoint
        checkpoint.counts = [Self.progress.id: ChangeCounts()]
        checkpoint.counts[Self.progress.id]?.inserts = 77
        try applier.commit(checkpoint, durable: false)
        var indexed = Self.progress
        indexed.state = .catchingUp
        try file.target.run([], tables: [indexed])
        let stored = try #require(try file.target.load(pipeline: "p")?.tables.first)
        #expect(stored.state == .catchingUp)
        #expect(stored.counts.inserts == 77)
    }

    @Test("Chunks are replaced and removed")
    func removal() throws {
        let file = try TargetFile([Self.table])
        let applier = try file.target.openApplier([Self.table], label: "test")
        defer { applier.close() }
        try applier.begin()
        try applier.record(Self.chunks.map { .chunk($0) })
        var changed = Self.chunks[2]
        changed.rows = 1
        try applier.record([.chunk(changed), .removeChunks(table: .max, ids: [1, 2])])
        try applier.commit(nil, durable: false)
        #expect(try file.target.load(pipeline: "p")?.chunks == [changed])
        try applier.begin()
        try applier.record([.removeAllChunks(table: .max)])
        try applier.commit(nil, durable: false)
        #expect(try file.target.load(pipeline: "p")?.chunks == [])
    }

    @Test("I1: What is rolled back, or was never committed, is gone with its state")
    func rolledBack() throws {
        let file = try TargetFile([Self.table])
        for ending in [{ (applier: any ChangeApplier) in applier.rollback() }, { _ in }] {
            let applier = try file.target.openApplier([Self.table], label: "test")
            try applier.begin()
            try applier.beginRows(route: 0, format: .copyText)
            try Array("1\tx\n".utf8).withUnsafeBytes { try applier.writeRows($0) }
            #expect(try applier.endRows() == 1)
            try applier.record([.table(Self.progress)])
            ending(applier)
        }
        #expect(try file.rows("SELECT id FROM t") == [])
        #expect(try file.target.load(pipeline: "p")?.tables == [])
        try file.load("1\tx\n", Self.table)
    }

    @Test("`load` is read-only: nil without file or tables, and it makes neither")
    func loadMakesNothing() throws {
        let file = try TargetFile(acquired: false)
        #expect(try file.target.load(pipeline: "p") == nil)
        #expect(try file.target.shape(of: TableName(schema: "", name: "t")) == nil)
        #expect(try file.target.schemaPlan([Self.table], prerequisites: []).problems.isEmpty)
        #expect(
            try file.target.preflight([Self.table], prerequisites: []).allSatisfy {
                $0.severity == .ok
            })
        try file.target.drop(pipeline: "p")
        #expect(!FileManager.default.fileExists(atPath: file.path))
        _ = FileManager.default.createFile(atPath: file.path, contents: Data())
        #expect(try file.target.load(pipeline: "p") == nil)
        try file.target.prepare()
        #expect(try file.target.load(pipeline: "p") == nil)
        try file.target.prepare()
    }

    @Test("State of a newer program is refused")
    func newer() throws {
        let file = try TargetFile([Self.table])
        try file.elsewhere("UPDATE martlet_version SET version = 2")
        #expect(failure { _ = try file.target.load(pipeline: "p") }?.kind == .stateTooNew)
        #expect(failure { try file.target.prepare() }?.kind == .stateTooNew)
    }

    @Test("Setup, states and report are stored; a release ends the lease")
    func reports() throws {
        let file = try TargetFile([Self.table])
        var setup = TargetFile.setup
        setup.phase = .ready
        setup.isConsistent = true
        setup.capture.publicationIsGiven = true
        try file.target.store(setup: setup, checkpoint: Self.checkpoint, tables: [Self.progress])
        var report = RunReport(state: .loading)
        report.received = LogPosition(rawValue: 5)
        report.confirmed = LogPosition(rawValue: 4)
        report.waiting = "target"
        try file.target.renewLease(report)
        var stored = try #require(try file.target.load(pipeline: "p"))
        #expect(stored.setup == setup)
        #expect(stored.report == report)
        #expect(stored.leaseIsValid)
        #expect(stored.holder == TargetFile.me)
        report = RunReport(state: .failed)
        report.error = "error: x"
        try file.target.release(report)
        stored = try #require(try file.target.load(pipeline: "p"))
        #expect(stored.report == report)
        #expect(!stored.leaseIsValid)
    }

    @Test("`drop` takes Martlet's tables and leaves the user's")
    func drop() throws {
        let file = try TargetFile([Self.table])
        try file.load("1\tx\n", Self.table)
        try file.target.drop(pipeline: "p")
        #expect(try file.rows("SELECT name FROM sqlite_schema WHERE type = 'table'") == ["t"])
        #expect(try file.rows("SELECT a FROM t") == ["x"])
        try file.target.drop(pipeline: "p")
    }
}
