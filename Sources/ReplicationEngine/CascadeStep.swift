package import ReplicationModel

/// A range of a batch's changes, and what is to be done behind it to rows that the log does not
/// name.
package struct CascadeStep: Sendable {
    package var range: Range<Int>
    package var hits: [CascadeHit]

    package init(range: Range<Int>, hits: [CascadeHit]) {
        self.range = range
        self.hits = hits
    }
}

extension ChangeBatch {
    /// Cuts the batch where rows that the log does not name change. A hit may wait for the next
    /// change of a table that it reaches, not longer: tables are independent of each other
    /// otherwise.
    ///
    /// - Parameter isLive: of a route: all transactions concern all its rows.
    package func steps(
        _ cascades: CascadeMap, routes: [Int], isLive: (Int) -> Bool
    ) throws -> [CascadeStep] {
        var cutting = CascadeCutting(cascades: cascades)
        guard !cascades.isEmpty else {
            return [CascadeStep(range: changes.indices, hits: [])]
        }
        for mark in transactions {
            for index in mark.changes {
                let route = routes[Int(changes[index].table)]
                cutting.meet(route, at: index)
                for cascade in cascades[route] {
                    guard let hit = try hit(of: changes[index], cascade, in: mark) else { continue }
                    cutting.add(hit, behind: index, isLive: isLive(cascade.child))
                }
            }
        }
        cutting.cut(at: changes.count)
        return cutting.steps
    }

    /// Whether a transaction changes rows of a table between two others.
    func goesFurther(_ mark: TransactionMark, _ cascades: CascadeMap, routes: [Int]) throws -> Bool
    {
        try mark.changes.contains { index in
            try cascades[routes[Int(changes[index].table)]].contains { cascade in
                try cascades.isBetween(cascade.child)
                    && hit(of: changes[index], cascade, in: mark) != nil
            }
        }
    }

    /// Changes of the only transaction, which goes on behind them.
    func piece(_ range: Range<Int>) -> ChangeBatch {
        var piece = self
        piece.changes = Array(changes[range])
        (piece.messages, piece.definitions) = ([], [])
        piece.transactions[0].changes = piece.changes.indices
        piece.transactions[0].isLastPart = false
        return piece
    }

    /// What is left of the only transaction when all its changes are taken.
    var end: ChangeBatch {
        var end = self
        end.changes = []
        end.transactions[0].changes = 0..<0
        end.transactions[0].isFirstPart = false
        return end
    }
}

private struct CascadeCutting {
    let cascades: CascadeMap
    private(set) var steps: [CascadeStep] = []
    private var start = 0
    private var waiting: [CascadeHit] = []

    init(cascades: CascadeMap) { self.cascades = cascades }

    /// A change of this route comes: what waits for it goes first.
    mutating func meet(_ route: Int, at index: Int) {
        guard !waiting.isEmpty else { return }
        if waiting.contains(where: { cascades.reach(of: $0.cascade.child).contains(route) }) {
            cut(at: index)
        }
    }

    mutating func add(_ hit: CascadeHit, behind index: Int, isLive: Bool) {
        if let place = waiting.firstIndex(where: { $0.cascade == hit.cascade }) {
            if waiting[place].merge(hit, acrossTransactions: isLive) { return }
            cut(at: index + 1)
        }
        waiting.append(hit)
    }

    mutating func cut(at index: Int) {
        guard start < index || !waiting.isEmpty else { return }
        steps.append(CascadeStep(range: start..<index, hits: waiting))
        (start, waiting) = (index, [])
    }
}
