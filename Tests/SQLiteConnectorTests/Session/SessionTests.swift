import Foundation
import ReplicationEngine
import ReplicationModel
import Synchronization
import Testing

@testable import SQLiteConnector

@Suite("Sessions and locks")
struct SessionTests {
    static let table = StateTests.table

    @Test("The write lock is given in the order asked")
    func fifo() throws {
        let lock = WriteLock()
        let order = Mutex<[Int]>([])
        let done = DispatchSemaphore(value: 0)
        lock.lock()
        for number in 0..<8 {
            WorkerThread.start("w\(number)") {
                lock.lock()
                order.withLock { $0.append(number) }
                lock.unlock()
                done.signal()
            }
            while lock.waitingCount < number + 1 { Thread.sleep(forTimeInterval: 0.001) }
        }
        lock.unlock()
        for _ in 0..<8 { #expect(done.wait(timeout: .now() + 10) == .success) }
        #expect(order.withLock { $0 } == Array(0..<8))
    }

    @Test("Who gives up waiting leaves the queue to the others")
    func givesUp() {
        let lock = WriteLock()
        lock.lock()
        #expect(!lock.lock(within: 0.01))
        #expect(lock.waitingCount == 0)
        lock.unlock()
        #expect(lock.lock(within: 0.01))
    }

    @Test("Load and stream of one target take turns, and every row arrives")
    func turns() throws {
        let file = try TargetFile([Self.table])
        let target = file.target
        let done = DispatchSemaphore(value: 0)
        let errors = Mutex<[String]>([])
        for worker in 0..<4 {
            WorkerThread.start("worker-\(worker)") {
                do {
                    let applier = try target.openApplier([Self.table], label: "w\(worker)")
                    for round in 0..<25 {
                        try applier.begin()
                        try applier.beginRows(route: 0, format: .copyText)
                        let row = Array("\(worker * 1000 + round)\tx\n".utf8)
                        try row.withUnsafeBytes { try applier.writeRows($0) }
                        _ = try applier.endRows()
                        try applier.commit(nil, durable: round % 5 == 0)
                    }
                    applier.close()
                } catch { errors.withLock { $0.append("\(error)") } }
                done.signal()
            }
        }
        for _ in 0..<4 { #expect(done.wait(timeout: .now() + 30) == .success) }
        #expect(errors.withLock { $0 } == [])
        #expect(try file.rows("SELECT count(*) FROM t") == ["100"])
    }

    @Test("Another program's lock is waited for, then the target is unavailable, naming the file")
    func busy() throws {
        let file = try TargetFile([Self.table])
        let other = try SQLiteSession(path: file.path, access: .readWrite, busySeconds: 1)
        try other.run("BEGIN IMMEDIATE")
        let start = Date()
        let error = failure { try file.load("1\tx\n", Self.table) }
        #expect(error?.kind == .targetUnavailable)
        #expect(error?.why.contains(file.path) == true)
        #expect(Date().timeIntervalSince(start) >= 0.2)
        #expect(try file.target.load(pipeline: "p") != nil)
        try other.run("ROLLBACK")
        try file.load("1\tx\n", Self.table)
    }

    @Test("The process that holds a lock is found in the system's list")
    func lockOwner() {
        let locks = """
            1: POSIX  ADVISORY  READ 12 fe:01:77 128 128
            2: POSIX  ADVISORY  WRITE 99 fe:01:77 120 120
            3: FLOCK  ADVISORY  WRITE 13 fe:01:78 0 EOF
            """
        #expect(LockOwner.owner(in: locks, inode: 77, besides: 1) == 99)
        #expect(LockOwner.owner(in: locks, inode: 77, besides: 99) == nil)
        #expect(LockOwner.owner(in: locks, inode: 79, besides: 1) == nil)
    }

    @Test("Readers are not blocked by an open transaction and do not block it")
    func readers() throws {
        let file = try TargetFile([Self.table])
        try file.load("1\tx\n", Self.table)
        let applier = try file.target.openApplier([Self.table], label: "test")
        defer { applier.close() }
        try applier.begin()
        try applier.wipe(route: 0)
        let reader = try SQLiteSession(path: file.path, access: .readOnly, busySeconds: 0)
        try reader.run("BEGIN")
        #expect(try reader.rows("SELECT a FROM t") { $0.text(0) } == ["x"])
        try applier.commit(nil, durable: true)
        #expect(try reader.rows("SELECT a FROM t") { $0.text(0) } == ["x"])
        #expect(try file.rows("SELECT a FROM t") == [])
    }

    @Test("A full file makes the target unavailable, and the transaction can be taken back")
    func full() throws {
        let file = try TargetFile([Self.table])
        let session = try SQLiteSession(path: file.path, access: .readWrite, busySeconds: 1)
        let pages = try session.rows("PRAGMA page_count") { $0.integer(0) ?? 0 }
        try session.run("PRAGMA max_page_count = \(pages[0] + 1)")
        try session.run("BEGIN IMMEDIATE")
        let error = failure {
            do {
                for id in 0..<100 {
                    try session.execute(
                        "INSERT INTO t VALUES (?, ?)",
                        [.integer(Int64(id)), .text(String(repeating: "x", count: 1000))])
                }
            } catch { throw error.asReplicationError() }
        }
        #expect(error?.kind == .targetUnavailable)
        #expect(error?.why.contains(file.path) == true)
        #expect(error?.remedy?.contains("disk") == true)
    }

    @Test("What is no database, and a directory that is missing, are named")
    func unusable() throws {
        let file = try TargetFile(acquired: false)
        try Data("this is not a database, and long enough to be read as one".utf8)
            .write(to: URL(fileURLWithPath: file.path))
        let error = failure { try file.target.prepare() }
        #expect(error?.kind == .unfitSchema)
        #expect(error?.why.contains(file.path) == true)
        #expect(try file.target.preflight([], prerequisites: []).map(\.severity) == [.refused])
        let missing = SQLiteTarget(path: file.directory.path + "/none/x.db")
        #expect(failure { try missing.prepare() }?.kind == .targetUnavailable)
        #expect(try missing.preflight([], prerequisites: []).map(\.severity) == [.refused])
    }

    @Test("A file of UTF-16 is refused")
    func encoding() throws {
        let file = try TargetFile(acquired: false)
        var handle = Process()
        handle = Process()
        handle.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        handle.arguments = ["sqlite3", file.path, "PRAGMA encoding='UTF-16'; CREATE TABLE t(a);"]
        try handle.run()
        handle.waitUntilExit()
        #expect(failure { try file.target.prepare() }?.kind == .unfitSetting)
    }

    @Test("A10: The log stays bounded over many transactions")
    func boundedLog() throws {
        let file = try TargetFile([Self.table])
        let applier = try file.target.openApplier([Self.table], label: "test")
        defer { applier.close() }
        let text = String(repeating: "x", count: 1000)
        for round in 0..<60 {
            try applier.begin()
            try applier.beginRows(route: 0, format: .copyText)
            let rows = (0..<1000).map { "\(round * 1000 + $0)\t\(text)\n" }.joined()
            try Array(rows.utf8).withUnsafeBytes { try applier.writeRows($0) }
            _ = try applier.endRows()
            try applier.commit(nil, durable: false)
        }
        let log = try FileManager.default.attributesOfItem(atPath: file.path + "-wal")
        #expect(try #require(log[.size] as? Int) < 32 << 20)
        #expect(try file.rows("SELECT count(*) FROM t") == ["60000"])
    }
}
