internal import ReplicationModel

/// The tables as the log described them last, by relation id.
///
/// What a streamed transaction says of a table is its own until it commits (P28):
///
///     server:  S(7) R t(a,b) I E      B(9) R t(a) I C      A(7)
///     known:        -- spooled --           t(a)           t(a): (a,b) never was
///
/// So relations of streamed transactions go to an overlay while the transaction is replayed, and
/// from there to everybody, unless a younger description has arrived since: arrivals are numbered.
struct RelationCache {
    private struct Entry {
        var table: LoggedTable
        var arrival: UInt32
    }

    private var known: [UInt32: Entry] = [:]
    private var overlay: [UInt32: Entry]?

    mutating func define(_ table: LoggedTable, arrival: UInt32) {
        let entry = Entry(table: table, arrival: arrival)
        if overlay != nil { overlay?[table.id] = entry } else { known[table.id] = entry }
    }

    func table(_ id: UInt32) -> LoggedTable? { (overlay?[id] ?? known[id])?.table }

    mutating func beginReplay() { overlay = [:] }

    mutating func commitReplay() {
        for (id, entry) in overlay ?? [:] where entry.arrival >= known[id]?.arrival ?? 0 {
            known[id] = entry
        }
        overlay = nil
    }
}
