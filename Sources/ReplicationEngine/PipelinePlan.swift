package import ReplicationModel

/// Everything a pipeline needs to know before it starts; comes from the configuration.
package struct PipelinePlan: Sendable {
    package enum Existing: String, Sendable { case refuse, truncate, merge }
    package enum SnapshotMode: String, Sendable {
        /// Load, then follow.
        case initial
        /// Load, catch up to the end of the load, stop.
        case only
        /// Follow from the slot's start; the target is taken to hold the rows already.
        case never
    }

    package var name: String
    package var capture: CaptureNames
    package var routes: [TableRoute]
    package var prerequisites: [SchemaObject]
    /// What must not change between runs, as JSON (DESIGN section 9).
    package var configuration: String
    package var snapshotWorkers = 2
    package var chunkRows = 50_000
    package var existing = Existing.refuse
    package var snapshot = SnapshotMode.initial
    /// Follow from here, with a slot that exists; the target holds what commits up to it.
    package var startAt: LogStart?
    /// A rewrite that the log does not explain marks the table instead of stopping the run.
    package var marksUnseen = false
    package var memoryLimit = 256 << 20
    package var spoolDirectory = "./spool"
    package var spoolMax: Int64 = 10 << 30
    /// Seconds.
    package var lease = 10.0
    package var holder: Holder
    /// Longest pause between two tries, in seconds.
    package var longestPause = 15.0

    package init(
        name: String, capture: CaptureNames, routes: [TableRoute], prerequisites: [SchemaObject],
        configuration: String, holder: Holder
    ) {
        self.name = name
        self.capture = capture
        self.routes = routes
        self.prerequisites = prerequisites
        self.configuration = configuration
        self.holder = holder
    }
}

package enum RunGoal: Sendable, Equatable {
    case forever
    /// Load, apply everything committed at the source before the start, end.
    case caughtUp
    /// Apply every transaction that commits at or before this position, end (A53).
    case position(LogPosition)
}

package enum RunOutcome: Sendable, Equatable {
    case reachedGoal
    /// Asked to stop; everything received whole within the drain time is applied and confirmed.
    case drained
}

/// What a running pipeline shows, cheap to take at any moment.
package struct PipelineProgress: Sendable {
    package var state: RunReport.State = .starting
    package var tables: [TableProgress] = []
    package var received: LogPosition?
    package var applied: LogPosition?
    package var confirmed: LogPosition?
    /// Microseconds since 1970, source clock: newest heartbeat committed at the target.
    package var heartbeatAt: Int64?
    package var transactions: Int64 = 0
    package var waiting: String?
    package var error: String?
    package var counters = LoadCounters()

    package init() {}
}
