package import ReplicationModel

/// What one target transaction of the stream does, decided by the journal as it is when it runs. A
/// transaction that comes in parts keeps one plan over all of them.
package struct StreamPlan: Sendable {
    /// One per change of the batch planned last.
    package var actions: [ChangeAction] = []
    /// Keys whose rows are nowhere at the target: born pending in this transaction (DESIGN 6.7).
    package private(set) var keyChunks: [Int: [Key: ChunkRecord]] = [:]
    /// Tables to wipe with their journal rows.
    package private(set) var restarts: Set<Int> = []

    package init() {}

    func makes(_ key: Key, _ route: Int) -> Bool { keyChunks[route]?[key] != nil }

    mutating func make(_ record: ChunkRecord, _ key: Key, _ route: Int) {
        keyChunks[route, default: [:]][key] = record
    }

    mutating func restart(_ routes: Set<Int>) {
        restarts.formUnion(routes)
        for route in routes { keyChunks[route] = nil }
    }
}

extension MergeLedger {
    /// Whether the batch may begin: no unit that it touches is closing, and no unit at all of a
    /// table whose load starts again, or whose rows a foreign key may change.
    package func mayBegin(_ judged: JudgedBatch) -> Bool {
        if Failpoint.isTakenAway(.noClosingRule) { return true }
        for route in judged.restarts.union(judged.cascaded) {
            if tables[route]?.hasClosing ?? false { return false }
        }
        return !judged.kept.contains { kept in
            touchesClosing(kept.oldPlace, kept.old, kept.route)
                || touchesClosing(kept.newPlace, kept.new, kept.route)
        }
    }

    private func touchesClosing(_ place: TableLoad.Place?, _ key: Key?, _ route: Int) -> Bool {
        guard let place, let load = tables[route] else { return false }
        if load[place]?.isClosing ?? false { return true }
        return key.map { load.keyChunks[$0]?.isClosing ?? false } ?? false
    }

    /// Decides for each change of `batch`: those of live tables are applied whole, those of loading
    /// ones as `judged` and the journal say.
    package mutating func plan(
        _ batch: ChangeBatch, routes: [Int], _ judged: JudgedBatch, into plan: inout StreamPlan
    ) {
        plan.actions = batch.changes.map { tables[routes[Int($0.table)]] == nil ? .whole : .skip }
        plan.restart(judged.restarts)
        for kept in judged.kept {
            let old = needs(kept.oldPlace, kept.old, kept, plan)
            let new = needs(kept.newPlace, kept.new, kept, plan)
            let needs = ChangeNeeds(
                old: old, new: new, hasNew: kept.new != nil,
                keepsKey: kept.old != nil && kept.old == kept.new, isIncomplete: kept.isIncomplete)
            plan.actions[kept.index] = needs.action
            count(needs)
            if needs.leavesKeyWithoutValue, let key = kept.new {
                plan.make(pendingKeyChunk(key, kept.route), key, kept.route)
            }
        }
    }

    private mutating func count(_ needs: ChangeNeeds) {
        switch (needs.old, needs.new) {
        case (.none, .none): counters.copiedSeen += 1
        case (.idempotent, _), (_, .idempotent): counters.copiedBetween += 1
        case (.strict, _), (_, .strict): counters.copiedUnseen += 1
        }
    }

    mutating func pendingKeyChunk(_ key: Key, _ route: Int) -> ChunkRecord {
        counters.keyChunks += 1
        let id = tables[route]?.keyChunkID(key) ?? 0
        return ChunkRecord(
            table: tables[route]?.route.source.id ?? 0, id: id,
            range: KeyRange(after: key, through: key), isKeyChunk: true, seal: nil, rows: 0)
    }

    /// Rule "copied": not seen by the unit's snapshot and after its closing.
    private func needs(
        _ place: TableLoad.Place?, _ key: Key?, _ kept: KeptChange, _ plan: StreamPlan
    ) -> SideNeed {
        guard var place, let key, let load = tables[kept.route] else { return .none }
        if plan.makes(key, kept.route) { return .none }
        if load.keyChunks[key] != nil { place = .key(key) }
        guard case .copied(let seal) = load[place]?.state else { return .none }
        return seal.need(of: kept.xid, at: kept.commitPosition)
    }

    /// The target transaction is committed.
    package mutating func committed(_ plan: StreamPlan) {
        for (route, records) in plan.keyChunks {
            for (key, record) in records { tables[route]?.setKeyChunk(key, id: record.id) }
        }
        for route in plan.restarts { tables[route]?.restart() }
        isAhead = false
        closeStaged()
    }
}

extension ChunkSeal {
    /// Whether a change of this transaction is still to be applied to the chunk.
    func need(of xid: UInt32, at commitPosition: LogPosition) -> SideNeed {
        if commitPosition <= closedAt, !Failpoint.isTakenAway(.noClosingRule) { return .none }
        return snapshot?.need(of: xid, at: commitPosition) ?? .strict
    }
}

extension SourceSnapshot {
    func need(of xid: UInt32, at commitPosition: LogPosition) -> SideNeed {
        switch judge(xid, at: commitPosition) {
        case .seen: .none
        case .between: Failpoint.isTakenAway(.noIdempotence) ? .strict : .idempotent
        case .after: .strict
        }
    }
}
