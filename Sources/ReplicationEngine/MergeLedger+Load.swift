package import ReplicationModel

/// A unit that a load worker copies.
package struct ChunkWork: Sendable {
    package var route: Int
    package var place: TableLoad.Place
    package var id: Int64
    package var range: KeyRange
    /// Every entry must be visible in the chunk's snapshot (DESIGN 6.4).
    package var unseen: Set<UInt32>
    package var generation: Int

    package var isKeyChunk: Bool { if case .key = place { true } else { false } }
}

/// What a worker does between closing a chunk and committing it.
package struct ClosingPlan: Sendable {
    package var parked: ChangeBatch
    package var actions: [ChangeAction]
    package var closedAt: LogPosition
    /// Keys that a parked key change left without a value: born pending in the chunk's transaction.
    package var keyChunks: [ChunkRecord]
}

/// What a worker may do next.
package enum LoadStep: Sendable {
    case copy(ChunkWork)
    /// Find the next cut of this table after `lower`, then call `addCut`.
    case cut(route: Int, after: Key?, generation: Int)
    /// All rows of this table are in: make its plain indexes.
    case index(route: Int)
    /// Nothing to start now; something may come.
    case wait
    /// Every chunk of every table is copied or being copied by others, and nothing can come.
    case finished
}

extension MergeLedger {
    /// Claims work: a pending unit goes to `copying` here, before any snapshot (DESIGN 6.4).
    package mutating func nextStep() -> LoadStep {
        guard isLoading else { return .finished }
        guard unseen.count < Self.unseenLimit else { return .wait }
        for route in tables.indices {
            guard let load = tables[route], !load.isHeld else { continue }
            if !load.isIndexed, load.completePosition != nil {
                tables[route]?.isIndexed = true
                return .index(route: route)
            }
            if let place = load.firstPending(), let work = claim(place, route) {
                return .copy(work)
            }
            if !load.isFullyCut, !load.isCutting {
                if load.route.isKeyless { return addCut(route, through: nil, load.generation) }
                tables[route]?.isCutting = true
                return .cut(route: route, after: load.lastCut, generation: load.generation)
            }
        }
        return .wait
    }

    /// Beyond this many unseen transactions (a hung synchronous standby) the load pauses.
    package static var unseenLimit: Int { 10_000 }

    private mutating func claim(_ place: TableLoad.Place, _ route: Int) -> ChunkWork? {
        guard var unit = tables[route]?[place] else { return nil }
        unit.state = .copying
        unit.parked = ParkedChanges()
        tables[route]?[place] = unit
        return work(place, route)
    }

    private func work(_ place: TableLoad.Place, _ route: Int) -> ChunkWork? {
        guard let load = tables[route], let unit = load[place] else { return nil }
        return ChunkWork(
            route: route, place: place, id: unit.id, range: unit.range,
            unseen: Failpoint.isTakenAway(.noVisibilityCheck) ? [] : unseen,
            generation: load.generation)
    }

    /// Adds the chunk that ends at the cut found; `.wait` if the load started again meanwhile, or if
    /// the stream is just asking where keys lie (ask again).
    package mutating func addCut(_ route: Int, through upper: Key?, _ generation: Int) -> LoadStep {
        guard let load = tables[route] else { return .wait }
        guard load.generation == generation, !load.isHeld else {
            tables[route]?.isCutting = false
            return .wait
        }
        tables[route]?.isCutting = false
        guard let place = tables[route]?.addChunk(through: upper), let work = work(place, route)
        else { return .wait }
        return .copy(work)
    }

    package func mayAddCut(_ route: Int) -> Bool { !(tables[route]?.cutsAreFrozen ?? false) }

    /// The unit is still this worker's: its table's load did not start again.
    package func isValid(_ work: ChunkWork) -> Bool {
        tables[work.route]?.generation == work.generation
    }

    /// The snapshot lacks a transaction that was streamed before the claim: take it again.
    package mutating func isComplete(_ snapshot: SourceSnapshot, for work: ChunkWork) -> Bool {
        guard work.unseen.allSatisfy({ snapshot.sees($0) }) else {
            counters.snapshotsRetaken += 1
            return false
        }
        return true
    }

    /// Takes the parked changes. nil: not between two transactions, ask again.
    package mutating func close(_ work: ChunkWork, seeing snapshot: SourceSnapshot) -> ClosingPlan?
    {
        guard !isMidTransaction else { return nil }
        guard var unit = tables[work.route]?[work.place], unit.isCopying else { return nil }
        let parked = unit.parked
        unit.state = .closing
        unit.parked = ParkedChanges()
        tables[work.route]?[work.place] = unit
        return decide(parked, work, snapshot)
    }

    /// The parked changes that the snapshot does not see, in order (DESIGN 6.5, 6.7).
    private mutating func decide(
        _ parked: ParkedChanges, _ work: ChunkWork, _ snapshot: SourceSnapshot
    ) -> ClosingPlan {
        var plan = ClosingPlan(
            parked: parked.batch, actions: [], closedAt: lastJudged, keyChunks: [])
        plan.actions = Array(repeating: .skip, count: parked.count)
        var made: Set<Key> = []
        for mark in parked.batch.transactions where !snapshot.sees(mark.xid) {
            for index in mark.changes {
                plan.actions[index] = decide(index, parked, work, &made)
            }
        }
        plan.keyChunks = made.map { pendingKeyChunk($0, work.route) }
        return plan
    }

    private func decide(
        _ index: Int, _ parked: ParkedChanges, _ work: ChunkWork, _ made: inout Set<Key>
    ) -> ChangeAction {
        guard let route = tables[work.route]?.route else { return .skip }
        let change = parked.batch.changes[index]
        let sides = parked.sides[index]
        if route.isKeyless { return .whole }
        let oldKey = change.operation == .insert ? nil : parked.batch.oldKey(of: change, route)
        let newKey = change.operation == .delete ? nil : parked.batch.newKey(of: change, route)
        let old = sides.contains(.old) && oldKey.map { !made.contains($0) } ?? false
        let new = sides.contains(.new) && newKey.map { !made.contains($0) } ?? false
        switch (old, new) {
        case (false, false): return .skip
        case (true, true): return .whole
        case (true, false): return newKey == nil ? .whole : .deleteOld
        case (false, true):
            guard let newKey, parked.batch.isIncomplete(change, columns: route.columns.count) else {
                return .insertNew
            }
            made.insert(newKey)
            return .skip
        }
    }

    /// The journal row that the chunk's transaction carries.
    package func record(
        _ work: ChunkWork, _ chunk: ChunkSnapshot, closedAt: LogPosition, rows: Int64
    ) -> ChunkRecord {
        ChunkRecord(
            table: tables[work.route]?.route.source.id ?? 0, id: work.id, range: work.range,
            isKeyChunk: work.isKeyChunk,
            seal: ChunkSeal(
                snapshot: chunk.snapshot, position: chunk.position, closedAt: closedAt),
            rows: rows)
    }

    /// The chunk's transaction is committed.
    package mutating func chunkCommitted(
        _ work: ChunkWork, _ record: ChunkRecord, _ plan: ClosingPlan
    ) {
        guard let seal = record.seal, var unit = tables[work.route]?[work.place] else { return }
        unit.state = .copied(seal)
        unit.rows = record.rows
        tables[work.route]?[work.place] = unit
        for keyChunk in plan.keyChunks {
            guard let key = keyChunk.range.upper else { continue }
            tables[work.route]?.setKeyChunk(key, id: keyChunk.id)
        }
    }

    /// The chunk failed or was given up: not yet copied again, its parked changes thrown away.
    package mutating func chunkFailed(_ work: ChunkWork) {
        guard var unit = tables[work.route]?[work.place], unit.id == work.id,
            unit.isCopying || unit.isClosing
        else { return }
        unit.state = .pending
        unit.parked = ParkedChanges()
        tables[work.route]?[work.place] = unit
    }
}
