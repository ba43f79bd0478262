internal import ReplicationModel

/// Rows that change with others, and that the log does not name
/// (docs/decisions/why-unlogged-cascades-are-followed).
extension StreamApplier {
    var cascades: CascadeMap { state.with(\.ledger.cascades) }

    /// The batch's changes, and behind each what it does to rows that refer to it.
    mutating func apply(_ batch: ChangeBatch, _ actions: [ChangeAction]?, _ map: [Int]) throws {
        let steps = try batch.steps(
            cascades, routes: map,
            isLive: { route in state.with { $0.ledger.load(route) == nil } })
        for step in steps {
            if !step.range.isEmpty {
                try applier.apply(
                    batch, range: step.range, actions: actions, routes: map, counts: &counts)
            }
            for hit in step.hits { try follow(hit) }
        }
    }

    /// Changes the rows that the hit is about, and those that change with them.
    private mutating func follow(_ hit: CascadeHit, level: Int = 0) throws {
        let child = hit.cascade.child
        try hit.require(level, routes[child])
        touched.insert(child)
        var search = KeySearch(hit)
        while let keys = try search.next(applier) {
            let found = hit.changes(of: try concerned(keys, by: hit), routes[child])
            guard !found.changes.isEmpty else { continue }
            if cascades.isBetween(child) { try judgeFurther(found, child) }
            try applier.apply(
                found, range: found.changes.indices, actions: nil, routes: [child],
                counts: &counts)
            for hit in try found.hits(cascades, child) { try follow(hit, level: level + 1) }
        }
    }

    private func concerned(_ keys: [Key], by hit: CascadeHit) throws -> [Key] {
        let child = hit.cascade.child
        let asks = state.with { $0.ledger.load(child)?.asksSource ?? false }
        if asks { try locate(keys, child) }
        return try state.with { state in
            defer { if asks { state.ledger.thaw(child) } }
            return try state.ledger.concerned(keys, by: hit)
        }
    }

    // MARK: Tables between others

    /// A batch with a transaction that changes rows of a table between two others. Which rows these
    /// are is known when everything before is at the target; only then what is behind can be judged
    /// for tables that are being loaded. So the transaction is carried out alone, piece by piece.
    mutating func carryApart(_ alone: ChangeBatch, _ map: [Int]) throws {
        if open == nil { try beginParts() }
        for step in try alone.steps(cascades, routes: map, isLive: { _ in false }) {
            let piece = alone.piece(step.range)
            try carryOut(piece, map, try judge(piece, map))
        }
        guard let mark = alone.transactions.last, mark.isLastPart else { return }
        try carryOut(alone.end, map, try judge(alone.end, map))
        try commit(alone, mark)
    }

    func firstThatGoesFurther(_ batch: ChangeBatch, _ map: [Int]) throws -> Int? {
        let cascades = cascades
        guard cascades.goesFurther else { return nil }
        return try batch.transactions.firstIndex {
            try batch.goesFurther($0, cascades, routes: map)
        }
    }

    private mutating func judgeFurther(_ found: ChangeBatch, _ route: Int) throws {
        var judged = JudgedBatch()
        try state.with { try $0.ledger.judgeCascades(of: found, route, into: &judged) }
        open?.restart(judged.restarts)
        for route in judged.restarts { try applier.wipe(route: route) }
    }
}
