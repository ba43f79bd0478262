import Foundation
internal import Logging
internal import ReplicationModel

/// How a target transaction of the stream ends: what it stores, and what becomes of it.
extension StreamApplier {
    mutating func commit(_ batch: ChangeBatch, _ last: TransactionMark) throws {
        advance(batch, last)
        let plan = open ?? StreamPlan()
        let routes = routes
        var entries: [JournalEntry] = plan.restarts.sorted().map {
            .removeAllChunks(table: routes[$0].source.id)
        }
        entries += plan.keyChunks.values.flatMap(\.values).map { .chunk($0) }
        entries += noteFingerprints().map { .table($0) }
        if !entries.isEmpty { try applier.record(entries) }
        try commitCheckpoint()
        state.with { $0.ledger.committed(plan) }
        for route in plan.restarts.sorted() {
            let name = routes[route].source.name
            logger.notice("\(name) is loaded again: it was emptied, or what it refers to changed")
        }
        open = nil
        for message in batch.messages { fences.insert(message.content) }
    }

    /// A TRUNCATE explains the file that the table has from now on, also to a run that starts after
    /// a crash: the stream does not bring it again. The next look stores which file that is. Nor
    /// does it bring DDL again.
    private mutating func noteFingerprints() -> [TableProgress] {
        defer { (truncated, defined) = ([], []) }
        return state.with { state in
            truncated.union(defined).sorted().map { route in
                var known = Fingerprint(state.tables[route].fingerprint)
                if truncated.contains(route) {
                    known = known.withAnyFile
                    state.watch.truncated(route)
                }
                if defined.contains(route) {
                    known.isUnproven = true
                    state.watch.defined(route)
                }
                state.tables[route].fingerprint = known.description
                return state.tables[route]
            }
        }
    }

    private mutating func advance(_ batch: ChangeBatch, _ last: TransactionMark) {
        move(batch, last)
        next.xid = last.xid
        next.committedAt = last.commitTime
        next.transactions += Int64(batch.transactions.count)
        for message in batch.messages where message.content == Pulse.heartbeat {
            next.heartbeatAt = batch.transactions[message.transaction].commitTime
        }
    }

    private mutating func move(_ batch: ChangeBatch, _ last: TransactionMark) {
        next.position = last.endPosition
        next.commitPosition = last.commitPosition
        next.readFrom = last.readFrom
        for mark in batch.transactions where mark.isLastPart {
            if let gtid = mark.gtid { next.gtids?.insert(gtid) }
        }
        passBeats()
    }

    private mutating func passBeats() {
        let position = next.position
        if let beat = state.with({ $0.beats.pass(position) }) { next.heartbeatAt = beat }
    }

    /// Commits the open target transaction with the newest checkpoint.
    mutating func commitCheckpoint(durably: Bool = false) throws {
        let now = ContinuousClock.now
        let durable = durably || now - lastDurable >= Self.durableEvery
        next.unseen = state.with { state in
            state.ledger.unseen.map { TransactionID(rawValue: UInt64($0)) }
        }
        next.counts = [:]
        for route in touched { next.counts[routes[route].source.id] = counts[route] }
        try applier.commit(next, durable: durable)
        Failpoint.hit(.streamCommitted)
        lastCommit = now
        publish()
        if durable { confirm(now) }
    }

    private mutating func publish() {
        state.with { state in
            state.checkpoint = next
            for route in touched { state.tables[route].counts = counts[route] }
        }
        touched = []
    }

    private mutating func confirm(_ now: ContinuousClock.Instant) {
        lastDurable = now
        durablePosition = next.position
        durableBeat = next.heartbeatAt
        log.confirm(next.position)
        state.with { $0.confirmed = next.position }
        Failpoint.hit(.streamConfirmed)
    }

    /// Transactions without changes of ours: the position moves at most once a second (P25).
    mutating func passEmpty(_ batch: ChangeBatch, _ last: TransactionMark) throws {
        move(batch, last)
        try commitWhenDue()
    }

    /// Nothing came: an idle source sends nothing, and heartbeats that are positions in its log are
    /// passed all the same. Call between transactions.
    mutating func passIdle() throws {
        passBeats()
        try commitWhenDue()
    }

    private mutating func commitWhenDue() throws {
        if ContinuousClock.now - lastCommit >= Self.emptyCommitEvery { try commitPending() }
    }

    /// Makes everything applied so far durable, in a transaction without changes, and confirms it.
    mutating func commitPending() throws {
        let hasNews = durablePosition < next.position || durableBeat != next.heartbeatAt
        guard open == nil, hasNews else { return }
        try applier.begin()
        try commitCheckpoint(durably: true)
    }

    /// A transaction that ended in the middle: its parts are taken back, and what they counted.
    mutating func rollback() {
        applier.rollback()
        open = nil
        counts = state.with { $0.tables.map(\.counts) }
        touched = []
        (truncated, defined) = ([], [])
    }

    /// Stores fingerprints that a TRUNCATE explained, so that the next start accepts them. Call
    /// between transactions.
    mutating func recordFingerprints() throws {
        guard open == nil, state.with(\.watch.hasNews) else { return }
        let changed = state.with { state in
            state.watch.takeNews().map { route, fingerprint in
                state.tables[route].fingerprint = fingerprint
                return state.tables[route]
            }
        }
        try applier.begin()
        try applier.record(changed.map { .table($0) })
        try commitCheckpoint(durably: true)
    }

    // MARK: Tables become live

    /// Marks tables live whose chunks are all in, once the stream has passed the newest chunk
    /// position (DESIGN 6.11). Call between transactions.
    mutating func promote() throws {
        guard open == nil else { return }
        let ready = state.with { state in
            state.tables.indices.filter { route in
                guard state.tables[route].state == .catchingUp,
                    let newest = state.ledger.load(route)?.completePosition
                else { return false }
                return newest <= next.passed
            }
        }
        guard !ready.isEmpty else { return }
        try applier.begin()
        var entries: [JournalEntry] = []
        for route in ready {
            var table = state.with { $0.tables[route] }
            table.state = .live
            table.rowsCopied = state.with { $0.ledger.load(route)?.rowsCopied ?? 0 }
            entries.append(.removeAllChunks(table: table.id))
            entries.append(.table(table))
            state.with { [table] in $0.tables[route] = table }
        }
        try applier.record(entries)
        try commitCheckpoint(durably: true)
        state.with { state in for route in ready { state.ledger.becomesLive(route) } }
        Failpoint.hit(.tableLive)
    }
}
