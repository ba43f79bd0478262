package import Configuration
import Foundation
package import Logging
import ReplicationEngine
import ReplicationModel
import Synchronization

/// `run`: opens both ends, looks at them before the first start, and runs the engine.
///
/// `run` blocks on its own thread; `drain` and `progress` come from others, at any moment, also
/// before the engine is there.
package final class RunOperation: Sendable {
    /// How the parts come to be; tests put their own in.
    package struct Parts: Sendable {
        package var open: @Sendable (PipelineConfiguration) throws -> PipelineScope
        package var pipeline: @Sendable (RunPreparation, Logger) throws -> any PipelineRun

        package init(
            open: @escaping @Sendable (PipelineConfiguration) throws -> PipelineScope,
            pipeline: @escaping @Sendable (RunPreparation, Logger) throws -> any PipelineRun
        ) {
            self.open = open
            self.pipeline = pipeline
        }

        package static let real = Parts(open: PipelineScope.open, pipeline: Connectors.pipeline)
    }

    private enum Phase {
        case preparing
        case running(any PipelineRun)
        /// Drained before there was anything to drain.
        case stopped
    }

    private let configuration: PipelineConfiguration
    private let options: RunOptions
    private let parts: Parts
    private let logger: Logger
    private let phase = Mutex(Phase.preparing)

    package init(
        _ configuration: PipelineConfiguration, options: RunOptions, logger: Logger,
        parts: Parts = .real
    ) {
        self.configuration = configuration
        self.options = options
        self.logger = logger
        self.parts = parts
    }

    /// Blocks until the goal is reached or the run is drained.
    package func run() throws -> RunReportOnExit {
        let scope = try parts.open(configuration)
        defer { scope.close() }
        let preparation = try prepare(scope)
        let pipeline = try parts.pipeline(preparation, logger)
        let isWanted = phase.withLock { phase in
            if case .stopped = phase { return false }
            phase = .running(pipeline)
            return true
        }
        guard isWanted else { return report(.drained, RunProgress()) }
        let end = try pipeline.run()
        return report(end, pipeline.progress)
    }

    private func report(_ end: RunEnd, _ progress: RunProgress) -> RunReportOnExit {
        RunReportOnExit(pipeline: configuration.name, end: end, progress: progress)
    }

    /// Time beyond the drain's own after which the process goes without waiting: whatever is open
    /// at the target is rolled back by its server.
    private static let graceSeconds = 3.0
    private static let preparingSeconds = 1.0

    /// Ends `run` after what is received whole has been committed. Safe from any thread; more than
    /// once changes nothing. `deliver` is called when there is nothing to wait for, or when the
    /// engine has not ended in its time.
    package func stop(
        deliver: @escaping @Sendable (Result<RunReportOnExit, any Error>) -> Void
    ) {
        let pipeline: (any PipelineRun)? = phase.withLock { phase in
            guard case .running(let pipeline) = phase else {
                phase = .stopped
                return nil
            }
            return pipeline
        }
        guard let pipeline else { return deliver(.success(report(.drained, RunProgress()))) }
        logger.notice("stopping: commit what is received whole")
        pipeline.drain(timeout: options.drain.seconds)
        // Without a position nothing has been received: the engine still waits for a server, and
        // whatever it has begun the next start undoes.
        let isPreparing = pipeline.progress.applied == nil
        let limit = isPreparing ? Self.preparingSeconds : options.drain.seconds + Self.graceSeconds
        BlockingCall.start("drain-limit") { [self] in
            Thread.sleep(forTimeInterval: limit)
            if !isPreparing {
                logger.warning(
                    "the drain took longer than \(options.drain); the rest is rolled back")
            }
            deliver(.success(report(.drained, pipeline.progress)))
        }
    }

    /// nil until the engine is there.
    package var progress: RunProgress? {
        phase.withLock { phase in
            guard case .running(let pipeline) = phase else { return nil }
            return pipeline.progress
        }
    }

    // MARK: Before the engine

    private func prepare(_ scope: PipelineScope) throws -> RunPreparation {
        for notice in configuration.notices { logger.warning("\(notice)") }
        try refuseOtherForms()
        var preparation = RunPreparation(
            scope: scope, options: options,
            prerequisites: try scope.source.prerequisites(of: scope.tables))
        let stored = try scope.target.load(pipeline: configuration.name)
        try refuseSecondStart(stored)
        let isFirst = stored == nil
        // Later starts go on from what is there; what fails them is said by what fails.
        if isFirst || options.fresh { try checkFirstStart(scope, forgetsSlot: !isFirst) }
        // Only now: a beginning that would be refused must not cost the state of before.
        if options.fresh { preparation.formerTargets = try forget(scope) }
        return preparation
    }

    /// Positions of two engines are not ordered: a run to another's would end at once, or never.
    private func refuseOtherForms() throws {
        let isPostgreSQL = configuration.source.engine == .postgres
        let form: LogPosition.Form = isPostgreSQL ? .lsn : .binlog
        var others: [(option: String, place: String)] = []
        if case .position(let position) = options.goal, position.form != form {
            others.append(("--until", "\(position)"))
        }
        switch options.startAt {
        case .position(let position) where position.form != form:
            others.append(("--start-at", "\(position)"))
        case .gtids(let set) where isPostgreSQL: others.append(("--start-at", "\(set)"))
        default: break
        }
        guard let (option, place) = others.first else { return }
        throw ReplicationError(
            .usage, "read the option \(option)", place: "option \(option)",
            why: "'\(place)' is no position of the source's log",
            try: option + (isPostgreSQL ? " lsn:0/16B3748" : " binlog:binlog.000042:1234"))
    }

    private func refuseSecondStart(_ stored: StoredPipeline?) throws {
        guard let stored, options.startAt != nil, stored.setup.phase != .adoptingSlot else {
            return
        }
        throw ReplicationError(
            .usage, "follow from a given position", place: "option --start-at",
            why: "pipeline \(configuration.name) has begun, and goes on from where it is",
            try: "leave out --start-at")
    }

    private func forget(_ scope: PipelineScope) throws -> Set<TableName> {
        var dropping = try DropReport(configuration, source: scope.source, target: scope.target)
        try dropping.drop(source: scope.source, target: scope.target, isFresh: true)
        logger.notice("slot and state of the earlier run are dropped")
        return Set((dropping.stored?.tables ?? []).map(\.target))
    }

    /// - Parameter forgetsSlot: the slot is the pipeline's own and about to be dropped: whatever is
    ///   wrong with it is no reason to stay (P23).
    private func checkFirstStart(_ scope: PipelineScope, forgetsSlot: Bool) throws {
        let report = try CheckReport(scope, install: false)
        let found = report.findings.map(\.finding)
        for finding in found where finding.severity == .warning {
            logger.warning("\(finding.check): \(finding.detail)")
        }
        var fine = forgetsSlot ? ["slot \(scope.capture.slot)"] : []
        // Without a copy the rows that are there are what the stream goes on from.
        if options.snapshot == .never { fine.append(CheckReport.existingRows) }
        let refused = found.filter { $0.severity == .refused && !fine.contains($0.check) }
        guard let first = refused.first else { return }
        let more = refused.count > 1 ? " (and \(refused.count - 1) more)" : ""
        throw ReplicationError(
            .preflight, "start pipeline \(configuration.name)", table: first.table,
            column: first.column, why: "\(first.check): \(first.detail)\(more)",
            try: first.remedy ?? "martlet check PIPELINE shows everything that is in the way")
    }
}

/// What `run` says when it ends.
package struct RunReportOnExit: Report {
    package let pipeline: String
    package let end: RunEnd
    package let progress: RunProgress

    package var exitCode: Int32 { 0 }

    package var json: JSONValue {
        .object([
            ("schema", .integer(1)), ("pipeline", .string(pipeline)),
            ("outcome", .string(end.rawValue)),
            ("received", .optional(progress.received ?? progress.applied)),
            ("applied", .optional(progress.applied)),
            ("confirmed", .optional(progress.confirmed)),
            (
                "tables",
                .array(
                    progress.tables.map { table in
                        .object([
                            ("target", .string(table.name)),
                            ("state", .string(table.state.rawValue)),
                            ("rows_copied", .integer(table.rows)),
                        ])
                    })
            ),
        ])
    }

    package var lines: [String] {
        let word = end == .drained ? "drained" : "caught up"
        return ["pipeline \(pipeline): \(word), applied \(progress.applied?.description ?? "-")"]
    }
}
