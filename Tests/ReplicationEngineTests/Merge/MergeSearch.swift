import ReplicationEngine
import ReplicationModel

/// Every order of steps of a small world: depth first, no state twice.
struct MergeSearch {
    struct Node {
        var world: MergeWorld
        /// Kills and failures that may still happen.
        var faults: Int
    }

    private(set) var states = 0
    private(set) var ends = 0
    private(set) var wrong: String?
    private var seen: Set<Int> = []

    /// States after which the search gives up; `isComplete` says whether it did not.
    let limit: Int
    var isComplete: Bool { states < limit }

    init(limit: Int) { self.limit = limit }

    mutating func explore(_ start: MergeWorld, faults: Int) {
        var stack = [Node(world: start, faults: faults)]
        while wrong == nil, states < limit, let node = stack.popLast() {
            states += 1
            let next = successors(of: node)
            if next.isEmpty { checkEnd(node.world) }
            for node in next where seen.insert(identity(node)).inserted { stack.append(node) }
            if node.faults > 0 { addFaults(node, to: &stack) }
        }
    }

    private func identity(_ node: Node) -> Int {
        var hasher = Hasher()
        hasher.combine(node.world.fingerprint)
        hasher.combine(node.faults)
        return hasher.finalize()
    }

    private mutating func successors(of node: Node) -> [Node] {
        var steps: [ModelStep] = [.commit, .replay, .receive(1), .receive(2), .stream]
        steps += node.world.source.hidden.map { .show($0) }
        steps += node.world.workers.indices.map { .worker($0) }
        steps += node.world.routes.indices.map { .live($0) }
        return steps.compactMap { perform($0, node) }
    }

    private mutating func addFaults(_ node: Node, to stack: inout [Node]) {
        for step in [.kill] + node.world.workers.indices.map(ModelStep.workerFails) {
            guard var next = perform(step, node) else { continue }
            next.faults -= 1
            if seen.insert(identity(next)).inserted { stack.append(next) }
        }
    }

    private mutating func perform(_ step: ModelStep, _ node: Node) -> Node? {
        var next = node
        do { return try next.world.perform(step) ? next : nil } catch {
            wrong = "\(step): \(error)"
            return nil
        }
    }

    /// Nothing can happen any more: everything must be at the target.
    private mutating func checkEnd(_ world: MergeWorld) {
        ends += 1
        guard wrong == nil else { return }
        do {
            guard world.target.applied == world.source.log.count, world.script?.isEmpty ?? true,
                world.routes.indices.allSatisfy({
                    world.ledger.load($0).map { $0.completePosition != nil } ?? true
                })
            else { throw ModelFailure("stuck") }
            try world.checkOutcome()
        } catch { wrong = "\(error)" }
    }
}

/// Small worlds: two rows in two chunks, two transactions of one change each.
enum SmallScripts {
    static let rows = [[7: row(7), 10: row(10)], [:]]

    private static func row(_ key: Int) -> ModelRow { ModelRow(value: "first", large: "l\(key)") }

    /// Every change that can be made to `rows` over keys 7, 9 and 10.
    private static func changes(
        to rows: [Int: ModelRow], at index: Int, _ options: ModelOptions
    ) -> [SourceChange] {
        let row = ModelRow(value: "x\(index)", large: "l\(index)")
        let free = [7, 9, 10].filter { rows[$0] == nil }
        var changes = free.map {
            SourceChange(table: 0, operation: .insert, new: $0, newRow: row)
        }
        for (old, before) in rows.sorted(by: { $0.key < $1.key }) {
            changes.append(SourceChange(table: 0, operation: .delete, old: old, oldRow: before))
            for new in [old] + free {
                changes.append(
                    SourceChange(
                        table: 0, operation: .update, old: old, new: new, oldRow: before,
                        newRow: row))
                guard options.hasToast, new != old else { continue }
                changes.append(
                    SourceChange(
                        table: 0, operation: .update, old: old, new: new, oldRow: before,
                        newRow: ModelRow(value: row.value, large: before.large), isIncomplete: true)
                )
            }
        }
        if options.hasTruncate { changes.append(SourceChange(table: 0, operation: .truncate)) }
        return changes
    }

    /// Every script of one transaction.
    static func single(_ options: ModelOptions) -> [[[SourceChange]]] {
        changes(to: rows[0], at: 1, options).map { [[$0]] }
    }

    /// Every script of two transactions.
    static func all(_ options: ModelOptions) -> [[[SourceChange]]] {
        changes(to: rows[0], at: 1, options).flatMap { first in
            var after = rows
            first.apply(to: &after)
            return changes(to: after[0], at: 2, options).map { [[first], [$0]] }
        }
    }

    /// The world in which `before` transactions of the script are in the log, not yet visible, when
    /// the slot is made.
    static func world(
        _ script: [[SourceChange]], before: Int, _ options: ModelOptions
    ) -> MergeWorld? {
        var world = MergeWorld(options, source: ModelSource(options, rows: rows), seed: 0)
        world.script = script
        world.chunkRows = 1
        for _ in 0..<before {
            guard let done = try? world.perform(.commit), done else { return nil }
        }
        world.createSlot()
        return world
    }
}
