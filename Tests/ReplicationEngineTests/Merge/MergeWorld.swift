import ReplicationEngine
import ReplicationModel

/// One thing that may happen next: at most one database transaction or one critical section.
enum ModelStep: Hashable, Sendable {
    /// The source commits the next transaction of the script, or a random one.
    case commit
    /// A transaction that is in the log becomes visible.
    case show(UInt64)
    /// What is visible on a standby counts as replayed.
    case replay
    /// The stream takes this many transactions from the log.
    case receive(Int)
    /// The stream goes one step on.
    case stream
    case worker(Int)
    case workerFails(Int)
    /// A table that is complete becomes live.
    case live(Int)
    /// kill -9 and start again.
    case kill
}

/// What happened in a schedule, for a person to read.
final class Trace {
    var lines: [String] = []
}

/// Source, log, target and a process around the real `MergeLedger`, as the engine uses it.
///
/// The process: `ledger`, `stream` and `workers` are lost by a kill; source and target stay. All of
/// it is one value, so that a search can go back to any moment.
struct MergeWorld {
    let options: ModelOptions
    let routes: [TableRoute]
    var source: ModelSource
    var target = ModelTarget()
    var ledger = MergeLedger(tables: [], unseen: [], lastJudged: .zero, kind: .visibility)
    var stream = ModelStream()
    var workers: [ModelWorker] = []
    /// Commit position of the last transaction whose commit at the target the process knows of.
    var knownCommit = LogPosition.zero
    /// Tables whose state at the target is live, and the ledger does not know yet.
    var becomingLive: Set<Int> = []
    /// What a broken rule left for a transaction of its own.
    var leftover: Leftover?
    var script: [[SourceChange]]?
    var random: SeededGenerator
    /// nil: random.
    var chunkRows: Int?
    var trace: Trace?

    enum Leftover: Hashable, Sendable {
        case clearJournal([Int])
        case record(ChunkRecord)

        func hash(into hasher: inout Hasher) {
            switch self {
            case .clearJournal(let routes): hasher.combine(routes)
            case .record(let record): hasher.combine(record.id)
            }
        }
    }

    init(_ options: ModelOptions, source: ModelSource, seed: UInt64) {
        self.options = options
        self.source = source
        routes = ModelLog.routes(options)
        random = SeededGenerator(seed: seed)
        target.tables[0].isUnique = options.hasUnique
        target.hasKey = !options.hasLateKey
        if options.cascades != nil { target.live = [1] }
    }

    /// None where the model has no such keys.
    var cascades: CascadeMap { (try? CascadeMap(routes)) ?? CascadeMap() }

    func takesAway(_ rule: Rule) -> Bool { options.takenAway == rule }

    func note(_ text: @autoclosure () -> String) { trace?.lines.append(text()) }

    /// The slot is made here: what is in the log and not yet visible are the first unseen entries.
    mutating func createSlot() {
        target.applied = source.log.count
        target.commitPosition = source.insertPosition
        if !takesAway(.firstUnseen) {
            target.unseen = Set(source.hidden.map { UInt32(truncatingIfNeeded: $0) })
        }
        note("slot at \(target.applied), unseen \(target.unseen), rows \(source.committed)")
        start()
    }

    /// The process starts, from nothing but what the target holds.
    mutating func start() {
        source.readers = [0, 0]
        leftover = nil
        becomingLive = []
        emptyParts()
        let tables = routes.indices.map { loadFromJournal($0) }
        let judged = takesAway(.judgedPosition) ? source.insertPosition : target.commitPosition
        ledger = MergeLedger(
            tables: tables, unseen: target.unseen, lastJudged: judged,
            kind: options.source.snapshots, cascades: cascades)
        stream = ModelStream()
        stream.position = target.applied
        knownCommit = target.commitPosition
        workers = Array(repeating: .idle, count: options.workers)
        note("start at \(target.applied), unseen \(target.unseen)")
    }

    private func loadFromJournal(_ route: Int) -> TableLoad? {
        guard !target.live.contains(route) else { return nil }
        let journal = target.journal[route].values.sorted { $0.id > $1.id }
        var load = TableLoad(route: routes[route], journal: journal)
        load.targetKey = route == 0 && !target.hasKey ? .awaited : .made
        load.isIndexed = target.indexed.contains(route)
        load.isStaged = options.hasUnique && route == 0 && !takesAway(.stagedClosing)
        return load
    }

    /// Does the step; false if it cannot be done now.
    mutating func perform(_ step: ModelStep) throws -> Bool {
        switch step {
        case .commit: return commitAtSource()
        case .show(let xid):
            guard source.show(xid) else { return false }
            note("visible: \(xid)")
            return true
        case .replay:
            guard options.source == .standby, source.replayed < source.visiblePrefix else {
                return false
            }
            source.replayed = source.visiblePrefix
            return true
        case .receive(let count): return receive(count)
        case .stream: return try advanceStream()
        case .worker(let index): return try advanceWorker(index)
        case .workerFails(let index): return failWorker(index)
        case .live(let route): return becomeLive(route)
        case .kill:
            note("kill")
            start()
            return true
        }
    }

    private mutating func commitAtSource() -> Bool {
        if script != nil { return commitScripted() }
        source.commitRandom(&random)
        if let last = source.log.last { note("source: \(source.log.count - 1) \(last.brief)") }
        return true
    }

    private mutating func commitScripted() -> Bool {
        guard let changes = script?.first else { return false }
        for change in changes {
            guard !source.isTruncating(change.table) else { return false }
            if change.operation == .truncate {
                guard source.mayTruncate(change.table) else { return false }
            }
            let keys = [change.old, change.new].compactMap(\.self)
            guard keys.allSatisfy({ source.isFree(change.table, $0) }) else { return false }
        }
        source.commit(SourceTransaction(xid: source.takeXID(), changes: changes))
        script?.removeFirst()
        note("source: \(source.log.count - 1) \(source.log[source.log.count - 1].brief)")
        return true
    }

    /// The target's state first, then the ledger: two steps, so that a kill comes between.
    private mutating func becomeLive(_ route: Int) -> Bool {
        if becomingLive.remove(route) != nil {
            ledger.becomesLive(route)
            note("table \(route) is live")
            return true
        }
        guard stream.phase == .idle, target.indexed.contains(route),
            !target.live.contains(route), let load = ledger.load(route),
            var position = load.completePosition
        else { return false }
        if takesAway(.liveClosedAt) { position = load.newestChunkPosition }
        guard position <= knownCommit || takesAway(.livePosition) else { return false }
        target.live.insert(route)
        target.journal[route] = [:]
        becomingLive.insert(route)
        note("table \(route) complete at \(position), applied \(knownCommit)")
        return true
    }

    /// Nothing is left to do and the target is the source.
    var isDone: Bool {
        target.live.count == routes.count && target.applied == source.log.count
    }

    func checkOutcome() throws {
        for (index, rows) in source.committed.enumerated() {
            var expected = ModelTable()
            expected.isUnique = target.tables[index].isUnique
            for (key, row) in rows { try expected.insert(index == 0 ? key : nil, row) }
            guard target.tables[index] == expected || index >= routes.count else {
                throw ModelFailure("diverged: \(target.tables[index]) should be \(expected)")
            }
        }
    }
}

extension TableLoad {
    /// What `completePosition` would be if it did not look at `closedAt`.
    fileprivate var newestChunkPosition: LogPosition {
        var newest = LogPosition.zero
        for case .copied(let seal) in units.map(\.state) { newest = max(newest, seal.position) }
        return newest
    }
}

extension SourceTransaction {
    var brief: String {
        let list = changes.map { change in
            if let parent = change.parent {
                return "parent \(parent.old)>\(parent.new ?? "-")"
                    + (parent.isUnchecked ? " unchecked" : "")
            }
            let sides = [change.old, change.new].map { $0.map(String.init) ?? "-" }
            return "\(change.operation) t\(change.table) \(sides.joined(separator: ">"))"
                + (change.isIncomplete ? " incomplete" : "")
        }
        return "xid \(xid & 0xFFFF_FFFF) [\(list.joined(separator: ", "))] in \(parts)"
    }
}
