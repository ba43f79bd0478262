import ReplicationEngine
import ReplicationModel

/// What the stream's thread holds.
struct ModelStream: Sendable {
    enum Phase: Hashable, Sendable {
        case idle
        /// Cuts are frozen, the source is being asked where keys lie.
        case asking([Key])
        case judging(mark: Int)
        /// Waits for the key of a table.
        case keying
        /// Made at the target; the ledger does not know.
        case keyed
        /// Waits until the batch may begin.
        case judged
        /// The part is being applied, in as many statements as rows are searched for.
        case carrying
        /// All parts are applied in the open target transaction.
        case applied
        /// Committed at the target; the process does not know.
        case committed
        /// The process knows the new checkpoint, the ledger not yet what was committed.
        case published
    }

    var phase = Phase.idle
    /// Transactions of the log that were taken.
    var position = 0
    var parts: [ChangeBatch] = []
    var part = 0
    var judged = JudgedBatch()
    var plan = StreamPlan()
    /// What the open target transaction does, to be done again on the target at commit.
    var done: [Work] = []
    /// What is to be done yet of the part.
    var steps: [CascadeStep] = []
    /// Keys that were found for the next hit, and not judged.
    var found: [Key]?

    struct Work: Sendable {
        var batch: ChangeBatch
        var range: Range<Int>
        var actions: [ChangeAction]
    }

    var batch: ChangeBatch { parts[part] }
}

extension MergeWorld {
    func batchRoutes(_ batch: ChangeBatch) -> [Int] { batch.tables.map { Int($0.id) } }

    /// One batch of whole transactions, or the parts of one.
    mutating func receive(_ count: Int) -> Bool {
        guard stream.phase == .idle, becomingLive.isEmpty,
            stream.position < source.log.count
        else { return false }
        let start = stream.position
        var end = start + 1
        if source.log[start].parts == 1 {
            while end < min(start + count, source.log.count), source.log[end].parts == 1 {
                end += 1
            }
        }
        stream.position = end
        stream.parts = ModelLog.batches(source.log, start..<end)
        stream.part = 0
        stream.done = []
        stream.judged = JudgedBatch()
        stream.plan = StreamPlan()
        stream.phase = .judging(mark: 0)
        note("stream takes \(start)..<\(end) in \(stream.parts.count) parts")
        return true
    }

    mutating func advanceStream() throws -> Bool {
        switch stream.phase {
        case .idle: return false
        case .judging(let mark): return try judge(mark)
        case .asking(let cuts): return answer(cuts)
        case .keying: return makeKey()
        case .keyed:
            ledger.keyMade(0)
            stream.phase = .judged
            return true
        case .judged: return try begin()
        case .carrying: return try carry()
        case .applied: return try commitStream()
        case .committed:
            knownCommit = target.commitPosition
            stream.phase = .published
            return true
        case .published: return learn()
        }
    }

    // MARK: Judging

    private mutating func judge(_ index: Int) throws -> Bool {
        if index == 0, mustAsk { return ask() }
        let batch = stream.batch
        let mark = batch.transactions[index]
        // A transaction in parts begins at once and cannot wait in its middle.
        if mark.isFirstPart, !mark.isLastPart, ledger.hasClosing, !takesAway(.waitForClosing) {
            return false
        }
        let before = ledger
        try ledger.judge(batch, mark, routes: batchRoutes(batch), into: &stream.judged)
        breakRules(before)
        note(
            "judged \(mark.xid) at \(mark.commitPosition.rawValue): "
                + "kept \(stream.judged.kept.count)"
        )
        if index + 1 < batch.transactions.count {
            stream.phase = .judging(mark: index + 1)
        } else {
            let waits = !stream.judged.keysNeeded.isEmpty && !takesAway(.keyFirst)
            stream.phase = waits ? .keying : .judged
            thaw()
        }
        return true
    }

    private mutating func breakRules(_ before: MergeLedger) {
        if takesAway(.wholeTransactions) { ledger.isMidTransaction = false }
        let keys = stream.judged.keysToMake
        if takesAway(.keyStill), !keys.isEmpty { ledger.update(0) { $0.targetKey = .awaited } }
        for route in stream.judged.restarts.union(takesAway(.keyVoid) ? keys : []) {
            if takesAway(.hold) { ledger.update(route) { $0.isHeld = false } }
            guard takesAway(.void) || takesAway(.keyVoid), let old = before.load(route) else {
                continue
            }
            for unit in old.units where unit.isCopying {
                let place: TableLoad.Place =
                    old.keyChunks.values.contains { $0.id == unit.id }
                    ? .key(unit.range.upper ?? Key([])) : .chunk(unit.id)
                ledger.update(route) { $0[place] = unit }
            }
        }
    }

    // MARK: A key that comes behind the rows

    /// Who makes it locks the table, and waits for all that hold it.
    private mutating func makeKey() -> Bool {
        guard stream.judged.keysToMake.isEmpty else {
            guard !workers.contains(where: \.holdsTarget) else { return false }
            target.hasKey = true
            stream.phase = .keyed
            note("the key is made")
            return true
        }
        guard ledger.hasKeys(stream.judged.keysNeeded) else { return false }
        stream.phase = .judged
        return true
    }

    // MARK: Keys whose order only the source knows

    private var mustAsk: Bool {
        (ledger.load(0)?.asksSource ?? false) && (ledger.load(0)?.located.isEmpty ?? false)
    }

    private mutating func ask() -> Bool {
        if !takesAway(.frozenCuts) { ledger.update(0) { $0.cutsAreFrozen = true } }
        stream.phase = .asking(ledger.load(0)?.cuts ?? [])
        return true
    }

    private mutating func answer(
        _ cuts: [Key], phase: ModelStream.Phase = .judging(mark: 0)
    ) -> Bool {
        var located = [Key(number: -1): 0]
        for key in ModelSource.keys {
            located[Key(number: key)] = cuts.filter { $0.number < key }.count
        }
        ledger.update(0) { $0.located = located }
        stream.phase = phase
        return true
    }

    private mutating func thaw() {
        ledger.update(0) { load in
            load.cutsAreFrozen = false
            load.located = [:]
        }
    }

    // MARK: The target transaction

    private mutating func begin() throws -> Bool {
        if takesAway(.cascadeClosing) { stream.judged.cascaded = [] }
        guard takesAway(.waitForClosing) || ledger.mayBegin(stream.judged) else { return false }
        let batch = stream.batch
        ledger.plan(batch, routes: batchRoutes(batch), stream.judged, into: &stream.plan)
        stream.plan.actions = stream.plan.actions.map(broken)
        stream.steps = try batch.steps(
            cascades, routes: batchRoutes(batch), isLive: { [ledger] in ledger.load($0) == nil })
        if takesAway(.cascadeOrder) {
            stream.steps = [
                CascadeStep(range: batch.changes.indices, hits: stream.steps.flatMap(\.hits))
            ]
        }
        note("applies part \(stream.part): \(stream.plan.actions)")
        stream.phase = .carrying
        return try carry()
    }

    /// One statement, or one search.
    private mutating func carry() throws -> Bool {
        guard let step = stream.steps.first else {
            endPart()
            return true
        }
        if !step.range.isEmpty {
            try perform(.init(batch: stream.batch, range: step.range, actions: stream.plan.actions))
            stream.steps[0].range = step.range.upperBound..<step.range.upperBound
        } else if let hit = step.hits.first {
            try meet(hit)
        }
        if stream.steps[0].range.isEmpty, stream.steps[0].hits.isEmpty {
            stream.steps.removeFirst()
            if stream.steps.isEmpty { endPart() }
        }
        return true
    }

    private mutating func meet(_ hit: CascadeHit) throws {
        guard let found = stream.found else {
            stream.found = try view().keys(hit)
            return
        }
        locateAll()
        let mine = takesAway(.cascadeJudged) ? found : try ledger.concerned(found, by: hit)
        if ledger.load(0)?.asksSource ?? false { thaw() }
        note("of \(found.map(\.number)) refer to it: \(mine.map(\.number))")
        let batch = hit.changes(of: mine, routes[0])
        try perform(
            .init(
                batch: batch, range: batch.changes.indices,
                actions: batch.changes.map { _ in .whole }))
        stream.found = nil
        stream.steps[0].hits.removeFirst()
    }

    private mutating func locateAll() {
        guard let load = ledger.load(0), load.asksSource else { return }
        _ = answer(load.cuts, phase: stream.phase)
    }

    private mutating func perform(_ work: ModelStream.Work) throws {
        stream.done.append(work)
        _ = try view()
    }

    /// The target as the open transaction sees it.
    private func view() throws -> ModelTarget {
        var view = target
        for work in stream.done { try view.apply(work.batch, work.actions, work.range) }
        return view
    }

    private mutating func endPart() {
        guard stream.part + 1 < stream.parts.count else {
            stream.phase = .applied
            return
        }
        stream.part += 1
        stream.judged = JudgedBatch()
        stream.phase = .judging(mark: 0)
    }

    /// The action without a rule that is taken away.
    func broken(_ action: ChangeAction) -> ChangeAction {
        if takesAway(.idempotence) { return ChangeAction(action.step) }
        if takesAway(.missingUpdate), action.step == .updateIfThere { return .whole }
        return action
    }

    private mutating func commitStream() throws -> Bool {
        var after = try view()
        for route in stream.plan.restarts {
            after.tables[route].removeAll()
            if !takesAway(.journalWithWipe) { after.journal[route] = [:] }
        }
        if !takesAway(.keyChunkJournal), !takesAway(.keyChunks) {
            for records in stream.plan.keyChunks.values {
                for record in records.values { after.record(record) }
            }
        }
        after.applied = stream.position
        after.commitPosition = stream.batch.transactions.last?.commitPosition ?? .zero
        after.unseen = takesAway(.storedUnseen) ? [] : ledger.unseen
        target = after
        if takesAway(.journalWithWipe), !stream.plan.restarts.isEmpty {
            leftover = .clearJournal(stream.plan.restarts.sorted())
        }
        stream.phase = .committed
        note(
            "stream commits \(target.applied), wipes \(stream.plan.restarts.sorted()): "
                + "\(target.brief)"
        )
        return true
    }

    private mutating func learn() -> Bool {
        if case .clearJournal(let routes) = leftover {
            for route in routes { target.journal[route] = [:] }
            leftover = nil
            return true
        }
        if !takesAway(.keyChunks) || !stream.plan.restarts.isEmpty { ledger.committed(stream.plan) }
        stream.phase = .idle
        note("stream learns of its commit")
        return true
    }
}

extension ModelTarget {
    var brief: String {
        let rows = tables[0].rows.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value.value)" }
        let bag = tables[1].bag.map { "\($0.key.value)\($0.key.large)x\($0.value)" }.sorted()
        return (rows + bag).joined(separator: " ")
    }
}
