import Configuration
import Foundation
import Operations
import ReplicationEngine
import ReplicationModel
import Synchronization
import Testing

@Suite("check and plan")
struct CheckAndPlanTests {
    private func scope(_ edit: (FakeSource, FakeTarget) -> Void = { _, _ in }) throws
        -> PipelineScope
    {
        let source = FakeSource([
            table("public", "a", rows: 120_001), table("public", "k", id: 2, rows: 9, key: []),
        ])
        let target = FakeTarget()
        edit(source, target)
        return try PipelineScope(
            try configuration(to: "postgres://h/x"), source: source, target: target)
    }

    @Test("Findings are grouped by side, the refused first, and refuse the run")
    func findings() throws {
        let scope = try scope { source, target in
            source.set(
                \.findings,
                [
                    Finding(.ok, "wal_level", "logical"),
                    Finding(
                        .refused, "privilege", "no REPLICATION", try: "ALTER ROLE u REPLICATION"),
                ])
            target.set(
                \.findings,
                [
                    Finding(
                        .warning, "trigger", "fires",
                        table: TableName(schema: "public", name: "a"))
                ])
        }
        let report = try CheckReport(scope, install: false)
        #expect(report.exitCode == 3)
        #expect(
            report.lines == [
                "source", "  REFUSED privilege: no REPLICATION",
                "          try: ALTER ROLE u REPLICATION", "  ok      wal_level: logical",
                "target", "  warn    trigger (public.a): fires",
                "ok: 1, warnings: 1, refused: 1; run would not start",
            ])
        let json = try object(report)
        #expect(json["ok"] as? Bool == false)
        #expect((json["findings"] as? [[String: Any]])?.count == 3)
        #expect(report.output(json: true).hasPrefix(#"{"schema":1,"pipeline":"shop","ok":false"#))
    }

    @Test(
        "Rows that Martlet did not write are refused unless the configuration says what to do",
        arguments: [(.refuse, 3), (.truncate, 0), (.merge, 0)]
            as [(PipelineConfiguration.Existing, Int32)])
    func existingRows(existing: PipelineConfiguration.Existing, exitCode: Int32) throws {
        let target = FakeTarget()
        target.set(\.findings, [Finding(.refused, "existing rows", "public.a has rows")])
        let scope = try PipelineScope(
            try configuration { $0.existing = existing },
            source: FakeSource([table("public", "a")]), target: target)
        #expect(try CheckReport(scope, install: false).exitCode == exitCode)
    }

    @Test("check changes nothing unless --install is given, which tells what it ran")
    func install() throws {
        let scope = try scope()
        let source = try #require(scope.source as? FakeSource)
        #expect(try CheckReport(scope, install: false).installed.isEmpty)
        #expect(source.calls.isEmpty)
        let report = try CheckReport(scope, install: true)
        #expect(source.calls == ["install"])
        #expect(report.lines.prefix(2) == ["installed", "  CREATE PUBLICATION martlet_shop;"])
        #expect(report.exitCode == 0)
    }

    @Test("--print and --print-grants give SQL and nothing else")
    func statements() throws {
        let scope = try scope()
        #expect(
            try StatementReport.installation(scope).lines == [
                "-- installation", "CREATE PUBLICATION martlet_shop;",
            ])
        #expect(
            try StatementReport.grants(scope).lines == [
                "-- source", "GRANT SELECT;", "-- target", "GRANT INSERT;",
            ])
        #expect((scope.source as? FakeSource)?.calls == [])
    }

    @Test("The plan shows tables, chunks, statements by phase and what is not carried")
    func plan() throws {
        var schema = SchemaPlan()
        schema.beforeRows = ["CREATE TABLE a (\n  id int)"]
        schema.afterRows = [1: ["CREATE INDEX i ON a (id)"]]
        schema.whenConsistent = ["ALTER TABLE a ADD UNIQUE (id)"]
        schema.mappings = ["public.a.doc: text -> TEXT"]
        let scope = try scope { $1.set(\.plan, schema) }
        let report = try PlanReport(scope)
        #expect(report.exitCode == 0)
        let text = report.output(json: false)
        #expect(text.contains("postgres://u:***@db1/shop"))
        #expect(!text.contains("geheim"))
        #expect(text.contains("CREATE INDEX i ON a (id);"))
        #expect(text.contains("after the rows of public.a"))
        #expect(text.contains("pg_dump --schema-only --section=pre-data"))
        #expect(text.contains("pg_dump --schema-only --section=post-data"))
        #expect(!text.contains("function: 0"))
        let json = try object(report)
        let tables = try #require(json["tables"] as? [[String: Any]])
        #expect(tables[0]["chunks_estimated"] as? Int == 3)
        #expect(tables[0]["key"] as? [String] == ["id"])
        #expect(tables[1]["chunks_estimated"] as? Int == 1)
        #expect(tables[1]["key"] as? [String] == [])
        #expect(json["problems"] as? [String] == [])
    }

    @Test("A plan with a problem ends with 3")
    func problem() throws {
        var schema = SchemaPlan()
        schema.problems = [ReplicationError(.unfitSchema, "make the table", why: "it differs")]
        let report = try PlanReport(try scope { $1.set(\.plan, schema) })
        #expect(report.exitCode == 3)
        #expect(report.lines.contains("  why: it differs"))
    }
}

@Suite("drop")
struct DropTests {
    private let slot = SlotState(
        confirmed: LogPosition(rawValue: 9), isActive: false, activePID: nil,
        walStatus: "reserved", plugin: "pgoutput", database: "shop", isTwoPhase: false,
        invalidationReason: nil)

    @Test("Slot, publication, state go in this order, by the stored names")
    func order() throws {
        let (source, target) = (FakeSource([]), FakeTarget())
        source.set(\.slot, slot)
        target.set(\.stored, stored(valid: false))
        var report = try DropReport(try configuration(), source: source, target: target)
        #expect(source.calls.isEmpty)
        #expect(target.calls.isEmpty)
        #expect(report.items.map(\.name) == ["s1", "p1", "shop"])
        #expect(report.lines[0] == "would drop slot s1 (confirmed 0/9, not in use)")
        try report.drop(source: source, target: target)
        #expect(source.calls == ["drop slot s1", "drop publication p1"])
        #expect(target.calls == ["drop shop"])
        #expect(report.lines[0].hasPrefix("dropped slot s1"))
    }

    @Test("A publication made by somebody else stays; without state the configured names count")
    func given() throws {
        let (source, target) = (FakeSource([]), FakeTarget())
        let configuration = try configuration { $0.publication = "theirs" }
        var report = try DropReport(configuration, source: source, target: target)
        #expect(report.lines[0] == "left publication theirs (made by somebody else)")
        try report.drop(source: source, target: target)
        #expect(source.calls.isEmpty)
    }

    @Test("A pipeline that runs is not dropped")
    func running() throws {
        let (source, target) = (FakeSource([]), FakeTarget())
        source.set(\.slot, slot)
        target.set(\.stored, stored())
        var report = try DropReport(try configuration(), source: source, target: target)
        let error = #expect(throws: ReplicationError.self) {
            try report.drop(source: source, target: target)
        }
        #expect(error?.exitCode == 75)
        #expect(source.calls.isEmpty)
        #expect(target.calls.isEmpty)
    }

    @Test("A lease that a dead process of this machine left behind does not hinder")
    func deadHolder() throws {
        let (source, target) = (FakeSource([]), FakeTarget())
        let process = Process()
        process.executableURL = URL(filePath: "/bin/true")
        try process.run()
        process.waitUntilExit()
        let dead = Holder(
            host: ProcessInfo.processInfo.hostName, pid: process.processIdentifier, instance: "x")
        target.set(\.stored, stored { $0.holder = dead })
        var report = try DropReport(try configuration(), source: source, target: target)
        try report.drop(source: source, target: target)
        #expect(target.calls == ["drop shop"])
    }
}

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
        let operation = try operation(FakeRun(), source: source, target: target) { $0.fresh = true }
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

    @Test("Positions are LSNs, with or without their prefix")
    func positions() throws {
        let lsn = try RunOptions.position(parsing: "lsn:0/5F2", option: "--until")
        #expect(lsn == LogPosition(rawValue: 0x5F2))
        #expect(try RunOptions.position(parsing: "0/5F2", option: "--until") == lsn)
        for text in ["gtid:1-2-3", "binlog:a:4", "5F2", "lsn:x"] {
            let error = #expect(throws: ReplicationError.self) {
                try RunOptions.position(parsing: text, option: "--until")
            }
            #expect(error?.exitCode == 2)
        }
    }
}
