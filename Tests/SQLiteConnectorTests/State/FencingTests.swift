import Foundation
import ReplicationEngine
import ReplicationModel
import Testing

@testable import SQLiteConnector

@Suite("I7: Fencing")
struct FencingTests {
    static let table = StateTests.table
    /// A process that is alive while the test runs and is not the test.
    static let other = Holder(host: "here", pid: getppid(), instance: "second")

    @Test("While the lease runs nobody else takes over; afterwards the former holder is fenced")
    func takeover() throws {
        let file = try TargetFile([Self.table])
        let second = SQLiteTarget(path: file.path, busySeconds: 0.2)
        let refused = failure {
            _ = try second.acquire(
                pipeline: "p", setup: TargetFile.setup, holder: Self.other, lease: 10)
        }
        // The first holder is this very process, which is alive.
        #expect(refused?.kind == .fenced)
        #expect(refused?.why.contains("\(getpid())") == true)

        let applier = try file.target.openApplier([Self.table], label: "test")
        defer { applier.close() }
        try file.elsewhere("UPDATE martlet_pipeline SET lease_until = 1")
        let stored = try second.acquire(
            pipeline: "p", setup: TargetFile.setup, holder: Self.other, lease: 10)
        #expect(stored.epoch == 2)
        #expect(stored.leaseIsValid)
        let attempts: [() throws -> Void] = [
            { try applier.begin() },
            { try file.target.renewLease(RunReport(state: .streaming)) },
            { try file.target.release(RunReport(state: .stopped)) },
            { try file.target.run(["CREATE TABLE x (a)"], tables: []) },
            { try file.target.empty(Self.table.target) },
            { try file.target.store(setup: TargetFile.setup, checkpoint: nil, tables: []) },
            { try file.target.drop(pipeline: "p") },
        ]
        for attempt in attempts { #expect(failure(attempt)?.kind == .fenced) }
        try second.renewLease(RunReport(state: .streaming))
        #expect(try file.target.shape(of: TableName(schema: "", name: "x")) == nil)
    }

    @Test("A dead process's lease does not hold; another host's does")
    func deadHolder() throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/bin/true")
        try process.run()
        process.waitUntilExit()
        let dead = Holder(host: "here", pid: process.processIdentifier, instance: "x")
        #expect(Takeover.isDead(dead, seenBy: TargetFile.me))
        var elsewhere = dead
        elsewhere.host = "there"
        #expect(!Takeover.isDead(elsewhere, seenBy: TargetFile.me))
        let former = Holder(host: "here", pid: getpid(), instance: "before the restart")
        #expect(Takeover.isDead(former, seenBy: TargetFile.me))

        let file = try TargetFile()
        let next = SQLiteTarget(path: file.path)
        try file.elsewhere("UPDATE martlet_pipeline SET holder_pid = \(dead.pid)")
        let stored = try next.acquire(
            pipeline: "p", setup: TargetFile.setup, holder: Self.other, lease: 10)
        #expect(stored.epoch == 2)
    }

    @Test("`drop` by another process is refused while the lease runs")
    func dropRefused() throws {
        let file = try TargetFile()
        let second = SQLiteTarget(path: file.path)
        #expect(failure { try second.drop(pipeline: "p") }?.kind == .fenced)
        try file.target.release(RunReport(state: .stopped))
        try second.drop(pipeline: "p")
    }

    @Test("Every commit extends the lease: a transaction may last longer than it")
    func commitExtends() throws {
        let file = try TargetFile([Self.table])
        try file.elsewhere("UPDATE martlet_pipeline SET lease_until = 1")
        try file.load("1\tx\n", Self.table)
        #expect(try file.target.load(pipeline: "p")?.leaseIsValid == true)
    }

    @Test("A lease is not renewed over an open transaction of ours, and that is no error")
    func renewBesideTransaction() throws {
        let file = try TargetFile([Self.table])
        let applier = try file.target.openApplier([Self.table], label: "test")
        try applier.begin()
        try file.target.renewLease(RunReport(state: .streaming))
        #expect(try file.target.load(pipeline: "p")?.report == nil)
        applier.close()
        try file.target.renewLease(RunReport(state: .streaming))
        #expect(try file.target.load(pipeline: "p")?.report?.state == .streaming)
    }

    @Test("Without `acquire` nothing is written")
    func notAcquired() throws {
        let file = try TargetFile(acquired: false)
        try file.target.prepare()
        let error = failure { try file.target.run(["CREATE TABLE x (a)"], tables: []) }
        #expect(error?.kind == .internalFault)
    }
}
