package import ReplicationModel

/// Decides, for every change of the stream, what it means to tables that are being loaded
/// (DESIGN section 6). Handed decoded transactions by the stream and chunks by the load workers;
/// hands back what to apply. Does no I/O: its owner keeps it behind one `Monitor`, and every method
/// is one critical section.
///
/// States of a unit (chunk or key-chunk), and what a change of one of its keys becomes:
///
///     pending   dropped: a later snapshot contains it, because it must see the unseen list
///     copying   parked with the unit
///     closing   kept; its batch begins at the target only when the unit's commit is known
///     copied    kept; applied if the unit's snapshot does not see its transaction
///               and its commit position is after `closedAt`; so that it is right
///               either way, if the snapshot cannot tell
///
/// A chunk beside the stream; time runs down, | is where the two meet:
///
///     worker                          stream
///     claim: copying, note unseen
///     snapshot S (must see unseen)    judge T1: parked (S sees it: dropped at closing)
///     rows -> target                  judge T2: parked (S does not: applied at closing)
///     close: take parked,        |    between two transactions
///       closedAt = T2            |
///     apply T2, journal, commit       judge T3: kept, waits for the commit
///     committed: copied               plan T3: not seen by S, after closedAt: applied
///
/// A table whose target has unique keys of its own is *staged*: its rows, its parked changes and
/// the stream's changes would otherwise meet as rows of different moments. Its unit closes only
/// when the target has everything judged, which includes all that its snapshot can see:
///
///     worker                          stream
///     snapshot S at position P
///     rows -> staging                 judge T1: parked; commit T1
///     waits to close                  judge T2: parked; commit T2, past P
///                                |    close: closedAt = T2, which the target has
///     T1, T2 unless S sees them
///       -> staging; move; commit      judge T3: kept, waits for the commit if it touches the unit
///
/// Why the stream closes it, and not the worker: between two batches of a busy stream the worker
/// would never be awake in time.
///
/// Why visibility and not log positions: a transaction's rows may become visible long after its
/// commit record was decoded (P36), so "position before the snapshot" does not say "in the
/// snapshot". Why `closedAt` as well: T2 is in the chunk although S does not see it.
///
/// A source whose snapshots do not tell what they see gives a window of positions instead (DESIGN
/// 6.6). L is a position whose transactions were all visible before the snapshot; H is taken after
/// it, so that nothing it sees commits later:
///
///     worker                          stream
///     claim: copying, note T0         judged up to T0
///     L (must be at or after T0)
///     snapshot, then H                T1 at or before L: parked, dropped at closing
///     close, commit: copied           T2 between: parked or kept, applied idempotently
///                                     T3 after H: strict; the window is forgotten
///
/// Between L and H the chunk's rows may be newer than the stream: they go back and forth until the
/// stream has passed H, which it has before the table is live.
package struct MergeLedger: Sendable {
    /// By route index; nil once the table is live.
    package internal(set) var tables: [TableLoad?]
    /// Streamed transactions that no snapshot has been seen to contain yet (DESIGN 6.4).
    package internal(set) var unseen: Set<UInt32>
    /// Where the last transaction judged whole is committed.
    package private(set) var lastJudged: LogPosition
    /// Commit position of the last transaction with changes that was judged, even in part.
    package private(set) var streamed: LogPosition
    /// Windows need no unseen list: positions say what was streamed.
    private let kind: SnapshotKind
    /// Parts of one transaction are being judged: nothing may close in between.
    package var isMidTransaction = false
    /// Transactions are judged, or about to be, that the target does not have: no staged unit may
    /// close.
    package var isAhead = false
    package internal(set) var counters = LoadCounters()

    package init(
        tables: [TableLoad?], unseen: Set<UInt32>, lastJudged: LogPosition,
        kind: SnapshotKind
    ) {
        self.tables = tables
        self.unseen = kind == .visibility ? unseen : []
        self.lastJudged = lastJudged
        self.kind = kind
        streamed = lastJudged
    }

    package var isLoading: Bool { tables.contains { $0 != nil } }
    package var hasClosing: Bool {
        tables.contains { $0?.hasClosing ?? false }
    }
    package var hasStagedClosing: Bool {
        tables.contains { load in
            load.map { $0.isStaged && $0.hasClosing } ?? false
        }
    }

    package func load(_ route: Int) -> TableLoad? { tables[route] }
    package var staged: Set<Int> {
        Set(tables.indices.filter { tables[$0]?.isStaged ?? false })
    }
    package mutating func update(_ route: Int, _ body: (inout TableLoad) -> Void) {
        guard var load = tables[route].take() else { return }
        defer { tables[route] = load }
        body(&load)
    }

    package mutating func becomesLive(_ route: Int) {
        tables[route] = nil
        if !isLoading { unseen = [] }
    }

    /// Forgets what this snapshot sees: visible once is visible for ever.
    package mutating func prune(by snapshot: SourceSnapshot) {
        guard case .visibility(let visible) = snapshot else { return }
        unseen = unseen.filter { !visible.sees($0) }
    }
}

/// How often each decision was met; printed at the end of a run.
package struct LoadCounters: Sendable, Codable, Equatable {
    package var notYetCopied = 0
    package var copying = 0
    package var closing = 0
    package var copiedSeen = 0
    package var copiedUnseen = 0
    package var copiedBetween = 0
    package var keyChangesForward = 0
    package var keyChangesBackward = 0
    package var keyChunks = 0
    package var truncates = 0
    package var snapshotsRetaken = 0
    package init() {}
}

// MARK: The stream judges

/// A change that survived judging; decided at last when its target transaction runs.
package struct KeptChange: Sendable {
    package var index: Int
    package var route: Int
    package var xid: UInt32
    package var commitPosition: LogPosition
    package var old: Key?
    package var new: Key?
    /// Where the sides were found; nil for a side that does not concern the target.
    package var oldPlace: TableLoad.Place?
    package var newPlace: TableLoad.Place?
    /// The after-image lacks values.
    package var isIncomplete: Bool
}

/// What the stream holds of judged transactions until their target transaction runs.
package struct JudgedBatch: Sendable {
    package var kept: [KeptChange] = []
    /// Tables whose load starts again in this target transaction (TRUNCATE, DESIGN 6.10).
    package var restarts: Set<Int> = []
    package init() {}
}

extension MergeLedger {
    /// Judges one transaction, or the next part of one. `routes[i]` is the route of
    /// `batch.tables[i]`.
    package mutating func judge(
        _ batch: ChangeBatch, _ mark: TransactionMark, routes: [Int], into judged: inout JudgedBatch
    ) throws {
        if mark.isFirstPart, !mark.isLastPart { isMidTransaction = true }
        if !mark.changes.isEmpty { (streamed, isAhead) = (mark.commitPosition, true) }
        if isLoading {
            for index in mark.changes {
                let change = batch.changes[index]
                let route = routes[Int(change.table)]
                guard tables[route] != nil else { continue }
                if kind == .visibility { unseen.insert(mark.xid) }
                try judge(change, index, route, batch, mark, into: &judged)
            }
        }
        if mark.isLastPart {
            lastJudged = mark.committedAt
            isMidTransaction = false
        }
    }

    private mutating func judge(
        _ change: Change, _ index: Int, _ route: Int, _ batch: ChangeBatch, _ mark: TransactionMark,
        into judged: inout JudgedBatch
    ) throws {
        guard change.operation != .truncate else {
            restart(route, &judged)
            return
        }
        guard var kept = try locate(change, index, route, batch, mark) else { return }
        count(change, kept, route)
        park(change, &kept, route, batch, mark)
        kept.oldPlace = keeps(kept.oldPlace, route)
        kept.newPlace = keeps(kept.newPlace, route)
        if kept.oldPlace != nil || kept.newPlace != nil { judged.kept.append(kept) }
    }

    /// TRUNCATE of a table being loaded: chunks being copied are void, nothing of it starts, later
    /// changes are dropped, and one target transaction wipes the table and its journal.
    private mutating func restart(_ route: Int, _ judged: inout JudgedBatch) {
        tables[route]?.hold()
        judged.restarts.insert(route)
        judged.kept.removeAll { $0.route == route }
        counters.truncates += 1
    }

    private func locate(
        _ change: Change, _ index: Int, _ route: Int, _ batch: ChangeBatch, _ mark: TransactionMark
    ) throws -> KeptChange? {
        guard let load = tables[route] else { return nil }
        let table = load.route
        var kept = KeptChange(
            index: index, route: route, xid: mark.xid, commitPosition: mark.commitPosition,
            isIncomplete: batch.isIncomplete(change, columns: table.columns.count))
        if change.operation != .insert {
            kept.old = table.isKeyless ? Key([]) : batch.oldKey(of: change, table)
        }
        if change.operation != .delete {
            kept.new = table.isKeyless ? Key([]) : batch.newKey(of: change, table)
        }
        let missing =
            (change.operation != .insert && kept.old == nil)
            || (change.operation != .delete && kept.new == nil)
        guard !missing else { throw Self.keyMissing(change, table, mark) }
        kept.oldPlace = try kept.old.map { try place($0, load, mark) }
        kept.newPlace = try kept.new.map { try place($0, load, mark) }
        return kept
    }

    private func place(_ key: Key, _ load: TableLoad, _ mark: TransactionMark) throws
        -> TableLoad.Place
    {
        if let place = load.place(of: key) { return place }
        throw ReplicationError(
            .internalFault, "find the chunk of a key", position: mark.commitPosition,
            table: load.route.source.name, why: "the key's order is not known")
    }

    private static func keyMissing(
        _ change: Change, _ route: TableRoute, _ mark: TransactionMark
    ) -> ReplicationError {
        ReplicationError(
            .unseenSchemaChange, "judge \(change.operation)", position: mark.commitPosition,
            table: route.source.name,
            why: "the log's tuple does not carry the key (\(route.keyColumns.map(\.name)))",
            try: "ALTER TABLE \(route.source.name.quoted) REPLICA IDENTITY FULL")
    }

    /// Both sides in one unit being copied: parked as one change, so that an unchanged value stays.
    private mutating func park(
        _ change: Change, _ kept: inout KeptChange, _ route: Int, _ batch: ChangeBatch,
        _ mark: TransactionMark
    ) {
        let old = kept.oldPlace.flatMap { isCopying($0, route) ? $0 : nil }
        let new = kept.newPlace.flatMap { isCopying($0, route) ? $0 : nil }
        if let old, let new, old == new {
            tables[route]?.park(change, at: old, sides: .both, of: mark, in: batch)
            return
        }
        if let old { tables[route]?.park(change, at: old, sides: .old, of: mark, in: batch) }
        if let new { tables[route]?.park(change, at: new, sides: .new, of: mark, in: batch) }
    }

    private func isCopying(_ place: TableLoad.Place, _ route: Int) -> Bool {
        tables[route]?[place]?.isCopying ?? false
    }

    /// The place if its unit is closing or copied, nil otherwise.
    private func keeps(_ place: TableLoad.Place?, _ route: Int) -> TableLoad.Place? {
        guard let place, let unit = tables[route]?[place], !(tables[route]?.isHeld ?? false) else {
            return nil
        }
        switch unit.state {
        case .pending, .copying: return nil
        case .closing, .copied: return place
        }
    }

    private mutating func count(_ change: Change, _ kept: KeptChange, _ route: Int) {
        guard let place = kept.newPlace ?? kept.oldPlace else { return }
        switch tables[route]?[place]?.state {
        case nil, .pending: counters.notYetCopied += 1
        case .copying: counters.copying += 1
        case .closing: counters.closing += 1
        case .copied: break
        }
        guard let old = kept.oldPlace, let new = kept.newPlace, old != new else { return }
        if comesBefore(old, new) {
            counters.keyChangesForward += 1
        } else {
            counters.keyChangesBackward += 1
        }
    }

    private func comesBefore(_ a: TableLoad.Place, _ b: TableLoad.Place) -> Bool {
        switch (a, b) {
        case (.chunk(let a), .chunk(let b)): a < b
        case (.chunk, .uncut): true
        default: false
        }
    }
}

// MARK: The stream decides

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
    /// table whose load starts again.
    package func mayBegin(_ judged: JudgedBatch) -> Bool {
        if Failpoint.isTakenAway(.noClosingRule) { return true }
        for route in judged.restarts {
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
