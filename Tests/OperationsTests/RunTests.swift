import Configuration
import Foundation
import Operations
import ReplicationEngine
import ReplicationModel
import Synchronization
import Testing

/// A pipeline that runs until it is drained.
private final class FakeRun: PipelineRun {
    private let drains = Mutex<[Double]>([])
    var drained: [Double] { drains.withLock { $0 } }
    let ended = FirstResult<Bool>()
    let hangs: Bool

    init(hangs: Bool = false) { self.hangs = hangs }

    func run() throws -> RunEnd {
        while ended.result == nil { Thread.sleep(forTimeInterval: 0.01) }
        return .drained
    }
    func drain(timeout: Double) {
        drains.withLock { $0.append(timeout) }
        if !hangs { ended.deliver(.success(true)) }
    }
    var progress: RunProgress {
        var progress = RunProgress()
        progress.applied = LogPosition(rawValue: 1)
        return progress
    }
}

@Suite("run")
struct RunTests {
    private func operation(
        _ run: FakeRun, source: FakeSource = FakeSource([table("public", "a")]),
        target: FakeTarget = FakeTarget(), edit: (inout RunOptions) -> Void = { _ in }
    ) throws -> RunOperation {
        var options = RunOptions()
        edit(&options)
        let parts = RunOperation.Parts(
            open: { try PipelineScope($0, source: source, target: target) },
            pipeline: { preparation, _ in
                target.state.withLock {
                    $0.calls.append("former \(preparation.formerTargets.count)")
                }
                return run
            })
        return RunOperation(try configuration(), options: options, logger: silent, parts: parts)
    }

    @Test("Asked to stop, the engine drains within its time and run ends well")
    func drain() async throws {
        let run = FakeRun()
        let operation = try operation(run) { $0.drain = TimeSpan(seconds: 5) }
        async let report = BlockingCall.run("run") { try operation.run() }
        while operation.progress == nil { try await Task.sleep(for: .milliseconds(5)) }
        operation.stop { _ in }
        #expect(try await report.end == .drained)
        #expect(run.drained == [5])
    }

    @Test("Asked to stop before there is an engine, run ends without one")
    func early() throws {
        let run = FakeRun()
        let operation = try operation(run)
        let result = FirstResult<RunReportOnExit>()
        operation.stop(deliver: result.deliver)
        #expect(try result.result?.get().end == .drained)
        #expect(try operation.run().end == .drained)
        #expect(run.drained.isEmpty)
    }

    @Test("An engine that does not end in its time is not waited for")
    func hung() async throws {
        let run = FakeRun(hangs: true)
        let operation = try operation(run) { $0.drain = TimeSpan(seconds: 0) }
        BlockingCall.start("run") { _ = try? operation.run() }
        while operation.progress == nil { try await Task.sleep(for: .milliseconds(5)) }
        let result = FirstResult<RunReportOnExit>()
        operation.stop(deliver: result.deliver)
        #expect(result.result == nil)
        await result.wait()
        #expect(try result.result?.get().end == .drained)
        run.ended.deliver(.success(true))
    }

    @Test("The first start looks at both ends and refuses with 3; a later one does not")
    func preflight() throws {
        let source = FakeSource([table("public", "a")])
        source.set(\.findings, [Finding(.refused, "wal_level", "replica", try: "ALTER SYSTEM")])
        let target = FakeTarget()
        let run = FakeRun()
        run.ended.deliver(.success(true))
        let first = try operation(run, source: source, target: target)
        let error = #expect(throws: ReplicationError.self) { try first.run() }
        #expect(error?.exitCode == 3)
        #expect(error?.why == "wal_level: replica")
        #expect(error?.remedy == "ALTER SYSTEM")
        target.set(\.stored, stored(valid: false))
        #expect(try operation(run, source: source, target: target).run().end == .drained)
    }

    @Test("--fresh keeps the state when the new beginning would be refused")
    func freshRefused() throws {
        let source = FakeSource([table("public", "a")])
        source.set(\.findings, [Finding(.refused, "wal_level", "replica")])
        let target = FakeTarget()
        target.set(\.stored, stored(valid: false))
        let run = FakeRun()
        run.ended.deliver(.success(true))
        let operation = try operation(run, source: source, target: target) { $0.fresh = true }
        #expect(throws: ReplicationError.self) { try operation.run() }
        #expect(target.calls == ["close"])
        #expect(source.calls.isEmpty)
    }

    @Test("--fresh forgets the state first and hands on which tables it had filled")
    func fresh() throws {
        let target = FakeTarget()
        target.set(\.stored, stored(valid: false))
        let run = FakeRun()
        run.ended.deliver(.success(true))
        _ = try operation(run, target: target) { $0.fresh = true }.run()
        #expect(target.calls == ["drop shop", "former 1", "close"])
    }

    @Test("A position of another engine's log is refused before anything is made")
    func otherForms() throws {
        let binlog = try RunOptions.position(parsing: "binlog:x.000042:4", option: "--until")
        let edits: [(inout RunOptions) -> Void] = [
            { $0.goal = .position(binlog) }, { $0.startAt = .position(binlog) },
            { $0.startAt = .gtids(GTIDSet()) },
        ]
        for edit in edits {
            let target = FakeTarget()
            let run = FakeRun()
            run.ended.deliver(.success(true))
            let operation = try operation(run, target: target, edit: edit)
            let error = #expect(throws: ReplicationError.self) { try operation.run() }
            #expect(error?.exitCode == 2)
            #expect(error?.why.contains("no position of the source's log") == true)
            #expect(target.calls == ["close"])
        }
    }

    @Test("Positions are read with and without their prefix; sets of GTIDs as a start only")
    func positions() throws {
        let lsn = LogPosition(rawValue: 0x5F2)
        let binlog = LogPosition(file: 42, offset: 1234)
        for (text, wanted) in [
            ("lsn:0/5F2", lsn), ("0/5F2", lsn), ("000042:1234", binlog),
            ("binlog:mysql-bin.000042:1234", binlog), ("binlog:000042:1234", binlog),
        ] {
            #expect(try RunOptions.position(parsing: text, option: "--until") == wanted)
            let start = try RunOptions.start(parsing: text, option: "--start-at")
            #expect(start == wanted.map { .position($0) })
        }
        let start = try RunOptions.start(parsing: "gtid:0-1-5,1-7-2", option: "--start-at")
        #expect(start == GTIDSet(parsing: "0-1-5,1-7-2").map { .gtids($0) })
        for text in ["gtid:1-2-3", "binlog:a:4", "binlog:0/5F2", "lsn:42:4", "5F2", "lsn:x", ""] {
            let error = #expect(throws: ReplicationError.self) {
                try RunOptions.position(parsing: text, option: "--until")
            }
            #expect(error?.exitCode == 2)
        }
        for text in ["gtid:", "gtid:nothing"] {
            #expect(throws: ReplicationError.self) {
                try RunOptions.start(parsing: text, option: "--start-at")
            }
        }
    }
}
