import Foundation
internal import ReplicationModel

/// Applies the stream: handed batches in commit order, judges each transaction, runs one target
/// transaction per batch (a large transaction: one over all its parts), tells the source what is
/// durable. Runs on the pipeline's own thread.
///
/// Commits are quick (not yet durable) except one at least every `durableEvery` seconds; the source
/// is confirmed only up to the last durable one (I2,
/// docs/decisions/why-durable-commits-are-periodic).
struct StreamApplier {
    let routes: [TableRoute]
    let source: any ReplicationSource
    let log: any ChangeSource
    private(set) var applier: any ChangeApplier
    let state: Monitor<RunState>
    let spool: ParkedSpool
    /// Bytes of parked changes that may stay in memory.
    let parkedShare: Int

    private var directory: RouteDirectory
    /// What the open target transaction does to the journal; nil when none is open.
    private var open: StreamPlan?
    /// The newest checkpoint, committed or not.
    private var next: Checkpoint
    private var counts: [ChangeCounts]
    private var touched: Set<Int> = []
    /// Routes with a TRUNCATE in the open target transaction.
    private var truncated: Set<Int> = []
    /// Routes with DDL in it, and no TRUNCATE behind that.
    private var defined: Set<Int> = []
    private var lastDurable = ContinuousClock.now
    private var lastCommit = ContinuousClock.now
    private var durablePosition: LogPosition
    /// Contents of fences that are committed at the target.
    private var fences: Set<String> = []
    /// The heartbeat of the last durable commit.
    private var durableBeat: Int64?

    private static let durableEvery = Duration.milliseconds(500)
    private static let emptyCommitEvery = Duration.seconds(1)
    /// Above this many unseen transactions the stream looks for itself which became visible.
    private static let unseenPruneLimit = 64

    init(
        routes: [TableRoute], source: any ReplicationSource, log: any ChangeSource,
        applier: any ChangeApplier, state: Monitor<RunState>, spool: ParkedSpool, parkedShare: Int
    ) {
        self.spool = spool
        self.parkedShare = parkedShare
        self.routes = routes
        self.source = source
        self.log = log
        self.applier = applier
        self.state = state
        directory = RouteDirectory(routes)
        next = state.with(\.checkpoint)
        counts = state.with { $0.tables.map(\.counts) }
        durablePosition = next.position
        durableBeat = next.heartbeatAt
    }

    var isBetweenTransactions: Bool { open == nil }
    var position: LogPosition { next.position }

    /// Whether everything before the mark is applied.
    func hasPassed(_ mark: LogMark) -> Bool {
        switch mark {
        case .message(let content): fences.contains(content)
        case .position(let position, _): next.position >= position
        }
    }

    /// A session that knows what was made at the target meanwhile.
    mutating func replace(_ fresh: any ChangeApplier) {
        applier.close()
        applier = fresh
    }

    // MARK: One batch

    /// Before DDL of a table everything is applied; then a person has to decide, unless the tables
    /// that it may have changed are to be marked.
    mutating func apply(_ batch: ChangeBatch) throws {
        guard let definition = batch.definitions.first, !state.with(\.watch.marks) else {
            return try carry(batch)
        }
        try carry(batch.first(definition.transaction))
        try commitPending()
        throw ReplicationError.definition(
            definition, batch.transactions[definition.transaction].commitPosition)
    }

    private mutating func carry(_ batch: ChangeBatch) throws {
        guard let last = batch.transactions.last, let first = batch.transactions.first else {
            return
        }
        let map = try directory.map(batch, at: first.commitPosition)
        if first.isFirstPart, !last.isLastPart { try beginParts() }
        let judged = try judge(batch, map)
        if open == nil {
            if batch.changes.isEmpty && batch.messages.isEmpty && batch.definitions.isEmpty {
                return try passEmpty(batch, last)
            }
            try waitForClosings(judged)
            try begin()
        }
        try carryOut(batch, map, judged)
        if last.isLastPart { try commit(batch, last) }
    }

    private mutating func begin() throws {
        try applier.begin()
        open = StreamPlan()
        Failpoint.hit(.streamBegun)
    }

    /// A transaction in parts: nothing may close while it is judged, and nothing that it may touch
    /// is closing. The target transaction begins first, because a target with one writer is then
    /// ours, and no worker that holds it waits for us. But before that, staged units finish, whose
    /// workers begin after the closing.
    private mutating func beginParts() throws {
        state.with { $0.ledger.isAhead = true }
        try wait("load: a chunk commits") { $0.ledger.hasStagedClosing ? nil : true }
        try begin()
        try wait("load: a chunk commits") { state in
            guard !state.ledger.hasClosing else { return nil }
            state.ledger.isMidTransaction = true
            return true
        }
    }

    private func waitForClosings(_ judged: JudgedBatch) throws {
        try wait("load: a chunk commits") { $0.ledger.mayBegin(judged) ? true : nil }
    }

    private func wait(_ reason: String, until body: (inout RunState) -> Bool?) throws {
        defer { state.with { $0.note(nil, by: "stream") } }
        while true {
            let done = try state.wait(timeout: 1) { state -> Bool? in
                if let failure = state.failure { throw failure }
                return body(&state)
            }
            if done != nil { return }
            state.with { $0.note(reason, by: "stream") }
        }
    }

    // MARK: Judge

    private func judge(_ batch: ChangeBatch, _ map: [Int]) throws -> JudgedBatch {
        let asking = try locateKeys(batch, map)
        let judged = try state.with { state in
            var judged = JudgedBatch()
            for mark in batch.transactions {
                try state.ledger.judge(batch, mark, routes: map, into: &judged)
            }
            for route in asking {
                state.ledger.update(route) {
                    $0.cutsAreFrozen = false
                    $0.located = [:]
                }
            }
            return judged
        }
        try spoolParked()
        if state.with(\.ledger.unseen.count) > Self.unseenPruneLimit {
            let snapshot = try source.currentSnapshot()
            state.with { $0.ledger.prune(by: snapshot) }
        }
        return judged
    }

    /// Parked changes beyond their share of memory go to the spool, written without the lock (I6).
    private func spoolParked() throws {
        while let (ticket, piece) = state.with({ state in
            state.ledger.isLoading ? state.ledger.takeForSpool(over: parkedShare) : nil
        }) {
            let entry = try spool.write(piece)
            state.with { $0.ledger.settle(ticket, entry) }
        }
    }

    /// Asks the source where keys lie whose order only it knows; cuts are frozen until judged.
    private func locateKeys(_ batch: ChangeBatch, _ map: [Int]) throws -> [Int] {
        let asking = state.with { state in
            Set(map).filter { state.ledger.load($0)?.asksSource ?? false }
        }
        for route in asking {
            let cuts = state.with { state -> [Key] in
                state.ledger.update(route) { $0.cutsAreFrozen = true }
                return state.ledger.load(route)?.cuts ?? []
            }
            let keys = keysOf(batch, map, route)
            let places =
                cuts.isEmpty
                ? keys.map { _ in 0 }
                : try source.locate(keys, in: routes[route], among: cuts)
            let located = Dictionary(zip(keys, places)) { first, _ in first }
            state.with { $0.ledger.update(route) { $0.located = located } }
        }
        return Array(asking)
    }

    private func keysOf(_ batch: ChangeBatch, _ map: [Int], _ route: Int) -> [Key] {
        var keys: Set<Key> = []
        for change in batch.changes
        where map[Int(change.table)] == route && change.operation != .truncate {
            if change.operation != .insert, let key = batch.oldKey(of: change, routes[route]) {
                keys.insert(key)
            }
            if change.operation != .delete, let key = batch.newKey(of: change, routes[route]) {
                keys.insert(key)
            }
        }
        return Array(keys)
    }

    // MARK: Carry out

    private mutating func carryOut(_ batch: ChangeBatch, _ map: [Int], _ judged: JudgedBatch) throws
    {
        var plan = open ?? StreamPlan()
        let isLoading = state.with { state -> Bool in
            guard state.ledger.isLoading else { return false }
            state.ledger.plan(batch, routes: map, judged, into: &plan)
            return true
        }
        open = plan
        defer { noteTables(batch, map) }
        guard !batch.changes.isEmpty else { return }
        touched.formUnion(map)
        try applier.apply(
            batch, range: 0..<batch.changes.count, actions: isLoading ? plan.actions : nil,
            routes: map, counts: &counts)
        for route in judged.restarts { try applier.wipe(route: route) }
        Failpoint.hit(.streamApplied)
    }

    /// What explains a new file, and what leaves rows in doubt until a TRUNCATE.
    private mutating func noteTables(_ batch: ChangeBatch, _ map: [Int]) {
        let emptied = batch.changes.indices.lazy.filter {
            batch.changes[$0].operation == .truncate
        }.map { (place: $0, route: map[Int(batch.changes[$0].table)]) }
        for (_, route) in emptied {
            truncated.insert(route)
            defined.remove(route)
            state.with { $0.truncates[route, default: 0] += 1 }
        }
        for definition in batch.definitions {
            let end = batch.transactions[definition.transaction].changes.upperBound
            guard let route = directory.index(of: definition.table),
                !emptied.contains(where: { $0.route == route && $0.place >= end })
            else { continue }
            defined.insert(route)
        }
    }

    // MARK: Commit

    private mutating func commit(_ batch: ChangeBatch, _ last: TransactionMark) throws {
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
    private mutating func commitCheckpoint(durably: Bool = false) throws {
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
    private mutating func passEmpty(_ batch: ChangeBatch, _ last: TransactionMark) throws {
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
