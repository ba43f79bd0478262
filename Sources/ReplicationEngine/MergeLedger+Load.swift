package import ReplicationModel

/// A unit that a load worker copies.
package struct ChunkWork: Sendable {
    package var route: Int
    package var place: TableLoad.Place
    package var id: Int64
    package var range: KeyRange
    /// Every entry must be visible in the chunk's snapshot (DESIGN 6.4).
    package var unseen: Set<UInt32>
    /// A window's low position must have reached this: what was judged before is in the rows.
    package var streamed: LogPosition
    package var generation: Int
    var claim: Int
    package var isStaged: Bool

    package var isKeyChunk: Bool { if case .key = place { true } else { false } }
}

/// What a worker does between closing a chunk and committing it: the parked changes that its
/// snapshot does not see, in order.
package struct ClosingPlan: Sendable {
    package let parked: ParkedChanges
    package let closedAt: LogPosition
    let snapshot: SourceSnapshot
    let route: TableRoute
    /// Of the unit's table, as a child.
    let cascades: CascadeMap
    /// Keys that a parked key change left without a value: born pending in the chunk's transaction.
    package private(set) var keyChunks: Set<Key> = []

    init(
        _ parked: ParkedChanges, _ closedAt: LogPosition, _ snapshot: SourceSnapshot,
        _ route: TableRoute, _ cascades: CascadeMap
    ) {
        self.parked = parked
        self.closedAt = closedAt
        self.snapshot = snapshot
        self.route = route
        self.cascades = cascades
    }

    /// The next piece, cut where rows change that the log does not name.
    package func steps(of piece: ParkedChanges.Piece) throws -> [CascadeStep] {
        var steps = try piece.batch.steps(
            cascades, routes: cascades.routes(of: piece.batch.tables), isLive: { _ in false })
        for index in steps.indices {
            steps[index].hits.removeAll {
                snapshot.need(of: $0.mark.xid, at: $0.mark.commitPosition) == .none
            }
        }
        return steps
    }

    /// What to do with each change of the next piece. Call once per piece, in order.
    package mutating func actions(for piece: ParkedChanges.Piece) -> [ChangeAction] {
        var actions = [ChangeAction](repeating: .skip, count: piece.sides.count)
        for mark in piece.batch.transactions {
            let need = snapshot.need(of: mark.xid, at: mark.commitPosition)
            guard need != .none else { continue }
            for index in mark.changes { actions[index] = action(index, piece, need) }
        }
        return actions
    }

    private mutating func action(
        _ index: Int, _ piece: ParkedChanges.Piece, _ need: SideNeed
    ) -> ChangeAction {
        let change = piece.batch.changes[index]
        // A row that rows of this table refer to.
        guard piece.batch.tables[Int(change.table)].id == route.source.id else { return .skip }
        let old = change.operation == .insert ? nil : key(piece.batch.oldKey(of: change, route))
        let new = change.operation == .delete ? nil : key(piece.batch.newKey(of: change, route))
        let sides = piece.sides[index]
        let needs = ChangeNeeds(
            old: sides.contains(.old) ? self.need(need, old) : .none,
            new: sides.contains(.new) ? self.need(need, new) : .none,
            hasNew: new != nil, keepsKey: old != nil && old == new,
            isIncomplete: piece.batch.isIncomplete(change, columns: route.columns.count))
        if needs.leavesKeyWithoutValue, let new { keyChunks.insert(new) }
        return needs.action
    }

    /// All rows of a table without a key are one unit's.
    private func key(_ key: Key?) -> Key? { route.isKeyless ? Key([]) : key }

    /// Nothing is needed of a key that became a key-chunk.
    private func need(_ need: SideNeed, _ key: Key?) -> SideNeed {
        key.map { keyChunks.contains($0) } ?? true ? .none : need
    }
}

/// What a worker may do next.
package enum LoadStep: Sendable {
    case copy(ChunkWork)
    /// Read a part of a unit that another worker leads.
    case help(PartWork)
    /// Find the next cut of this table after `lower`, then call `addCut`.
    case cut(route: Int, after: Key?, generation: Int)
    /// All rows of this table are in: make its key, if it has none yet, and its plain indexes.
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
            guard let load = tables[route], !load.isHeld, !waitsForOthers(route),
                load.targetKey != .making
            else { continue }
            if !load.isIndexed, load.completePosition != nil {
                tables[route]?.isIndexed = true
                if load.targetKey == .awaited { tables[route]?.targetKey = .making }
                return .index(route: route)
            }
            if let part = tables[route]?.parts?.take() { return .help(part) }
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
        unit.state = .copying(readAt: nil)
        unit.parked = ParkedChanges()
        (unit.isTaken, unit.snapshot) = (false, nil)
        tables[route]?[place] = unit
        return work(place, route)
    }

    private mutating func work(_ place: TableLoad.Place, _ route: Int) -> ChunkWork? {
        tables[route]?.claims += 1
        guard let load = tables[route], var unit = load[place] else { return nil }
        unit.claim = load.claims
        tables[route]?[place] = unit
        return ChunkWork(
            route: route, place: place, id: unit.id, range: unit.range,
            unseen: Failpoint.isTakenAway(.noVisibilityCheck) ? [] : unseen,
            streamed: Failpoint.isTakenAway(.noVisibilityCheck) ? .zero : streamed,
            generation: load.generation, claim: unit.claim, isStaged: load.isStaged)
    }

    /// Adds the chunk that ends at the cut found; `.wait` if the load started again meanwhile: then
    /// another worker may be cutting already. Only when `mayAddCut`.
    package mutating func addCut(_ route: Int, through upper: Key?, _ generation: Int) -> LoadStep {
        guard let load = tables[route] else { return .wait }
        guard load.generation == generation, !load.isHeld else { return .wait }
        tables[route]?.isCutting = false
        guard let place = tables[route]?.addChunk(through: upper), let work = work(place, route)
        else { return .wait }
        return .copy(work)
    }

    package func mayAddCut(_ route: Int) -> Bool {
        guard let load = tables[route] else { return true }
        return !load.cutsAreFrozen && load.targetKey != .making
    }

    /// The unit is still this worker's: its table's load did not start again, nor was it given up.
    package func isValid(_ work: ChunkWork) -> Bool {
        guard let load = tables[work.route], load.generation == work.generation,
            let unit = load[work.place]
        else { return false }
        return unit.claim == work.claim && unit.isInFlight
    }

    /// The snapshot lacks a transaction that was streamed before the claim: take it again.
    package mutating func isComplete(_ snapshot: SourceSnapshot, for work: ChunkWork) -> Bool {
        let isComplete =
            switch snapshot {
            case .visibility(let visible): work.unseen.allSatisfy { visible.sees($0) }
            case .window(let low, _): low >= work.streamed
            }
        if isComplete {
            tables[work.route]?[work.place]?.snapshot = snapshot
        } else {
            counters.snapshotsRetaken += 1
        }
        return isComplete
    }

    /// Closes the unit if it may close now, and takes the parked changes. nil: ask again. Once
    /// asked, the stream closes a staged unit at its next commit: between two batches of a busy
    /// stream there may be no moment at which the worker is awake.
    package mutating func close(_ work: ChunkWork, _ chunk: ChunkSnapshot) -> ClosingPlan? {
        guard let route = tables[work.route]?.route, var unit = tables[work.route]?[work.place],
            unit.id == work.id
        else { return nil }
        if unit.isCopying {
            unit.state = .copying(readAt: chunk.position)
            closeIfPossible(&unit, isStaged: work.isStaged)
        }
        defer { tables[work.route]?[work.place] = unit }
        guard case .closing(let position) = unit.state else { return nil }
        let parked = unit.parked
        unit.parked = ParkedChanges()
        unit.isTaken = true
        return ClosingPlan(parked, position, chunk.snapshot, route, cascades.only(work.route))
    }

    /// Not in the middle of a transaction, nor while a piece is being spooled. A staged unit only
    /// when everything judged is at the target, and that is more than its snapshot can see: then
    /// its rows and those of the target are of one moment, and no two have one unique value.
    private func closeIfPossible(_ unit: inout TableLoad.Unit, isStaged: Bool) {
        guard case .copying(let position?) = unit.state, !isMidTransaction, !unit.parked.isMoving
        else { return }
        guard
            !isStaged || (!isAhead && position <= lastJudged)
                || Failpoint.isTakenAway(.noStagingRule)
        else { return }
        unit.state = .closing(at: lastJudged)
    }

    /// Everything judged is at the target.
    mutating func closeStaged() {
        for route in tables.indices where tables[route]?.isStaged ?? false {
            for (place, unit) in tables[route]?.unitsInFlight ?? [] where unit.isRead {
                var unit = unit
                closeIfPossible(&unit, isStaged: true)
                tables[route]?[place] = unit
            }
        }
    }

    /// The journal rows of the keys that the closing plan left without a value.
    package mutating func keyChunkRecords(_ plan: ClosingPlan, _ work: ChunkWork) -> [ChunkRecord] {
        plan.keyChunks.map { pendingKeyChunk($0, work.route) }
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
        _ work: ChunkWork, _ record: ChunkRecord, keyChunks: [ChunkRecord]
    ) {
        guard let seal = record.seal, var unit = tables[work.route]?[work.place],
            unit.id == work.id
        else { return }
        unit.state = .copied(seal)
        unit.rows = record.rows
        tables[work.route]?[work.place] = unit
        tables[work.route]?.parts = nil
        for keyChunk in keyChunks {
            guard let key = keyChunk.range.upper else { continue }
            tables[work.route]?.setKeyChunk(key, id: keyChunk.id)
        }
    }

    /// A run of neighbours to merge in the journal, in the chunk's own transaction; one at a time.
    package mutating func mergeNeighbours(_ route: Int, applied: LogPosition) -> TableLoad.Merge? {
        guard let load = tables[route], !load.isMerging, !load.isHeld else { return nil }
        guard let merge = load.mergeable(applied: applied) else { return nil }
        tables[route]?.isMerging = true
        return merge
    }

    /// The merge is committed; false while cuts are frozen: ask again.
    package mutating func merged(_ merge: TableLoad.Merge, _ work: ChunkWork) -> Bool {
        guard tables[work.route]?.generation == work.generation else { return true }
        guard mayAddCut(work.route) else { return false }
        tables[work.route]?.carryOut(merge)
        tables[work.route]?.isMerging = false
        return true
    }

    /// The chunk failed or was given up: not yet copied again, its parked changes thrown away.
    package mutating func chunkFailed(_ work: ChunkWork) {
        guard var unit = tables[work.route]?[work.place], unit.claim == work.claim, unit.isInFlight
        else { return }
        unit.state = .pending
        unit.parked = ParkedChanges()
        tables[work.route]?[work.place] = unit
    }
}
