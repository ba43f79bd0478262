internal import ReplicationModel

/// Where a parked piece that is being spooled belongs.
package struct SpoolTicket: Sendable {
    var route: Int
    var place: TableLoad.Place
    var generation: Int
    var index: Int
}

extension MergeLedger {
    /// Hands out one full parked piece if all of them hold more than `share` bytes of memory.
    package mutating func takeForSpool(over share: Int) -> (SpoolTicket, ParkedChanges.Piece)? {
        var largest: (bytes: Int, route: Int, place: TableLoad.Place)?
        var sum = 0
        for route in tables.indices {
            guard let load = tables[route] else { continue }
            for (place, unit) in load.unitsInFlight where unit.isCopying {
                let bytes = unit.parked.spillable
                sum += bytes
                if bytes > largest?.bytes ?? 0 { largest = (bytes, route, place) }
            }
        }
        guard sum > share, let largest, let load = tables[largest.route] else { return nil }
        guard let taken = tables[largest.route]?.takeForSpool(largest.place) else { return nil }
        let ticket = SpoolTicket(
            route: largest.route, place: largest.place, generation: load.generation,
            index: taken.index)
        return (ticket, taken.piece)
    }

    package mutating func settle(_ ticket: SpoolTicket, _ entry: ParkedSpool.Entry) {
        guard tables[ticket.route]?.generation == ticket.generation else { return }
        tables[ticket.route]?.settle(ticket.place, ticket.index, entry)
    }
}
