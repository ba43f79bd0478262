internal import ReplicationModel

extension Pipeline {
    /// What the run shows right now.
    package var progress: PipelineProgress {
        let (shared, report) = control.with { ($0.state, $0.report) }
        var progress = PipelineProgress()
        progress.state = report.state
        progress.received = report.received
        progress.confirmed = report.confirmed
        progress.waiting = report.waiting
        progress.error = report.error
        guard let shared else { return progress }
        shared.with { state in
            progress.tables = state.tables
            progress.applied = state.checkpoint.position
            progress.heartbeatAt = state.checkpoint.heartbeatAt
            progress.transactions = state.checkpoint.transactions
            progress.counters = state.ledger.counters
        }
        return progress
    }
}
