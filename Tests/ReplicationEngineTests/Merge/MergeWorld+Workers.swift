import ReplicationEngine
import ReplicationModel

/// Where one load worker is.
enum ModelWorker: Sendable {
    case idle
    case cutting(route: Int, after: Key?, generation: Int)
    case cut(route: Int, through: Key?, generation: Int)
    case claimed(ChunkWork)
    /// Knows the low position of its window.
    case positioned(ChunkWork, LogPosition)
    /// Holds the table's lock, has no snapshot yet.
    case locked(ChunkWork, LogPosition)
    case snapped(ChunkWork, ModelSnapshot)
    /// Shares its snapshot, and takes parts itself.
    case leading(ChunkWork, ModelSnapshot)
    case helping(PartWork)
    case part(ModelPart)
    case read(ChunkWork, ModelSnapshot, [Int: ModelRow])
    /// Found its unit still valid; does not hold the ledger any more.
    case valid(ChunkWork, ModelSnapshot, [Int: ModelRow])
    case closing(ChunkWork, ModelSnapshot, [Int: ModelRow], ClosingPlan)
    /// Committed at the target; the ledger does not know.
    case committed(ChunkWork, ChunkRecord, [ChunkRecord], TableLoad.Merge?)
    /// The ledger knows the chunk, not yet the merge of neighbours.
    case merging(ChunkWork, TableLoad.Merge)
    case indexing(Int)
    /// Committed at the target; the ledger does not know.
    case indexed(Int)

    var work: ChunkWork? {
        switch self {
        case .idle, .cutting, .cut, .merging, .indexing, .indexed: nil
        // What fails in a part ends the attempt, as a kill does.
        case .leading, .helping, .part: nil
        case .claimed(let work), .positioned(let work, _), .locked(let work, _),
            .snapped(let work, _), .read(let work, _, _), .valid(let work, _, _),
            .closing(let work, _, _, _), .committed(let work, _, _, _):
            work
        }
    }

    /// Its target transaction has rows of the first table.
    var holdsTarget: Bool {
        switch self {
        case .read(let work, _, _), .valid(let work, _, _), .closing(let work, _, _, _):
            work.route == 0 && !work.isStaged
        default: false
        }
    }

    var holdsLock: Bool {
        switch self {
        case .locked, .snapped: true
        default: false
        }
    }
}

extension MergeWorld {
    mutating func advanceWorker(_ index: Int) throws -> Bool {
        switch workers[index] {
        case .idle: return claim(index)
        case .cutting(let route, let lower, let generation):
            let rows = chunkRows ?? 1 + random.below(3)
            let upper = source.cut(route, after: lower, rows: rows)
            workers[index] = .cut(route: route, through: upper, generation: generation)
        case .cut(let route, let upper, let generation):
            return addCut(index, route, upper, generation)
        case .claimed(let work):
            guard options.source != .visibility else { return lock(index, work, .zero) }
            workers[index] = .positioned(work, source.low())
        case .positioned(let work, let low): return lock(index, work, low)
        case .locked(let work, let low): takeSnapshot(index, work, low)
        case .snapped(let work, let snapshot):
            guard !isShared(work) else {
                share(index, work, snapshot)
                return true
            }
            return read(index, work, snapshot)
        case .leading(let work, let snapshot): return lead(index, work, snapshot)
        case .helping(let part): join(index, part)
        case .part(let part): try advance(index, part)
        case .read(let work, let snapshot, let rows):
            guard let snapshot = source.settle(snapshot) else { return false }
            let isValid = ledger.isValid(work) || takesAway(.void)
            workers[index] = isValid ? .valid(work, snapshot, rows) : .idle
            note("worker \(index): unit \(work.id) is \(isValid ? "valid" : "gone")")
        case .valid(let work, let snapshot, let rows):
            return close(index, work, snapshot, rows)
        case .closing(let work, let snapshot, let rows, let plan):
            try commitChunk(index, work, snapshot, rows, plan)
        case .committed(let work, let record, let keyChunks, let merge):
            learn(index, work, record, keyChunks, merge)
        case .merging(let work, let merge):
            guard ledger.merged(merge, work) else { return false }
            workers[index] = .idle
            note("worker \(index): learns of the merge into \(merge.record.id)")
        case .indexing(let route):
            target.indexed.insert(route)
            if route == 0 { target.hasKey = true }
            workers[index] = .indexed(route)
        case .indexed(let route):
            ledger.keyMade(route)
            workers[index] = .idle
        }
        return true
    }

    /// Gives up: before its commit, or its commit failed.
    mutating func failWorker(_ index: Int) -> Bool {
        guard let work = workers[index].work else { return false }
        if case .committed = workers[index] { return false }
        // Its rows are in: it ends the attempt, as a kill does.
        guard !ledger.isShared(work) else { return false }
        if workers[index].holdsLock { unlock(work) }
        ledger.chunkFailed(work)
        workers[index] = .idle
        note("worker \(index): unit \(work.id) fails")
        return true
    }

    private mutating func claim(_ index: Int) -> Bool { start(index, ledger.nextStep()) }

    private mutating func start(_ index: Int, _ step: LoadStep) -> Bool {
        switch step {
        case .copy(var work):
            if takesAway(.partStreamed) { work.streamed = ledger.lastJudged }
            workers[index] = .claimed(work)
            note("worker \(index): claims \(work.place), unseen \(work.unseen.sorted())")
        case .help(let part):
            workers[index] = .helping(part)
            note("worker \(index): claims part \(part.index)")
        case .cut(let route, let lower, let generation):
            workers[index] = .cutting(route: route, after: lower, generation: generation)
            note("worker \(index): looks for a cut after \(lower?.texts ?? [])")
        case .index(let route): workers[index] = .indexing(route)
        case .wait, .finished: return false
        }
        return true
    }

    private mutating func addCut(_ index: Int, _ route: Int, _ upper: Key?, _ generation: Int)
        -> Bool
    {
        guard ledger.mayAddCut(route) else { return false }
        if !start(index, ledger.addCut(route, through: upper, generation)) {
            workers[index] = .idle
        }
        return true
    }

    // MARK: Reading

    /// MySQL and MariaDB have no such lock: a TRUNCATE after the snapshot makes the read fail.
    private var locksTables: Bool {
        !takesAway(.tableLock) && (options.source == .visibility || options.source == .standby)
    }

    private mutating func lock(_ index: Int, _ work: ChunkWork, _ low: LogPosition) -> Bool {
        if locksTables {
            guard !source.isTruncating(work.route) else { return false }
            source.readers[work.route] += 1
        }
        workers[index] = .locked(work, low)
        return true
    }

    mutating func unlock(_ work: ChunkWork) {
        if locksTables { source.readers[work.route] -= 1 }
    }

    private mutating func takeSnapshot(_ index: Int, _ work: ChunkWork, _ low: LogPosition) {
        let snapshot = options.source == .visibility ? source.snapshot() : source.window(low)
        let isComplete = ledger.isComplete(snapshot.chunk.snapshot, for: work)
        guard isComplete || takesAway(.visibilityCheck) else {
            unlock(work)
            workers[index] = .claimed(work)
            return
        }
        ledger.prune(by: snapshot.chunk.snapshot)
        workers[index] = .snapped(work, snapshot)
        note("worker \(index): snapshot \(snapshot.chunk.snapshot)")
    }

    private mutating func read(_ index: Int, _ work: ChunkWork, _ snapshot: ModelSnapshot) -> Bool {
        guard !source.isTruncating(work.route) || !takesAway(.tableLock) else { return false }
        var rows: [Int: ModelRow] = [:]
        let isEmptied = source.isEmptied(work.route, after: snapshot.visible)
        if isEmptied, options.source == .window || options.source == .exact {
            return failWorker(index)
        }
        if !isEmptied {
            rows = source.rows(work.route, seenBy: snapshot.visible).filter {
                routes[work.route].isKeyless
                    || work.range.contains($0.key)
            }
        }
        unlock(work)
        workers[index] = .read(work, snapshot, rows)
        note("worker \(index): reads \(rows.keys.sorted())")
        return true
    }

    // MARK: Closing

    private mutating func close(
        _ index: Int, _ work: ChunkWork, _ snapshot: ModelSnapshot, _ rows: [Int: ModelRow]
    ) -> Bool {
        var work = work
        if takesAway(.void) { work.generation = ledger.load(work.route)?.generation ?? 0 }
        guard ledger.isValid(work) else {
            workers[index] = .idle
            return true
        }
        var chunk = snapshot.chunk
        if takesAway(.stagedPosition) {
            chunk = ChunkSnapshot(snapshot: chunk.snapshot, position: .zero, fingerprint: "")
        }
        if takesAway(.stagedStill) { ledger.isAhead = false }
        guard let plan = ledger.close(work, chunk) else { return false }
        workers[index] = .closing(work, snapshot, rows, plan)
        note("worker \(index): closes \(work.place) at \(plan.closedAt.rawValue)")
        return true
    }

    private mutating func commitChunk(
        _ index: Int, _ work: ChunkWork, _ snapshot: ModelSnapshot, _ rows: [Int: ModelRow],
        _ plan: ClosingPlan
    ) throws {
        var after = target
        var plan = plan
        if options.hasUnique, work.route == 0, !takesAway(.staging) {
            var staging = ModelTarget()
            try write(rows, &plan, work, to: &staging)
            for (key, row) in staging.tables[0].rows { try after.tables[0].insert(key, row) }
        } else {
            try write(rows, &plan, work, to: &after)
        }
        let closedAt = takesAway(.closedAt) ? .zero : plan.closedAt
        var record = ledger.record(
            work, snapshot.chunk, closedAt: closedAt, rows: Int64(rows.count))
        if takesAway(.highPassed), case .window(let low, _) = snapshot.chunk.snapshot {
            record.seal?.position = low
        }
        let keyChunks = takesAway(.keyChunks) ? [] : ledger.keyChunkRecords(plan, work)
        let pending = takesAway(.keyChunkJournal) ? [] : keyChunks
        if takesAway(.recordOverPending) { pending.forEach { after.record($0) } }
        if takesAway(.journalWithRows) { leftover = .record(record) } else { after.record(record) }
        if !takesAway(.recordOverPending) { pending.forEach { after.record($0) } }
        let merge = mergeNeighbours(work.route)
        if let merge { after.record(merge) }
        target = after
        workers[index] = .committed(work, record, keyChunks, merge)
        note("worker \(index): commits unit \(work.id): \(target.brief), pending \(pending.count)")
    }

    private func write(
        _ rows: [Int: ModelRow], _ plan: inout ClosingPlan, _ work: ChunkWork,
        to after: inout ModelTarget
    ) throws {
        let isKeyless = routes[work.route].isKeyless
        for (key, row) in rows { try after.tables[work.route].insert(isKeyless ? nil : key, row) }
        for case .memory(let piece) in plan.parked.stored {
            try write(piece, &plan, work, to: &after)
        }
        try write(plan.parked.tail, &plan, work, to: &after)
    }

    private func write(
        _ piece: ParkedChanges.Piece, _ plan: inout ClosingPlan, _ work: ChunkWork,
        to after: inout ModelTarget
    ) throws {
        let actions = plan.actions(for: piece).map(broken)
        for step in try plan.steps(of: piece) {
            try after.apply(piece.batch, actions, step.range)
            for hit in step.hits where !takesAway(.cascadeParked) {
                let own = after.keys(hit).filter {
                    work.range.contains($0.number) || takesAway(.cascadeOwnRows)
                }
                let batch = hit.changes(of: own, routes[0])
                try after.apply(batch, batch.changes.map { _ in .whole }, batch.changes.indices)
            }
        }
    }

    /// As `MergeLedger.mergeNeighbours`, but for runs as short as the model's.
    private mutating func mergeNeighbours(_ route: Int) -> TableLoad.Merge? {
        guard let load = ledger.load(route), !load.isMerging, !load.isHeld else { return nil }
        let applied = takesAway(.mergePassed) ? source.insertPosition : knownCommit
        guard let merge = load.mergeable(applied: applied, least: 2) else { return nil }
        ledger.update(route) { $0.isMerging = true }
        note("merge of \(merge.record.id) and \(merge.removed)")
        return merge
    }

    private mutating func learn(
        _ index: Int, _ work: ChunkWork, _ record: ChunkRecord, _ keyChunks: [ChunkRecord],
        _ merge: TableLoad.Merge?
    ) {
        if case .record(let record) = leftover { target.record(record) }
        leftover = nil
        ledger.chunkCommitted(work, record, keyChunks: keyChunks)
        workers[index] = merge.map { .merging(work, $0) } ?? .idle
        note("worker \(index): learns that unit \(work.id) is in")
    }
}
