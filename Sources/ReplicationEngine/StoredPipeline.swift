package import ReplicationModel

package struct PipelineSetup: Sendable, Equatable {
    package enum Phase: String, Sendable {
        /// The slot is about to be made: one found without checkpoint is dropped and made again.
        case creatingSlot = "creating-slot"
        /// A slot that somebody else made is about to be taken over (`--start-at`).
        case adoptingSlot = "adopting-slot"
        case ready
    }

    package var phase: Phase
    package var capture: CaptureNames
    package var source: SourceIdentity
    /// What of the configuration must not change between runs, as JSON.
    package var configuration: String
    /// Secondary unique indexes and foreign keys are in: the target was consistent.
    package var isConsistent = false

    package init(
        phase: Phase, capture: CaptureNames, source: SourceIdentity, configuration: String
    ) {
        self.phase = phase
        self.capture = capture
        self.source = source
        self.configuration = configuration
    }
}

package struct StoredPipeline: Sendable {
    package var setup: PipelineSetup
    package var epoch: Int64
    package var checkpoint: Checkpoint?
    package var tables: [TableProgress]
    package var chunks: [ChunkRecord]
    package var holder: Holder?
    /// The lease has not ended, by the target's clock.
    package var leaseIsValid: Bool
    package var report: RunReport?
    /// Seconds since the checkpoint was written last, by the target's clock.
    package var checkpointAge: Double?
    /// How many values were converted because the configuration asks for it.
    package var lossy: [LossyConversions.Kind: Int64] = [:]

    package init(
        setup: PipelineSetup, epoch: Int64, checkpoint: Checkpoint?, tables: [TableProgress],
        chunks: [ChunkRecord], holder: Holder?, leaseIsValid: Bool, report: RunReport?,
        checkpointAge: Double?
    ) {
        self.setup = setup
        self.epoch = epoch
        self.checkpoint = checkpoint
        self.tables = tables
        self.chunks = chunks
        self.holder = holder
        self.leaseIsValid = leaseIsValid
        self.report = report
        self.checkpointAge = checkpointAge
    }
}

package struct Holder: Sendable, Equatable {
    package var host: String
    package var pid: Int32
    /// Distinguishes processes that got the same pid (start time of the process or a random id).
    package var instance: String

    package init(host: String, pid: Int32, instance: String) {
        self.host = host
        self.pid = pid
        self.instance = instance
    }
}

/// What the running process says of itself, stored with the lease for `status`.
package struct RunReport: Sendable, Equatable {
    package enum State: String, Sendable {
        case starting, loading, streaming, paused, stopped, failed, fenced
    }

    package var state: State
    package var received: LogPosition?
    package var confirmed: LogPosition?
    /// Why the pipeline waits, in words; nil if it does not.
    package var waiting: String?
    /// The error's four lines, when it failed or is retrying.
    package var error: String?

    package init(state: State) { self.state = state }
}
