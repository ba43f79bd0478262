import ReplicationEngine
import ReplicationModel
import Synchronization

/// What is stored of tables that the engine does not know: those that a table goes to besides its
/// first target. They are as far as that one, and count their own changes.
struct OutputProgress {
    /// Of all sessions.
    final class Counts: Sendable {
        /// By id of the output.
        let committed = Mutex<[UInt32: ChangeCounts]>([:])
        /// Ids of tables that were live when the pipeline was taken over.
        let live = Mutex<Set<UInt32>>([])
    }

    /// By id of the source's table: its targets besides the first.
    private let further: [UInt32: [TableRoute]]
    private let counts: Counts
    /// Of the open target transaction.
    private var open: [UInt32: ChangeCounts] = [:]

    init(_ transforms: [UInt32: [Transform]], _ counts: Counts) {
        further = transforms.mapValues { $0.dropFirst().map(\.target) }
        self.counts = counts
    }

    func tables(_ tables: [TableProgress]) -> [TableProgress] {
        tables.flatMap { table in
            [table]
                + (further[table.id] ?? []).map { route in
                    var copy = table
                    (copy.id, copy.target) = (route.source.id, route.target)
                    copy.counts = counts.committed.withLock { $0[copy.id] } ?? ChangeCounts()
                    return copy
                }
        }
    }

    func entries(_ entries: [JournalEntry]) -> [JournalEntry] {
        entries.flatMap { entry in
            guard case .table(let table) = entry else { return [entry] }
            return tables([table]).map { .table($0) }
        }
    }

    // MARK: Counts

    /// What was stored when the pipeline was taken over.
    func begin(_ stored: StoredPipeline) {
        let live = stored.tables.filter { $0.state == .live }.map(\.id)
        counts.live.withLock { $0 = Set(live) }
        let found = stored.tables.map { ($0.id, $0.counts) }
        counts.committed.withLock { $0 = Dictionary(found, uniquingKeysWith: { _, last in last }) }
    }

    func isLive(_ route: TableRoute) -> Bool {
        counts.live.withLock { $0.contains(route.source.id) }
    }

    mutating func begin() { open = [:] }

    /// - Parameter made: by route of the target's.
    mutating func count(
        _ made: [ChangeCounts], _ layout: RouteLayout, _ counts: inout [ChangeCounts]
    ) {
        for (source, outputs) in layout.outputs.enumerated() {
            counts[source].add(made[outputs.lowerBound])
            for output in outputs.dropFirst() where made[output] != ChangeCounts() {
                open[layout.routes[output].source.id, default: ChangeCounts()].add(made[output])
            }
        }
    }

    func checkpoint(_ checkpoint: Checkpoint?) -> Checkpoint? {
        guard var result = checkpoint, !open.isEmpty else { return checkpoint }
        for (id, count) in totals() { result.counts[id] = count }
        return result
    }

    /// What chunks bring beside their rows is not counted.
    mutating func committed(_ checkpoint: Checkpoint?) {
        defer { open = [:] }
        guard checkpoint != nil else { return }
        let totals = totals()
        counts.committed.withLock { $0.merge(totals, uniquingKeysWith: { _, new in new }) }
    }

    private func totals() -> [UInt32: ChangeCounts] {
        let before = counts.committed.withLock(\.self)
        return open.reduce(into: [:]) { totals, entry in
            var total = before[entry.key] ?? ChangeCounts()
            total.add(entry.value)
            totals[entry.key] = total
        }
    }
}

extension ChangeCounts {
    mutating func add(_ other: ChangeCounts) {
        inserts += other.inserts
        updates += other.updates
        deletes += other.deletes
    }
}
