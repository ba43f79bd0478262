internal import ReplicationModel

/// A table without a key in parts, each in a target transaction of its own (`SharedRead`).
extension LoadWorker {
    /// Reads parts beside the workers that help, until all are in; returns their rows. Its own
    /// source transaction, which shares its snapshot, stays open. Then the unit's target
    /// transaction is open, for what was parked. nil: the table cannot be read in parts.
    func copyParts(_ work: ChunkWork) throws -> Int64? {
        let route = routes[work.route]
        guard route.isKeyless, !work.isStaged,
            let shared = try reader.share(route, rows: chunkRows)
        else { return nil }
        state.with { $0.ledger.share(work, shared) }
        while true {
            switch try nextPart(work) {
            case .copy(let part): try write(part)
            case .finished(let rows):
                try applier.begin()
                return rows
            }
        }
    }

    private func nextPart(_ work: ChunkWork) throws -> PartStep {
        while true {
            let step = try state.wait(timeout: 1) { state -> PartStep? in
                guard !state.isStopping, state.ledger.isValid(work) else { throw Voided() }
                return state.ledger.nextPart(of: work)
            }
            if let step { return step }
        }
    }

    /// One part beside the worker that leads. What cannot be read now is given back: that worker
    /// has lock and snapshot, or has ended, and with it the attempt or the unit.
    func help(_ part: PartWork) throws {
        guard try unlessLocked({ try reader.join(part.snapshot, routes[part.unit.route]) }) != nil
        else {
            state.with { $0.ledger.giveBack(part) }
            _ = state.wait(timeout: 0.1) { $0.isStopping ? true : nil }
            return state.with { $0.note(nil, by: name) }
        }
        do { try write(part) } catch is Voided { applier.rollback() }
        try reader.finish()
    }

    private func write(_ part: PartWork) throws {
        try applier.begin()
        let rows = try copyRows(part.unit, part.range)
        guard let record = state.with({ $0.ledger.commit(part, rows: rows) }) else {
            throw Voided()
        }
        try applier.record([.chunk(record)])
        // Durable with the unit's own commit at the latest: until then it is all begun again.
        try applier.commit(nil, durable: false)
        Failpoint.hit(.partCommitted)
        state.with { state in
            state.ledger.partCommitted(part)
            let copied = state.ledger.load(part.unit.route)?.rowsCopied ?? 0
            state.tables[part.unit.route].rowsCopied = copied
        }
    }
}
