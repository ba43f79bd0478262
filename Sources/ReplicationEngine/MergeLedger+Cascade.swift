package import ReplicationModel

/// Rows that the log does not name, of a table that is being loaded. The change they come of
/// concerns every unit of the table, and is judged for each as the change of a key is:
///
///     pending   nothing: a later snapshot contains what became of the rows
///     copying   parked with the unit; applied at closing to the unit's own rows
///     closing   the batch waits until it is committed
///     copied    the rows that the target then has are judged one by one, by the unit of their key
extension MergeLedger {
    mutating func judgeCascades(
        of change: Change, _ route: Int, _ batch: ChangeBatch, _ mark: TransactionMark,
        into judged: inout JudgedBatch
    ) throws {
        for cascade in cascades[route] {
            guard let load = tables[cascade.child], !load.isHeld,
                try batch.hit(of: change, cascade, in: mark) != nil
            else { continue }
            for (place, unit) in load.unitsInFlight where unit.isCopying {
                tables[cascade.child]?.park(change, at: place, sides: .both, of: mark, in: batch)
            }
            judged.cascaded.insert(cascade.child)
        }
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
