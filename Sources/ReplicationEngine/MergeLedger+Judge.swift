package import ReplicationModel

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
    /// Tables with rows at the target that a foreign key may change.
    package var cascaded: Set<Int> = []
    /// Tables whose key must be at the target before the batch is carried out.
    package var keysNeeded: Set<Int> = []
    /// Those of them whose key the stream makes.
    package var keysToMake: Set<Int> = []
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
                if !cascades.isEmpty {
                    try judgeCascades(of: change, route, batch, mark, into: &judged)
                }
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
            counters.truncates += 1
            return
        }
        guard var kept = try locate(change, index, route, batch, mark) else { return }
        needKey(kept, &judged)
        count(change, kept, route)
        park(change, &kept, route, batch, mark)
        kept.oldPlace = keeps(kept.oldPlace, route)
        kept.newPlace = keeps(kept.newPlace, route)
        if kept.oldPlace != nil || kept.newPlace != nil { judged.kept.append(kept) }
    }

    /// TRUNCATE of a table being loaded: chunks being copied are void, nothing of it starts, later
    /// changes are dropped, and one target transaction wipes the table and its journal.
    mutating func restart(_ route: Int, _ judged: inout JudgedBatch) {
        tables[route]?.hold()
        judged.restarts.insert(route)
        judged.kept.removeAll { $0.route == route }
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

    func place(_ key: Key, _ load: TableLoad, _ mark: TransactionMark) throws
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
