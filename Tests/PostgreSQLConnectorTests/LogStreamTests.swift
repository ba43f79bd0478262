import Foundation
import PostgreSQLConnector
import ReplicationEngine
import ReplicationModel
import Testing

@Suite("Streamed transactions", .serialized) struct LogStreamTests {
    private static let table = "CREATE TABLE t(id int PRIMARY KEY, a text)"

    private func insert(_ range: ClosedRange<Int>, _ text: String = "x") -> String {
        "INSERT INTO t SELECT i, repeat('\(text)', 300) FROM generate_series("
            + "\(range.lowerBound), \(range.upperBound)) i"
    }

    private func ids(_ transaction: ReadTransaction) -> [Int] {
        transaction.lines.compactMap { line in
            line.split(separator: "[").last.flatMap { Int($0.split(separator: ",")[0]) }
        }
    }

    /// Streams and waits until a part of the open transaction is in the spool.
    private func waitForSpool(_ lab: LogLab, files: Int) throws {
        try lab.wait("\(files) files in the spool") { lab.spoolFiles.count == files }
    }

    @Test("P27: what a savepoint rolled back is not delivered", arguments: TestDatabase.servers)
    func savepoints(server: String) throws {
        let lab = try LogLab(on: server, streaming: true, Self.table)
        let reader = try lab.open()
        try lab.run(
            "BEGIN", insert(1...500), "SAVEPOINT a", insert(501...1000), "SAVEPOINT b",
            insert(1001...1500), "RELEASE b", "ROLLBACK TO a", insert(1501...2000), "SAVEPOINT c",
            insert(2001...2500), "RELEASE c")
        try waitForSpool(lab, files: 1)
        try lab.run("COMMIT")
        let all = try lab.read(reader)
        #expect(all.count == 1)
        #expect(ids(all[0]) == Array(1...500) + Array(1501...2500))
        #expect(lab.spoolFiles == [])
    }

    @Test("P27: streamed transactions that interleave come apart", arguments: TestDatabase.servers)
    func interleaved(server: String) throws {
        let lab = try LogLab(on: server, streaming: true, Self.table)
        let reader = try lab.open()
        let other = try lab.connect()
        try lab.run("BEGIN", insert(1...400))
        try other.run("BEGIN; \(insert(10_001...10_400))")
        try lab.run(insert(401...800))
        try other.run(insert(10_401...10_800))
        try waitForSpool(lab, files: 2)
        try other.run("COMMIT")
        let third = try lab.connect()
        try third.run("INSERT INTO t VALUES (0, 'small')")
        try lab.run("COMMIT")
        let all = try lab.read(reader)
        #expect(all.map(ids) == [Array(10_001...10_800), [0], Array(1...800)])
        #expect(lab.spoolFiles == [])
    }

    @Test("P27: an aborted one leaves nothing, not even a file", arguments: TestDatabase.servers)
    func aborted(server: String) throws {
        let lab = try LogLab(on: server, streaming: true, Self.table)
        let reader = try lab.open()
        try lab.run("BEGIN", insert(1...1000))
        try waitForSpool(lab, files: 1)
        try lab.run("ROLLBACK", insert(7...7, "y"))
        let all = try lab.read(reader)
        #expect(all.map(ids) == [[7]])
        #expect(lab.spoolFiles == [])
    }

    @Test(
        "P28: a table's shape in a rolled-back transaction is nobody else's",
        arguments: TestDatabase.servers)
    func rolledBackShape(server: String) throws {
        let lab = try LogLab(on: server, streaming: true, Self.table)
        let reader = try lab.open()
        try lab.run("INSERT INTO t VALUES (0, 'before')")
        try lab.run("BEGIN", "ALTER TABLE t ADD c int", insert(1...1000))
        try waitForSpool(lab, files: 1)
        try lab.run("ROLLBACK", "INSERT INTO t VALUES (2000, 'after')")
        #expect(try lab.lines(reader) == [["I t[0,before]"], ["I t[2000,after]"]])
    }

    @Test("P28: a committed one's shape is everybody's", arguments: TestDatabase.servers)
    func committedShape(server: String) throws {
        let lab = try LogLab(on: server, streaming: true, Self.table)
        let reader = try lab.open()
        try lab.run(
            "BEGIN", "INSERT INTO t VALUES (0, 'old')", "SAVEPOINT a", "ALTER TABLE t ADD d int",
            insert(1...600), "ROLLBACK TO a", "ALTER TABLE t ADD c int DEFAULT 5",
            insert(601...1200))
        try waitForSpool(lab, files: 1)
        try lab.run("COMMIT", "INSERT INTO t VALUES (2000, 'after')")
        let all = try lab.read(reader)
        #expect(all.map(\.lines.count) == [601, 1])
        #expect(all[0].lines.first == "I t[0,old]")
        #expect(all[0].lines.last?.hasSuffix(",5]") == true)
        #expect(all[1].lines == ["I t[2000,after,5]"])
    }

    @Test("P29: rolled-back transactions do not hold the position", arguments: TestDatabase.servers)
    func positionAfterAbort(server: String) throws {
        let lab = try LogLab(on: server, streaming: true, Self.table)
        let reader = try lab.open()
        for _ in 0..<3 { try lab.run("BEGIN; \(insert(1...900)); ROLLBACK") }
        _ = try lab.read(reader)
        let elsewhere = try TestDatabase(on: server)
        let writer = try elsewhere.connect()
        try writer.run(
            "CREATE TABLE public.w(a int); INSERT INTO public.w SELECT generate_series(1, 10000)")
        let goal = try lab.connection.run("SELECT pg_current_wal_lsn()").text(0, 0)
        let position = try #require(goal.flatMap { LogPosition(parsing: $0) })
        try lab.wait("the slot moves on") {
            if let end = try reader.next(timeout: 0.1)?.transactions.last?.endPosition {
                reader.confirm(end)
            }
            return try lab.confirmed >= position
        }
    }

    @Test(
        "At spool.max the server stores open transactions instead", arguments: TestDatabase.servers)
    func spoolLimit(server: String) throws {
        let lab = try LogLab(on: server, streaming: true, Self.table)
        let reader = try lab.open(spoolMax: 200_000)
        try lab.run("INSERT INTO t VALUES (0, 'before')")
        try lab.run("BEGIN", insert(1...2000), "COMMIT", "INSERT INTO t VALUES (3000, 'after')")
        let all = try lab.read(reader, confirming: false)
        #expect(all.map(ids) == [[0], Array(1...2000), [3000]])
        #expect(lab.spoolFiles == [])
    }

    @Test(
        "Files of the spool are deleted with the reader, those of a killed one at the next start"
    )
    func spoolFiles() throws {
        let lab = try LogLab(on: "pg18", streaming: true, Self.table)
        try FileManager.default.createDirectory(
            atPath: lab.spool, withIntermediateDirectories: true)
        let stale = "log-\(lab.names.slot)-77.spool"
        let foreign = "log-other-77.spool"
        for name in [stale, foreign] {
            try Data("x".utf8).write(to: URL(filePath: "\(lab.spool)/\(name)"))
        }
        var reader: PGLogReader? = try lab.open()
        #expect(lab.spoolFiles == [foreign])
        try lab.run("BEGIN", insert(1...1000))
        try waitForSpool(lab, files: 2)
        let file = try #require(lab.spoolFiles.first { $0 != foreign })
        let attributes = try FileManager.default.attributesOfItem(atPath: "\(lab.spool)/\(file)")
        #expect(attributes[.posixPermissions] as? Int == 0o600)
        #expect(reader != nil)
        reader = nil
        #expect(lab.spoolFiles == [foreign])
        try lab.run("COMMIT")
        #expect(try lab.read(try lab.open()).map(\.lines.count) == [1000])
    }

    @Test(
        "A streamed transaction larger than a batch comes in parts", arguments: TestDatabase.servers
    )
    func parts(server: String) throws {
        let lab = try LogLab(on: server, streaming: true, Self.table)
        let reader = try lab.open(memoryShare: 1)  // The least: batches of 64 kB.
        try lab.run("BEGIN", insert(1...1000), "COMMIT", insert(2000...2000))
        let all = try lab.read(reader)
        #expect(all.map(ids) == [Array(1...1000), [2000]])
        #expect(all[0].parts >= 4)
    }
}
