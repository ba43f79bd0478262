import Configuration
import Foundation
package import Logging
import ReplicationEngine
import ReplicationModel
import SQLTransform

/// The engine as `run` sees it: configuration and options become a plan, progress becomes a frame.
package final class EngineRun: PipelineRun {
    private let pipeline: Pipeline
    private let goal: RunGoal
    /// Microseconds that the source's clock is ahead of this machine's: lag is measured by the
    /// source's clock only.
    private let clockOffset: Int64

    /// - Throws: `.usage` for options that this version cannot carry out, and what the source
    ///   throws when asked for its clock.
    package init(_ preparation: RunPreparation, logger: Logger) throws {
        let scope = preparation.scope
        goal = preparation.options.goal.engine
        clockOffset = try scope.source.report(scope.capture, applied: nil).now - Self.now
        pipeline = Pipeline(
            plan: try Self.plan(preparation), source: scope.source, target: scope.target,
            logger: logger)
    }

    private static func plan(_ preparation: RunPreparation) throws -> PipelinePlan {
        let scope = preparation.scope
        let configuration = scope.configuration
        var plan = PipelinePlan(
            name: configuration.name, capture: scope.capture, routes: scope.routes,
            prerequisites: preparation.prerequisites,
            configuration: preparation.fixedConfiguration, holder: holder)
        plan.snapshotWorkers = configuration.snapshotWorkers
        plan.chunkRows = configuration.chunkRows
        plan.existing = try existing(preparation).engine
        plan.snapshot = preparation.options.snapshot.engine
        plan.startAt = preparation.options.startAt
        plan.marksUnseen = configuration.marksUnseen
        plan.lease = configuration.lease.seconds
        plan.memoryLimit = Int(configuration.memoryLimit.bytes) - (scope.lookups?.memoryBytes ?? 0)
        plan.spoolDirectory = configuration.spoolPath
        plan.spoolMax = configuration.spoolMax.bytes
        return plan
    }

    private static var holder: Holder {
        let process = ProcessInfo.processInfo
        return Holder(
            host: process.hostName, pid: process.processIdentifier, instance: UUID().uuidString)
    }

    /// After `--fresh`, tables that Martlet itself had filled may be emptied; any other table with
    /// rows is the configuration's business, and is looked at before that permission is given.
    private static func existing(_ preparation: RunPreparation) throws
        -> PipelineConfiguration.Existing
    {
        let configured = preparation.scope.configuration.existing
        guard configured == .refuse, !preparation.formerTargets.isEmpty else { return configured }
        let target = preparation.scope.target
        for route in preparation.scope.routes.flatMap(target.tables)
        where !preparation.formerTargets.contains(route.target) {
            let shape = try target.shape(of: route.target, share: route.share)
            guard shape?.hasRows == true else { continue }
            throw ReplicationError(
                .preflight, "load the table", table: route.target,
                why: "the target table has rows that Martlet did not write",
                try: "empty it, or set 'existing: truncate' in the pipeline file")
        }
        return .truncate
    }

    package func run() throws -> RunEnd {
        switch try pipeline.run(until: goal) {
        case .reachedGoal: .reachedGoal
        case .drained: .drained
        }
    }

    package func drain(timeout: Double) { pipeline.drain(timeout: timeout) }

    package var progress: RunProgress {
        let now = pipeline.progress
        var progress = RunProgress()
        progress.tables = now.tables.map {
            RunProgress.Table(
                name: $0.target.description, state: $0.state, rows: $0.rowsCopied,
                estimated: $0.rowsEstimated)
        }
        progress.received = now.received
        progress.applied = now.applied
        progress.confirmed = now.confirmed
        progress.waiting = now.waiting
        progress.lag = now.heartbeatAt.map {
            max(0, Double(Self.now + clockOffset - $0) / 1_000_000 - 1)
        }
        return progress
    }

    private static var now: Int64 { Int64(Date().timeIntervalSince1970 * 1_000_000) }
}

extension RunOptions.Goal {
    fileprivate var engine: RunGoal {
        switch self {
        case .forever: .forever
        case .caughtUp: .caughtUp
        case .position(let position): .position(position)
        }
    }
}

extension RunOptions.Snapshot {
    fileprivate var engine: PipelinePlan.SnapshotMode {
        switch self {
        case .initial: .initial
        case .only: .only
        case .never: .never
        }
    }
}

extension PipelineConfiguration.Existing {
    fileprivate var engine: PipelinePlan.Existing {
        switch self {
        case .refuse: .refuse
        case .truncate: .truncate
        case .merge: .merge
        }
    }
}

extension PipelineConfiguration {
    /// Pipelines that share a spool directory must not clear each other's files.
    package var spoolPath: String { spoolDirectory + "/" + name }
}
