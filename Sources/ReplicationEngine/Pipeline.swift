import Foundation
package import Logging
internal import ReplicationModel

/// The whole flow, top to bottom (DESIGN section 1): take over, prepare, then load workers beside
/// the stream until the goal is reached, somebody asks to stop, or something fails. A failure that
/// a new connection can heal ends the attempt; the next one starts from what the target has stored.
package final class Pipeline: Sendable {
    let plan: PipelinePlan
    let source: any ReplicationSource
    let target: any ReplicationTarget
    let logger: Logger
    let control = Monitor(Control())

    struct Control {
        var drainSeconds: Double?
        var state: Monitor<RunState>?
        var report = RunReport(state: .starting)
        var began = ContinuousClock.now
        /// Why the attempt before this one failed.
        var failure: String?

        /// An attempt that has lasted this long has got over what ended the one before.
        static let lasting = Duration.seconds(30)
        /// What `status` shows as the reason for trying again.
        var openFailure: String? {
            ContinuousClock.now - began < Self.lasting ? failure : nil
        }
    }

    package init(
        plan: PipelinePlan, source: any ReplicationSource, target: any ReplicationTarget,
        logger: Logger
    ) {
        self.plan = plan
        self.source = source
        self.target = target
        self.logger = logger
    }

    /// Asks the run to stop: nothing more is received, what was received whole is committed within
    /// `timeout` seconds and confirmed, the rest is rolled back.
    package func drain(timeout: Double) {
        control.with { control in
            control.drainSeconds = timeout
            control.state?.with { $0.drainDeadline = Date(timeIntervalSinceNow: timeout) }
        }
    }

    // MARK: Attempts

    /// Runs until `goal`, on the calling thread. Throws what a person has to decide on; everything
    /// else is tried again, with longer and longer pauses. A source or target that does not answer
    /// at the very first try is thrown too.
    package func run(until goal: RunGoal) throws -> RunOutcome {
        var pause = 0.2
        var hasStarted = false
        while true {
            let began = ContinuousClock.now
            control.with { $0.began = began }
            do {
                let outcome = try attempt(goal, started: &hasStarted)
                finish(RunReport(state: .stopped))
                return outcome
            } catch {
                let error = error.asReplicationError
                guard case .retry = error.policy, hasStarted else {
                    finish(failed(error))
                    throw error
                }
                if ContinuousClock.now - began > Control.lasting { pause = 0.2 }
                logger.warning("trying again in \(pause) s", metadata: ["error": "\(error)"])
                if try waits(pause, error) {
                    finish(RunReport(state: .stopped))
                    return .drained
                }
                pause = min(pause * 2, plan.longestPause)
            }
        }
    }

    private func failed(_ error: ReplicationError) -> RunReport {
        var report = RunReport(state: error.kind == .fenced ? .fenced : .failed)
        report.error = error.description
        return report
    }

    /// The last report and the lease's return are a courtesy: the target may be what failed.
    private func finish(_ report: RunReport) {
        var report = report
        if let state = control.with(\.state) {
            report.confirmed = state.with(\.confirmed)
            logger.notice("load counters: \(Self.json(state.with(\.ledger.counters)))")
        }
        control.with { $0.report = report }
        guard report.state != .fenced else { return }
        do { try target.release(report) } catch {
            logger.debug("lease not returned", metadata: ["error": "\(error)"])
        }
    }

    private static func json(_ counters: LoadCounters) -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        return (try? encoder.encode(counters)).map { String(decoding: $0, as: UTF8.self) } ?? "{}"
    }

    /// Waits between two attempts, and keeps the lease with the reason; true if asked to stop.
    private func waits(_ seconds: Double, _ error: ReplicationError) throws -> Bool {
        let report = control.with { control in
            control.failure = error.description
            control.report.waiting = error.what
            control.report.error = error.description
            return control.report
        }
        let end = ContinuousClock.now + .seconds(seconds)
        while ContinuousClock.now < end {
            // The target may be what failed; the next attempt finds out.
            do { try target.renewLease(report) } catch {
                logger.debug("lease not renewed", metadata: ["error": "\(error)"])
            }
            let left = (end - ContinuousClock.now) / .seconds(1)
            let pause = max(0, min(left, 1, plan.lease / 3))
            let stop = control.wait(timeout: pause) { $0.drainSeconds != nil ? true : nil }
            if stop ?? false { return true }
        }
        return false
    }

    // MARK: One attempt

    private func attempt(_ goal: RunGoal, started: inout Bool) throws -> RunOutcome {
        let start = try Preparation(plan: plan, source: source, target: target, logger: logger)
            .run()
        started = true
        let state = Monitor(start.state)
        control.with { control in
            control.state = state
            if let seconds = control.drainSeconds {
                state.with { $0.drainDeadline = Date(timeIntervalSinceNow: seconds) }
            }
        }
        let fence = try raiseFence(goal)
        let log = try source.openLog(
            plan.capture, routes: plan.routes, from: start.state.checkpoint.place)
        let crew = Crew()
        defer {
            state.with { $0.isFinished = true }
            log.close()
            crew.join()
        }
        startPulses(state, log, crew)
        let spool = ParkedSpool(
            directory: plan.spoolDirectory, name: plan.name, limit: UInt64(plan.spoolMax))
        startWorkers(state, start.schema, spool, crew)
        let applier = try target.openApplier(plan.routes, label: "stream")
        let stream = StreamApplier(
            routes: plan.routes, source: source, log: log, applier: applier, state: state,
            spool: spool, parkedShare: plan.memoryLimit / 8,
            makeKey: { try self.makeKey($0, start.schema, state) }, logger: logger)
        return try follow(stream, Goal(goal, fence), start, state, log)
    }

    /// Everything committed before this message is before it in the log.
    private func raiseFence(_ goal: RunGoal) throws -> LogMark? {
        guard goal == .caughtUp || plan.snapshot == .only else { return nil }
        return try source.mark("fence:" + UUID().uuidString)
    }

    private struct Goal {
        var goal: RunGoal
        var fence: LogMark?
        /// Where the newest transaction received is committed, applied or beyond the goal.
        private(set) var received = LogPosition.zero
        /// A transaction that came in parts ends behind the position to stop at.
        private(set) var isCut = false
        init(_ goal: RunGoal, _ fence: LogMark?) { (self.goal, self.fence) = (goal, fence) }

        var isPosition: Bool { if case .position = goal { true } else { false } }

        /// Without what commits after the position to stop at (A53). While tables are loaded there
        /// is no such bound: their rows are of later moments, and the rest has to catch up.
        mutating func take(_ batch: ChangeBatch, isLoading: Bool) -> ChangeBatch {
            received = max(received, batch.transactions.last?.committedAt ?? .zero)
            guard !isLoading, case .position(let last) = goal else { return batch }
            let taken = batch.through(last)
            isCut = taken.isEmpty && batch.transactions.first?.isFirstPart == false
            return taken
        }
    }

    /// The stream: receive, apply, and between transactions see what is due.
    private func follow(
        _ applier: StreamApplier, _ goal: Goal, _ start: Preparation.Start,
        _ state: Monitor<RunState>, _ log: any ChangeSource
    ) throws -> RunOutcome {
        var (applier, goal) = (applier, goal)
        var isConsistent = start.setup.isConsistent
        var mended: LogMark?
        while true {
            if let failure = state.with(\.failure) { throw failure }
            if let deadline = state.with(\.drainDeadline) {
                try drain(&applier, &goal, state, log, deadline)
                return .drained
            }
            if let batch = try log.next(timeout: 0.2) {
                let isLoading = state.with(\.ledger.isLoading)
                try applier.apply(goal.take(batch, isLoading: isLoading))
                if goal.isCut { applier.rollback() }
            } else if applier.isBetweenTransactions {
                try applier.passIdle()
            }
            guard applier.isBetweenTransactions else { continue }
            try applier.promote()
            try applier.recordFingerprints()
            if !isConsistent, !state.with(\.ledger.isLoading),
                mended.map(applier.hasPassed) ?? true
            {
                isConsistent = try makeConsistent(start, state, again: !goal.isPosition, &mended)
                guard isConsistent else { continue }
                applier.replace(try target.openApplier(plan.routes, label: "stream"))
            }
            if isReached(goal, applier, isConsistent), try conclude(&applier, goal, state) {
                return .reachedGoal
            }
        }
    }

    private func isReached(_ goal: Goal, _ applier: StreamApplier, _ isConsistent: Bool) -> Bool {
        guard isConsistent else { return false }
        if let fence = goal.fence { return applier.hasPassed(fence) }
        if case .position(let position) = goal.goal { return goal.received >= position }
        return false
    }

    /// The goal is reached: everything is made durable, and no change of a table went unseen. False
    /// while a table's new file may still be explained by what is behind the goal.
    private func conclude(
        _ applier: inout StreamApplier, _ goal: Goal, _ state: Monitor<RunState>
    ) throws -> Bool {
        try applier.commitPending()
        try look(state, passed: goal.received)
        guard !state.with(\.watch.isInDoubt) else { return false }
        try applier.recordFingerprints()
        return true
    }

    /// Compares the tables with what the pipeline was made for.
    func look(_ state: Monitor<RunState>, passed: LogPosition? = nil) throws {
        let truncates = state.with(\.truncates)
        let found = try source.fingerprints(of: plan.routes.map(\.source.id))
        let look = FingerprintWatch.Look(
            found: found, truncates: truncates,
            position: try source.report(plan.capture, applied: nil).position)
        let marked = try state.with { state in
            try state.watch.take(
                look, truncates: state.truncates,
                passed: passed ?? state.checkpoint.passed)
        }
        for route in marked {
            let name = plan.routes[route].source.name
            logger.warning("\(name) is unproven: stored anew at the source, and the log is silent")
        }
    }

    private func drain(
        _ applier: inout StreamApplier, _ goal: inout Goal, _ state: Monitor<RunState>,
        _ log: any ChangeSource, _ deadline: Date
    ) throws {
        // Two batches may wait in the reader; a transaction in parts is finished if time allows.
        var left = 3
        while Date() < deadline, left > 0 || !applier.isBetweenTransactions,
            let batch = try log.next(timeout: applier.isBetweenTransactions ? 0 : 0.2)
        {
            let isLoading = state.with(\.ledger.isLoading)
            try applier.apply(goal.take(batch, isLoading: isLoading))
            left -= 1
        }
        if !applier.isBetweenTransactions { applier.rollback() }
        try applier.commitPending()
        try applier.recordFingerprints()
        logger.info("drained", metadata: ["applied": "\(applier.position)"])
    }
}
