internal import ReplicationModel

/// The threads of an attempt beside the stream: load workers, heartbeat, lease and fingerprints.
/// What fails in one of them ends the attempt.
extension Pipeline {
    func startWorkers(
        _ state: Monitor<RunState>, _ schema: SchemaPlan, _ spool: ParkedSpool, _ crew: Crew
    ) {
        guard state.with(\.ledger.isLoading) else { return }
        for number in 1...max(1, plan.snapshotWorkers) {
            let name = "load-\(number)"
            crew.start(name) {
                Self.guarded(state) {
                    try self.worker(name, state, schema, spool).runAndClose()
                }
            }
        }
    }

    private func worker(
        _ name: String, _ state: Monitor<RunState>, _ schema: SchemaPlan, _ spool: ParkedSpool
    ) throws -> LoadWorker {
        LoadWorker(
            name: name, routes: plan.routes, chunkRows: plan.chunkRows,
            reader: try source.openReader(label: name),
            applier: try target.openApplier(
                plan.routes, label: name, staged: state.with(\.ledger.staged)),
            state: state, spool: spool, locate: { try self.source.locate($0, in: $1, among: $2) },
            index: { try self.makeIndexes($0, schema, state) },
            beat: { try Pulse.beat(self.source, state) })
    }

    private func makeIndexes(
        _ route: Int, _ schema: SchemaPlan, _ state: Monitor<RunState>
    ) throws {
        var (table, needsKey) = state.with { state in
            (state.tables[route], !state.ledger.hasKeys([route]))
        }
        table.state = .catchingUp
        let keys = needsKey ? schema.keys[table.id] ?? [] : []
        try target.run(keys + (schema.afterRows[table.id] ?? []), tables: [table])
        state.with { [table] state in
            state.tables[route].state = table.state
            state.ledger.keyMade(route)
        }
        // Live is what the stream has passed: on an idle source nothing else comes by for a second.
        try Pulse.beat(source, state)
    }

    /// Before the first change that searches the table by it.
    func makeKey(_ route: Int, _ schema: SchemaPlan, _ state: Monitor<RunState>) throws {
        let name = plan.routes[route].source.name
        state.with { $0.note("target: \(name) gets its key", by: "stream") }
        defer { state.with { $0.note(nil, by: "stream") } }
        try target.run(schema.keys[plan.routes[route].source.id] ?? [], tables: [])
        Failpoint.hit(.keyMade)
        state.with { $0.ledger.keyMade(route) }
    }

    private static func guarded(_ state: Monitor<RunState>, _ body: () throws -> Void) {
        do { try body() } catch { state.with { $0.fail(error.asReplicationError) } }
    }

    func startPulses(_ state: Monitor<RunState>, _ log: any ChangeSource, _ crew: Crew) {
        crew.start("heartbeat") { [source] in
            Pulse.every(Pulse.heartbeatSeconds, state) { try Pulse.beat(source, state) }
        }
        crew.start("lease") { [target] in
            Pulse.every(min(1, self.plan.lease / 3), state) {
                try target.renewLease(self.report(state, log))
            }
        }
        crew.start("fingerprints") {
            Pulse.every(Pulse.fingerprintSeconds, state) { try self.look(state) }
        }
    }

    private func report(_ state: Monitor<RunState>, _ log: any ChangeSource) -> RunReport {
        let report = state.with { state in
            var report = RunReport(state: state.ledger.isLoading ? .loading : .streaming)
            report.received = log.received
            report.confirmed = state.confirmed
            report.waiting = state.waiting.values.sorted().first
            return report
        }
        return control.with { control in
            control.report = report
            control.report.error = control.openFailure
            return control.report
        }
    }
}

extension LoadWorker {
    func runAndClose() throws {
        defer {
            applier.rollback()
            applier.close()
            reader.close()
        }
        try run()
    }
}
