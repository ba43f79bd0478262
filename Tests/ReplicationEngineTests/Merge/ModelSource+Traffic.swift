import ReplicationModel

/// Random transactions of the source.
extension ModelSource {
    /// Their order as text is another one.
    static let keys = [7, 9, 10, 11, 100]

    static let uniqueValues = ["A", "B", "C", "D", "E", "F"]

    static func randomRows(
        _ options: ModelOptions, _ random: inout SeededGenerator
    ) -> [[Int: ModelRow]] {
        var rows: [[Int: ModelRow]] = [[:], [:]]
        for (key, value) in zip(keys, uniqueValues) where random.chance(60) {
            let shared = options.cascades == nil ? "first" : uniqueValues[random.below(3)]
            rows[0][key] = ModelRow(
                value: options.hasUnique ? value : shared, large: "large\(key)")
        }
        for id in 0..<random.below(4) where options.cascades == nil {
            rows[1][id] = ModelRow(value: "v\(random.below(2))", large: "l\(random.below(2))")
        }
        return rows
    }

    private var keys: ArraySlice<Int> { options.isMoveHeavy ? Self.keys[1...3] : Self.keys[...] }

    mutating func commitRandom(_ random: inout SeededGenerator) {
        var transaction = SourceTransaction(xid: randomXID(&random), changes: [])
        var now = self
        for index in 0..<(random.chance(8) ? 0 : 1 + random.below(3)) {
            let table = random.below(tableCount)
            guard !isTruncating(table) else { continue }
            var change = randomChange(table, index, transaction.xid, now, &random)
            if options.hasTruncate, random.chance(10), mayTruncate(table) {
                change = SourceChange(table: table, operation: .truncate)
            }
            if let actions = options.cascades, random.chance(30) {
                change = parentChange(actions, now, &random)
            }
            guard let change, isQuiet(change) else { continue }
            transaction.changes.append(change)
            change.apply(to: &now.committed)
        }
        if options.hasParts, random.chance(40) {
            transaction.parts = max(1, min(transaction.changes.count, 1 + random.below(3)))
        }
        commit(transaction)
    }

    private func parentChange(
        _ actions: UnloggedActions, _ now: ModelSource, _ random: inout SeededGenerator
    ) -> SourceChange? {
        let old = Self.uniqueValues[random.below(options.hasUnique ? 6 : 3)]
        let rows = now.committed[0]
        let keys = rows.filter { $0.value.value == old }.map(\.key)
        guard keys.allSatisfy({ isFree(0, $0) }) else { return nil }
        var parent = ParentChange(old: old, actions: actions)
        parent.isUnchecked = random.chance(10)
        if random.chance(50), actions.onUpdate != .none {
            let new = Self.uniqueValues[random.below(options.hasUnique ? 6 : 3)]
            let isTaken = options.hasUnique && rows.values.contains { $0.value == new }
            guard new != old, !isTaken else { return nil }
            parent.new = new
        }
        return SourceChange(
            table: 1, operation: parent.new == nil ? .delete : .update, parent: parent)
    }

    /// Whoever refers to a row locks it, and so does who changes it.
    private func isQuiet(_ change: SourceChange) -> Bool {
        guard options.cascades != nil else { return true }
        let values = change.values
        return !log.contains { other in
            isHidden(other.xid)
                && other.changes.contains {
                    (change.parent != nil || $0.parent != nil)
                        && !values.isDisjoint(with: $0.values)
                }
        }
    }

    /// A standby's readers do not hold the primary.
    func mayTruncate(_ table: Int) -> Bool {
        !isTouchedByHidden(table) && (options.source == .standby || readers[table] == 0)
    }

    /// Ids do not ascend with commits: some transactions began earlier and commit later.
    private mutating func randomXID(_ random: inout SeededGenerator) -> UInt64 {
        if random.chance(30) { spareXIDs.append(takeXID()) }
        if random.chance(30), let spare = spareXIDs.popLast() { return spare }
        return takeXID()
    }

    private mutating func randomChange(
        _ table: Int, _ index: Int, _ xid: UInt64, _ now: ModelSource,
        _ random: inout SeededGenerator
    ) -> SourceChange? {
        let rows = now.committed[table]
        let old = random.pick(rows.keys.sorted().filter { isFree(table, $0) })
        if table == 1 { return keylessChange(old, rows, &random) }
        let new = random.pick(keys.filter { rows[$0] == nil && isFree(table, $0) })
        var row = ModelRow(value: "x\(xid).\(index)", large: "l\(xid).\(index)")
        let kind =
            options.isMoveHeavy ? 1 + random.below(12) : random.below(options.hasToast ? 5 : 4)
        if options.cascades != nil, !options.hasUnique {
            row.value = random.chance(20) ? "" : Self.uniqueValues[random.below(3)]
        }
        if options.hasUnique {
            let own = kind > 1 ? old.flatMap { rows[$0]?.value } : nil
            guard let value = uniqueValue(own, rows, &random) else { return nil }
            row.value = value
        }
        switch kind {
        case 0:
            guard let new else { return nil }
            return SourceChange(table: table, operation: .insert, new: new, newRow: row)
        case 1:
            guard let old else { return nil }
            return SourceChange(table: table, operation: .delete, old: old, oldRow: rows[old])
        case 2: return update(table, old, old, rows, row, &random)
        default: return update(table, old, new, rows, row, &random)
        }
    }

    /// The row's own value or a free one; rarely kept, so that values go from row to row.
    private func uniqueValue(
        _ own: String?, _ rows: [Int: ModelRow], _ random: inout SeededGenerator
    ) -> String? {
        let taken = Set(rows.values.map(\.value))
        let free = Self.uniqueValues.filter { !taken.contains($0) && isFree($0) }
        return random.chance(30) ? own ?? random.pick(free) : random.pick(free)
    }

    private func update(
        _ table: Int, _ old: Int?, _ new: Int?, _ rows: [Int: ModelRow], _ row: ModelRow,
        _ random: inout SeededGenerator
    ) -> SourceChange? {
        guard let old, let new, let before = rows[old] else { return nil }
        let isIncomplete = options.hasToast && random.chance(options.isMoveHeavy ? 90 : 60)
        let after = ModelRow(value: row.value, large: isIncomplete ? before.large : row.large)
        return SourceChange(
            table: table, operation: .update, old: old, new: new, oldRow: before, newRow: after,
            isIncomplete: isIncomplete)
    }

    /// Values of few kinds, so that equal rows are common.
    private mutating func keylessChange(
        _ old: Int?, _ rows: [Int: ModelRow], _ random: inout SeededGenerator
    ) -> SourceChange? {
        let row = ModelRow(value: "v\(random.below(2))", large: "l\(random.below(2))")
        if random.chance(40) {
            nextRowID += 1
            return SourceChange(table: 1, operation: .insert, new: nextRowID, newRow: row)
        }
        guard let old else { return nil }
        if random.chance(50) {
            return SourceChange(table: 1, operation: .delete, old: old, oldRow: rows[old])
        }
        return update(1, old, old, rows, row, &random)
    }
}

extension SourceChange {
    fileprivate var values: Set<String> {
        Set(parent?.values ?? [oldRow?.value, newRow?.value].compactMap(\.self))
            .subtracting([""])
    }
}
