import Foundation
internal import Logging
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
    var applier: any ChangeApplier
    let state: Monitor<RunState>
    let spool: ParkedSpool
    /// Bytes of parked changes that may stay in memory.
    let parkedShare: Int
    /// Makes the key of a route's table at the target.
    let makeKey: (Int) throws -> Void
    let logger: Logger

    var directory: RouteDirectory
    /// What the open target transaction does to the journal; nil when none is open.
    var open: StreamPlan?
    /// The newest checkpoint, committed or not.
    var next: Checkpoint
    var counts: [ChangeCounts]
    var touched: Set<Int> = []
    /// Routes with a TRUNCATE in the open target transaction.
    var truncated: Set<Int> = []
    /// Routes with DDL in it, and no TRUNCATE behind that.
    var defined: Set<Int> = []
    var lastDurable = ContinuousClock.now
    var lastCommit = ContinuousClock.now
    var durablePosition: LogPosition
    /// Contents of fences that are committed at the target.
    var fences: Set<String> = []
    /// The heartbeat of the last durable commit.
    var durableBeat: Int64?

    static let durableEvery = Duration.milliseconds(500)
    static let emptyCommitEvery = Duration.seconds(1)
    /// Above this many unseen transactions the stream looks for itself which became visible.
    static let unseenPruneLimit = 64

    init(
        routes: [TableRoute], source: any ReplicationSource, log: any ChangeSource,
        applier: any ChangeApplier, state: Monitor<RunState>, spool: ParkedSpool,
        parkedShare: Int, makeKey: @escaping (Int) throws -> Void, logger: Logger
    ) {
        self.logger = logger
        self.makeKey = makeKey
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
        try carry(batch.part(0..<definition.transaction))
        try commitPending()
        throw ReplicationError.definition(
            definition, batch.transactions[definition.transaction].commitPosition)
    }

    private mutating func carry(_ batch: ChangeBatch) throws {
        guard let first = batch.transactions.first else { return }
        let map = try directory.map(batch, at: first.commitPosition)
        var rest = batch
        while let further = try firstThatGoesFurther(rest, map) {
            try carryTogether(rest.part(0..<further), map)
            try carryApart(rest.part(further..<further + 1), map)
            rest = rest.part(further + 1..<rest.transactions.count)
        }
        try carryTogether(rest, map)
    }

    private mutating func carryTogether(_ batch: ChangeBatch, _ map: [Int]) throws {
        guard let last = batch.transactions.last, let first = batch.transactions.first else {
            return
        }
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
    mutating func beginParts() throws {
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

    func judge(_ batch: ChangeBatch, _ map: [Int]) throws -> JudgedBatch {
        let asking = try locateKeys(batch, map)
        let judged = try state.with { state in
            var judged = JudgedBatch()
            for mark in batch.transactions {
                try state.ledger.judge(batch, mark, routes: map, into: &judged)
            }
            for route in asking { state.ledger.thaw(route) }
            return judged
        }
        try spoolParked()
        if state.with(\.ledger.unseen.count) > Self.unseenPruneLimit {
            let snapshot = try source.currentSnapshot()
            state.with { $0.ledger.prune(by: snapshot) }
        }
        try makeKeys(judged)
        return judged
    }

    /// In the middle of a transaction too: the target transaction that is open has not touched the
    /// table, and no worker does that waits for it.
    private func makeKeys(_ judged: JudgedBatch) throws {
        guard !judged.keysNeeded.isEmpty else { return }
        for route in judged.keysToMake.sorted() { try makeKey(route) }
        try wait("target: a table gets its key") {
            $0.ledger.hasKeys(judged.keysNeeded) ? true : nil
        }
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
        for route in asking { try locate(keysOf(batch, map, route), route) }
        return Array(asking)
    }

    func locate(_ keys: [Key], _ route: Int) throws {
        let cuts = state.with { state -> [Key] in
            state.ledger.update(route) { $0.cutsAreFrozen = true }
            return state.ledger.load(route)?.cuts ?? []
        }
        let places =
            cuts.isEmpty
            ? keys.map { _ in 0 }
            : try source.locate(keys, in: routes[route], among: cuts)
        let located = Dictionary(zip(keys, places)) { first, _ in first }
        state.with { $0.ledger.update(route) { $0.located = located } }
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

    mutating func carryOut(_ batch: ChangeBatch, _ map: [Int], _ judged: JudgedBatch) throws {
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
        try apply(batch, isLoading ? plan.actions : nil, map)
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
}
