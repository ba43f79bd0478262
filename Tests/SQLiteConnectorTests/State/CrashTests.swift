import Foundation
import ReplicationEngine
import ReplicationModel
import Testing

@testable import SQLiteConnector

/// The files as a process that is killed leaves them: copied while it is at work, without its
/// shared memory.
@Suite("Crash")
struct CrashTests {
    static let table = StateTests.table

    private func copy(_ file: TargetFile, as name: String) throws -> SQLiteTarget {
        let path = file.directory.appending(path: name).path
        try FileManager.default.copyItem(atPath: file.path, toPath: path)
        try FileManager.default.copyItem(atPath: file.path + "-wal", toPath: path + "-wal")
        return SQLiteTarget(path: path)
    }

    private func ids(_ target: SQLiteTarget) throws -> [Int64] {
        let session = try SQLiteSession(path: target.path, access: .readOnly, busySeconds: 1)
        return try session.rows("SELECT id FROM t ORDER BY id LIMIT 3") { $0.integer(0) ?? -1 }
    }

    @Test("I1: After a kill the rows and the checkpoint of the last commit are there, no others")
    func killed() throws {
        let file = try TargetFile([Self.table])
        let applier = try file.target.openApplier([Self.table], label: "test")
        defer { applier.close() }
        func write(_ rows: String) throws {
            try applier.begin()
            try applier.beginRows(route: 0, format: .copyText)
            try Array(rows.utf8).withUnsafeBytes { try applier.writeRows($0) }
            _ = try applier.endRows()
        }
        try write("1\tx\n")
        try applier.commit(StateTests.checkpoint, durable: false)
        // More than the cache holds: pages of the open transaction are in the log already.
        let large = String(repeating: "y", count: 4000)
        try write((2..<10_000).map { "\($0)\t\(large)\n" }.joined())
        let log = try FileManager.default.attributesOfItem(atPath: file.path + "-wal")
        #expect(try #require(log[.size] as? Int) > 8 << 20)

        let killed = try copy(file, as: "killed.db")
        let stored = try #require(try killed.load(pipeline: "p"))
        #expect(stored.checkpoint == StateTests.checkpoint)
        #expect(try ids(killed) == [1])

        var next = StateTests.checkpoint
        next.transactions += 1
        try applier.commit(next, durable: true)
        let later = try copy(file, as: "later.db")
        #expect(try later.load(pipeline: "p")?.checkpoint == next)
        #expect(try ids(later) == [1, 2, 3])
    }

    @Test("A killed holder's successor goes on with the same file")
    func successor() throws {
        let file = try TargetFile([Self.table])
        try file.load("1\tx\n", Self.table)
        let applier = try file.target.openApplier([Self.table], label: "test")
        defer { applier.close() }
        try applier.begin()
        let killed = try copy(file, as: "killed.db")
        try killed.prepare()
        let former = Holder(host: "here", pid: getpid(), instance: "restarted")
        let stored = try killed.acquire(
            pipeline: "p", setup: TargetFile.setup, holder: former, lease: 10)
        #expect(stored.epoch == 2)
        try killed.run(["INSERT INTO t VALUES (2, 'y')"], tables: [])
        #expect(try ids(killed) == [1, 2])
    }
}
