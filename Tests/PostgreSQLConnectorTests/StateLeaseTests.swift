import Foundation
import ReplicationEngine
import ReplicationModel
import Synchronization
import Testing

@testable import PostgreSQLConnector

@Suite("I7: only the newest holder writes")
struct StateLeaseTests {
    @Test("I7: while a lease runs nobody else gets the pipeline, and learns who has it")
    func refused() throws {
        let database = try TestDatabase()
        let first = try Fixture.acquired(database)
        let second = Fixture.target(database)
        defer { for target in [first, second] { target.close() } }
        let error = try #require(
            failure {
                _ = try second.acquire(
                    pipeline: "shop", setup: Fixture.setup, holder: Fixture.holder("b"), lease: 1)
            })
        #expect(error.kind == .fenced)
        #expect(error.why.contains("elsewhere") && error.why.contains("\(getpid())"))
        #expect(error.remedy != nil)
        try first.renewLease(RunReport(state: .streaming))
        let state = try #require(try second.load(pipeline: "shop"))
        #expect(state.report?.state == .streaming)
    }

    @Test("I7: an expired lease is taken over; the old holder cannot renew, store, run or write")
    func takeOver() throws {
        let database = try TestDatabase()
        let first = try Fixture.acquired(database, lease: 0.1)
        let old = try #require(try first.load(pipeline: "shop"))
        let session = try database.connect(.target)
        let fence = PGFence(pipeline: "shop", epoch: old.epoch)
        try PGLease.register(session, fence)
        try session.run("BEGIN")
        try fence.check(session)
        Thread.sleep(forTimeInterval: 0.2)

        let second = Fixture.target(database)
        defer { for target in [first, second] { target.close() } }
        var other = Fixture.setup
        other.capture.slot = "ignored"
        let state = try second.acquire(
            pipeline: "shop", setup: other, holder: Fixture.holder("b"), lease: 30)
        #expect(state.epoch == old.epoch + 1)
        #expect(state.setup == Fixture.setup)
        #expect(state.holder == Fixture.holder("b"))

        #expect(throws: ReplicationError.self) { try session.run("COMMIT") }
        #expect(!session.isAlive)
        let fresh = try database.connect(.target)
        #expect(failure { try PGLease.register(fresh, fence) }?.kind == .fenced)
        #expect(failure { try fence.check(fresh) }?.kind == .fenced)
        let checkpoint = Checkpoint(position: .zero, commitPosition: .zero)
        #expect(failure { try PGState.write(checkpoint, fence: fence, on: fresh) }?.kind == .fenced)
        let report = RunReport(state: .streaming)
        #expect(failure { try first.renewLease(report) }?.kind == .fenced)
        #expect(failure { try first.release(report) }?.kind == .fenced)
        #expect(
            failure { try first.run(["CREATE TABLE public.x ()"], tables: []) }?.kind == .fenced)
        #expect(
            failure {
                try first.store(setup: Fixture.setup, checkpoint: nil, tables: [])
            }?.kind == .fenced)
        #expect(failure { _ = try first.openApplier([], label: "x") }?.kind == .fenced)
        // A session that nobody recorded lives on, and is stopped by the epoch alone.
        let applier = try PGApplier(connection: fresh, fence: fence, routes: [])
        #expect(failure { try applier.begin() }?.kind == .fenced)
        try second.renewLease(report)
    }

    @Test("I7: of processes that start at once, one gets the pipeline", arguments: [false, true])
    func race(exists: Bool) throws {
        let database = try TestDatabase()
        let targets = (0..<4).map { _ in Fixture.target(database) }
        defer { for target in targets { target.close() } }
        try targets[0].prepare()
        if exists {
            _ = try targets[0].acquire(
                pipeline: "shop", setup: Fixture.setup, holder: Fixture.holder("z"), lease: 0.01)
            Thread.sleep(forTimeInterval: 0.05)
        }
        let outcomes = Mutex<[ReplicationError.Kind?]>([])
        let group = DispatchGroup()
        for (index, target) in targets.enumerated() {
            group.enter()
            WorkerThread.start("test") {
                let outcome = failure {
                    _ = try target.acquire(
                        pipeline: "shop", setup: Fixture.setup,
                        holder: Fixture.holder("\(index)", host: "host \(index)"), lease: 60)
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

    @Test("I7: a stopped holder's open transaction is ended, not waited for, and leaves nothing")
    func endsOpenTransaction() throws {
        let database = try TestDatabase()
        let first = try Fixture.acquired(database, lease: 0.1)
        try database.connect().run("CREATE TABLE public.t (id int)")
        let epoch = try #require(try first.load(pipeline: "shop")).epoch
        let session = try database.connect(.target)
        let fence = PGFence(pipeline: "shop", epoch: epoch)
        try PGLease.register(session, fence)
        try session.run("BEGIN")
        try fence.check(session)
        try session.run("INSERT INTO public.t VALUES (1)")
        Thread.sleep(forTimeInterval: 0.2)
        let second = try Fixture.acquired(database, instance: "b")
        defer { for target in [first, second] { target.close() } }
        #expect(try database.connect().run("SELECT FROM public.t").rowCount == 0)
    }

    @Test("I7: a pid that was used again is not ended")
    func reusedPID() throws {
        let database = try TestDatabase()
        let first = try Fixture.acquired(database, lease: 0.1)
        let bystander = try database.connect()
        try database.connect().query(
            "INSERT INTO martlet.session VALUES ('shop', $1::integer, '2020-01-01')",
            [String(bystander.backendPID)])
        Thread.sleep(forTimeInterval: 0.2)
        let second = try Fixture.acquired(database, instance: "b")
        defer { for target in [first, second] { target.close() } }
        #expect(try bystander.run("SELECT 1").rowCount == 1)
        let left = try bystander.query(
            "SELECT FROM martlet.session WHERE pid = $1::integer", [String(bystander.backendPID)])
        #expect(left.rowCount == 0)
    }

    @Test("A dead process of this host holds nothing; a living one and another host's do")
    func deadProcess() throws {
        let database = try TestDatabase()
        let child = Process()
        child.executableURL = URL(fileURLWithPath: "/bin/sleep")
        child.arguments = ["100"]
        try child.run()
        let target = Fixture.target(database)
        let next = Fixture.target(database)
        defer { for target in [target, next] { target.close() } }
        try target.prepare()
        func take(_ target: PostgreSQLTarget, _ holder: Holder) throws {
            _ = try target.acquire(
                pipeline: "shop", setup: Fixture.setup, holder: holder, lease: 60)
        }
        try take(target, Fixture.holder("old", pid: child.processIdentifier))
        #expect(failure { try take(next, Fixture.holder("new")) }?.kind == .fenced)
        kill(child.processIdentifier, SIGKILL)
        child.waitUntilExit()
        #expect(failure { try take(next, Fixture.holder("new", host: "there")) }?.kind == .fenced)
        try take(next, Fixture.holder("new"))
        #expect(failure { try target.renewLease(RunReport(state: .streaming)) }?.kind == .fenced)
    }

    @Test("A released lease needs no waiting, and keeps what the last run said")
    func released() throws {
        let database = try TestDatabase()
        let first = try Fixture.acquired(database)
        var report = RunReport(state: .failed)
        report.error = "error: it\nwhy: broke"
        report.received = LogPosition(rawValue: 77)
        try first.release(report)
        let state = try #require(try first.load(pipeline: "shop"))
        #expect(state.report == report)
        #expect(!state.leaseIsValid && state.holder == nil)
        let second = try Fixture.acquired(database, instance: "b")
        for target in [first, second] { target.close() }
    }

    @Test(
        "Renewing does not wait for transactions that hold the epoch, nor for a running statement")
    func renewsBesideWork() throws {
        let database = try TestDatabase()
        let target = try Fixture.acquired(database, lease: 60)
        defer { target.close() }
        let epoch = try #require(try target.load(pipeline: "shop")).epoch
        let session = try database.connect(.target)
        try session.run("BEGIN")
        try PGFence(pipeline: "shop", epoch: epoch).check(session)
        let done = DispatchSemaphore(value: 0)
        WorkerThread.start("test") {
            _ = try? target.run(["SELECT pg_sleep(60)"], tables: [])
            done.signal()
        }
        let start = Date()
        for _ in 0..<5 { try target.renewLease(RunReport(state: .loading)) }
        #expect(Date().timeIntervalSince(start) < 50)
        target.close()
        done.wait()
    }

    @Test("The same process acquires again, and its lost connections come back by themselves")
    func reconnects() throws {
        let database = try TestDatabase()
        let target = try Fixture.acquired(database)
        defer { target.close() }
        try target.renewLease(RunReport(state: .streaming))
        try database.connect().run(
            """
            SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
            WHERE datname = current_database() AND pid <> pg_backend_pid()
            """)
        try target.renewLease(RunReport(state: .streaming))
        try target.store(setup: Fixture.setup, checkpoint: nil, tables: [])
        _ = try target.acquire(
            pipeline: "shop", setup: Fixture.setup,
            holder: Fixture.holder("a", host: "elsewhere"), lease: 30)
        try target.renewLease(RunReport(state: .streaming))
    }

    @Test("Closing breaks a statement that runs")
    func closes() throws {
        let database = try TestDatabase()
        let target = try Fixture.acquired(database)
        let done = DispatchSemaphore(value: 0)
        WorkerThread.start("test") {
            _ = try? target.run(["SELECT pg_sleep(60)"], tables: [])
            done.signal()
        }
        let watcher = try database.connect()
        let deadline = Date().addingTimeInterval(10)
        let asleep = "SELECT FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND datname = $1"
        while try watcher.query(asleep, [database.name]).rowCount == 0, Date() < deadline {
            Thread.sleep(forTimeInterval: 0.02)
        }
        target.close()
        #expect(done.wait(timeout: .now() + 30) == .success)
        #expect(failure { _ = try target.load(pipeline: "shop") }?.kind == .connectionLost)
    }
}
