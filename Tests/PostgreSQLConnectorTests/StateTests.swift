import Foundation
import ReplicationEngine
import ReplicationModel
import Testing

@testable import PostgreSQLConnector

@Suite("State of a pipeline at a PostgreSQL target")
struct StateTests {
    @Test("What is stored is what is loaded, on every version", arguments: TestDatabase.servers)
    func roundTrip(server: String) throws {
        let database = try TestDatabase(on: server)
        let target = try Fixture.acquired(database)
        defer { target.close() }
        var setup = Fixture.setup
        setup.phase = .ready
        setup.isConsistent = true
        var table = TableProgress(
            id: 4_000_000_001, source: TableName(schema: "a\"b", name: "ü.x"),
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
        try target.store(setup: setup, checkpoint: checkpoint, tables: [table])

        let reader = Fixture.target(database)
        defer { reader.close() }
        let state = try #require(try reader.load(pipeline: "shop"))
        #expect(state.setup == setup)
        #expect(state.tables == [table])
        #expect(state.checkpoint == checkpoint)
        #expect(state.leaseIsValid && state.holder == Fixture.holder("a", host: "elsewhere"))
        #expect(state.report == RunReport(state: .starting))
        #expect(try #require(state.checkpointAge) < 60)
        #expect(try reader.load(pipeline: "other") == nil)
    }

    @Test("The journal keeps keys of any text, seals and pending key-chunks")
    func journal() throws {
        let database = try TestDatabase()
        let target = try Fixture.acquired(database)
        defer { target.close() }
        let odd = Key(texts: ["", "NULL", "a,\"b\\", "{}", " ß\u{1}\n\t'"])
        let snapshot = SourceSnapshot(parsing: "10:20:12,15")
        let seal = ChunkSeal(
            snapshot: snapshot, position: LogPosition(rawValue: 9),
            closedAt: LogPosition(rawValue: 8))
        var chunks = [
            ChunkRecord(
                table: 7, id: 1, range: KeyRange(after: nil, through: odd), isKeyChunk: false,
                seal: seal, rows: 12),
            ChunkRecord(
                table: 7, id: 2, range: KeyRange(after: odd, through: nil), isKeyChunk: false,
                seal: ChunkSeal(snapshot: nil, position: .zero, closedAt: .zero), rows: 0),
            ChunkRecord(
                table: 7, id: 3, range: KeyRange(after: nil, through: odd), isKeyChunk: true,
                seal: nil, rows: 0),
        ]
        try write(chunks.map { .chunk($0) }, database)
        #expect(try target.load(pipeline: "shop")?.chunks == chunks)

        chunks[2].seal = seal
        try write([.chunk(chunks[2]), .removeChunks(table: 7, ids: [1, 2])], database)
        #expect(try target.load(pipeline: "shop")?.chunks == [chunks[2]])
        try write([.removeAllChunks(table: 8)], database)
        #expect(try target.load(pipeline: "shop")?.chunks.count == 1)
        try write([.removeAllChunks(table: 7)], database)
        #expect(try target.load(pipeline: "shop")?.chunks.isEmpty == true)
    }

    private func write(_ entries: [JournalEntry], _ database: TestDatabase) throws {
        let connection = try database.connect(.target)
        try connection.transaction {
            try PGState.write(entries, pipeline: "shop", on: connection)
        }
    }

    @Test("Counters move with the checkpoint alone; a loader's older total does not put them back")
    func counters() throws {
        let database = try TestDatabase()
        let target = try Fixture.acquired(database)
        defer { target.close() }
        var table = TableProgress(
            id: 1, source: TableName(schema: "s", name: "t"),
            target: TableName(schema: "s", name: "t"), state: .loading)
        var checkpoint = Checkpoint(position: .zero, commitPosition: .zero)
        checkpoint.counts[1] = ChangeCounts()
        checkpoint.counts[1]?.updates = 5
        try target.store(setup: Fixture.setup, checkpoint: checkpoint, tables: [table])
        table.state = .live
        try target.store(setup: Fixture.setup, checkpoint: nil, tables: [table])
        let stored = try #require(try target.load(pipeline: "shop")?.tables.first)
        #expect(stored.counts.updates == 5)
        #expect(stored.state == .live)
    }

    @Test(
        "Loading finds nothing, and makes nothing, in a read-only database without schema martlet")
    func loadWithoutSchema() throws {
        let database = try TestDatabase()
        try database.connect().run(
            "ALTER DATABASE \(database.name) SET default_transaction_read_only = on")
        let target = Fixture.target(database)
        defer { target.close() }
        #expect(try target.load(pipeline: "shop") == nil)
        let there = try database.connect().run("SELECT FROM pg_namespace WHERE nspname = 'martlet'")
        #expect(there.rowCount == 0)
    }

    @Test("State of a newer format is refused, by reading and by preparing")
    func tooNew() throws {
        let database = try TestDatabase()
        let target = Fixture.target(database)
        defer { target.close() }
        try target.prepare()
        try target.prepare()
        let version = try database.connect().run("SELECT version FROM martlet.format")
        #expect(version.integer(0, 0) == Int64(PGStateFormat.version))
        try database.connect().run("UPDATE martlet.format SET version = 999")
        #expect(failure { try target.prepare() }?.kind == .stateTooNew)
        #expect(failure { _ = try target.load(pipeline: "shop") }?.kind == .stateTooNew)
    }

    @Test(
        "Dropping one of two pipelines leaves the other; dropping the last takes the schema along")
    func dropping() throws {
        let database = try TestDatabase()
        let first = try Fixture.acquired(database)
        let second = Fixture.target(database)
        defer { for target in [first, second] { target.close() } }
        _ = try second.acquire(
            pipeline: "other", setup: Fixture.setup, holder: Fixture.holder("b"), lease: 30)
        let outsider = Fixture.target(database)
        defer { outsider.close() }
        #expect(failure { try outsider.drop(pipeline: "shop") }?.kind == .fenced)
        try first.drop(pipeline: "shop")
        #expect(try outsider.load(pipeline: "shop") == nil)
        #expect(try outsider.load(pipeline: "other") != nil)
        try second.drop(pipeline: "other")
        let there = try database.connect().run("SELECT FROM pg_namespace WHERE nspname = 'martlet'")
        #expect(there.rowCount == 0)
        try outsider.drop(pipeline: "other")
    }

    @Test("Array texts are read as the server writes them", arguments: TestDatabase.servers)
    func arrays(server: String) throws {
        let database = try TestDatabase(on: server)
        let connection = try database.connect()
        for elements in [[], [""], ["a", "b c"], ["NULL", "null"], ["\\", "\"", "{", "}", ","]] {
            let text = try connection.query("SELECT $1::text[]", [PGArray.literal(elements)]).text(
                0, 0)
            #expect(PGArray.elements(parsing: try #require(text)) == elements)
        }
        for malformed in ["", "{", "{a", "{a,}", "{,a}", "{\"a}", "{NULL}", "{\"a\"b}", "{{a}}"] {
            #expect(PGArray.elements(parsing: malformed) == nil, "\(malformed)")
        }
    }
}
