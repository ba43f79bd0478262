package import ReplicationModel

/// Rows that the log does not name, of a table that is being loaded. The change they come of
/// concerns every unit of the table, and is judged for each as the change of a key is:
///
///     pending   nothing: a later snapshot contains what became of the rows
///     copying   parked with the unit; applied at closing to the unit's own rows
///     closing   the batch waits until it is committed
///     copied    the rows that the target then has are judged one by one, by the unit of their key
///
/// Values that are handed on to rows are in no log, and a row that is newer than the stream would
/// lose them: where one may be, such a change starts the load again, like TRUNCATE.
extension MergeLedger {
    mutating func judgeCascades(
        of change: Change, _ route: Int, _ batch: ChangeBatch, _ mark: TransactionMark,
        into judged: inout JudgedBatch
    ) throws {
        for cascade in cascades[route] {
            guard let load = tables[cascade.child], !load.isHeld,
                let hit = try batch.hit(of: change, cascade, in: mark)
            else { continue }
            let moves = !Set(load.route.key).isDisjoint(with: cascade.childColumns)
            if hit.handsOn, load.isInDoubt(of: mark, moves: moves) {
                restart(cascade.child, &judged)
                continue
            }
            judged.cascaded.insert(cascade.child)
            // Parked already, as a change of the only unit that such a table has.
            guard cascade.parent != cascade.child else { continue }
            for (place, unit) in load.unitsInFlight where unit.isCopying {
                tables[cascade.child]?.park(change, at: place, sides: .both, of: mark, in: batch)
            }
        }
    }

    /// Of changes that were found at the target: all are of one table.
    mutating func judgeCascades(
        of found: ChangeBatch, _ route: Int, into judged: inout JudgedBatch
    ) throws {
        guard isLoading else { return }
        for mark in found.transactions {
            for index in mark.changes {
                try judgeCascades(of: found.changes[index], route, found, mark, into: &judged)
            }
        }
    }

    /// Rows that change with those of other tables are copied when these have all of theirs: until
    /// then nobody could say which.
    func waitsForOthers(_ route: Int) -> Bool {
        cascades.tables(between: route).contains { tables[$0] != nil }
    }

    /// Which of the rows found at the target the hit is still to be applied to. A unit that closed
    /// since it was judged has it already.
    package func concerned(_ keys: [Key], by hit: CascadeHit) throws -> [Key] {
        guard let load = tables[hit.cascade.child] else { return keys }
        guard !load.isHeld else { return [] }
        return try keys.filter { key in
            let place = try place(key, load, hit.mark)
            guard case .copied(let seal) = load[place]?.state else { return false }
            return seal.need(of: hit.mark.xid, at: hit.mark.commitPosition) != .none
        }
    }
}
