/// The key of a table that is loaded without one, because an index is cheaper made than kept
/// (docs/decisions/why-keys-come-behind-the-rows):
///
///     awaited   no row that is at the target, or on its way there, has changed since it was read
///     making    the first such change was judged, or all rows are in; nothing of the table is
///               copied or closes, and changes of its rows wait
///     made      as every other table
///
/// Until then a change concerns keys only that are not yet copied, and those it is dropped for.
extension MergeLedger {
    /// Whoever makes the key locks the table at the target: a chunk that is being copied would hold
    /// it, parked changes and all, until the stream lets it close.
    mutating func needKey(_ kept: KeptChange, _ judged: inout JudgedBatch) {
        guard let load = tables[kept.route], load.targetKey != .made, !load.isHeld else { return }
        let places = [kept.oldPlace, kept.newPlace].compactMap(\.self)
        guard places.contains(where: { load[$0].map { !$0.isPending } ?? false }) else { return }
        judged.keysNeeded.insert(kept.route)
        guard load.targetKey == .awaited else { return }
        judged.keysToMake.insert(kept.route)
        tables[kept.route]?.beginKey()
        counters.keysMadeEarly += 1
    }

    package mutating func keyMade(_ route: Int) { tables[route]?.targetKey = .made }

    package func hasKeys(_ routes: Set<Int>) -> Bool {
        routes.allSatisfy { tables[$0].map { $0.targetKey == .made } ?? true }
    }
}
