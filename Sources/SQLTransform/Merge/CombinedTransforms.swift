import ReplicationEngine
import ReplicationModel

/// What transforms are to each other: those of one table, and those that go to one.
///
/// Rows of several tables in one must be told apart, or two of them may want one key. A constant in
/// the key does: then each transform has its own share of the table, as if it were a table of its
/// own. Without one the transforms are *guarded*
/// (docs/decisions/why-transforms-run-on-the-source-row, "Split and merge").
extension [Transform] {
    /// - Parameter taken: ids of the source's tables.
    /// - Throws: `.configuration`, naming both, if transforms that go to one table do not make the
    ///   same columns, or their rows cannot be kept apart.
    package func combined(
        besides taken: [UInt32], sourceName: String
    ) throws -> [Transform] {
        var result = map { $0.named(sourceName) }
        result.number(besides: taken)
        let groups = Dictionary(grouping: result.indices) { result[$0].target.target }
        for (_, group) in groups.sorted(by: { $0.value[0] < $1.value[0] }) {
            if group.count > 1 {
                for index in group.dropFirst() {
                    try result[group[0]].requireSameColumns(as: result[index])
                }
                result.shareNullability(group)
            }
            try result.share(group)
        }
        return result
    }

    /// What a table goes to besides its first target is known by an id that no table has: state and
    /// plans name tables by their ids, in whose order they are shown.
    private mutating func number(besides taken: [UInt32]) {
        let taken = Set(taken)
        var seen: Set<UInt32> = []
        let further = indices.filter { !seen.insert(self[$0].source.source.id).inserted }
        let free = sequence(first: UInt32.max) { $0 - 1 }.lazy.filter { !taken.contains($0) }
        for (index, id) in zip(further.reversed(), free) { self[index].target.source.id = id }
    }

    private mutating func shareNullability(_ group: [Int]) {
        for column in self[group[0]].target.columns.indices {
            let isNullable = group.contains { self[$0].target.columns[column].isNullable }
            for index in group {
                self[index].target.columns[column].isNullable = isNullable
                self[index].target.source.columns[column].isNullable = isNullable
            }
        }
    }

    /// One that is alone has a share, too: another pipeline may write to the table.
    private mutating func share(_ group: [Int]) throws {
        let first = self[group[0]]
        let candidates =
            first.target.isKeyless ? first.outputs.indices.map(\.self) : first.target.key
        let telling = candidates.first { column in
            let values = group.compactMap { self[$0].constant(column) }
            return values.count == group.count
                && Set(values.map { $0.lowercased() }).count == group.count
        }
        for index in group { self[index].isMerged = group.count > 1 }
        if let telling {
            for index in group {
                self[index].target.share = self[index].constant(telling).map {
                    RowShare(column: first.outputs[telling].column.name, value: $0)
                }
            }
        } else if group.count > 1 {
            for (place, index) in group.enumerated() {
                for other in group[..<place] { try self[other].requireGuard(beside: self[index]) }
                self[index].isGuarded = true
            }
        }
    }
}

extension Transform {
    fileprivate func named(_ sourceName: String) -> Transform {
        var copy = self
        for index in outputs.indices where outputs[index].constant == .sourceName {
            copy.outputs[index].constant =
                ConstantOutput.isPlain(sourceName) ? .text(sourceName) : nil
        }
        return copy
    }

    func constant(_ output: Int) -> String? {
        guard outputs.indices.contains(output), case .text(let text) = outputs[output].constant
        else { return nil }
        return text
    }

    fileprivate func requireSameColumns(as other: Transform) throws {
        let names = (target.columns.map(\.name), other.target.columns.map(\.name))
        guard names.0 == names.1 else {
            throw failure(
                beside: other,
                "one makes the columns \(names.0.joined(separator: ", ")), the other "
                    + names.1.joined(separator: ", "), try: "the same names in the same order")
        }
        for (column, twin) in zip(target.columns, other.target.columns)
        where column.type.declaration != twin.type.declaration
            || column.collation != twin.collation
        {
            let forms = [column, twin].map {
                $0.type.declaration + ($0.collation.map { " COLLATE \($0)" } ?? "")
            }
            throw failure(
                beside: other, "\(column.name) is \(forms[0]) in one, \(forms[1]) in the other",
                try: "CAST it, or say its type under 'types:', where it is made")
        }
        let keys = (target.keyColumns.map(\.name), other.target.keyColumns.map(\.name))
        guard keys.0 == keys.1 else {
            throw failure(
                beside: other,
                "one has the key (\(keys.0.joined(separator: ", "))), the other "
                    + "(\(keys.1.joined(separator: ", ")))", try: "give both the same 'key:'")
        }
    }

    /// Rows that nothing tells apart are found by their key, and are the only ones of it.
    fileprivate func requireGuard(beside other: Transform) throws {
        let remedy =
            "SELECT 'one' AS origin, ... and SELECT 'two' AS origin, ... with origin in 'key:'"
        guard !target.isKeyless else {
            throw failure(
                beside: other, "without a key nobody can tell whose a row is", try: remedy)
        }
        guard definition.mode == nil else {
            throw failure(
                beside: other,
                "mode \(definition.mode?.rawValue ?? "") writes over what has the key, which may "
                    + "be another table's row", try: remedy)
        }
        guard definition.table != other.definition.table else {
            throw failure(
                beside: other, "one table goes there twice, so that one row may want its key twice",
                try: "one SELECT with CASE, or " + remedy)
        }
    }

    private func failure(
        beside other: Transform, _ why: String, try remedy: String
    ) -> ReplicationError {
        return ReplicationError(
            .configuration, "write several tables into \(target.target)", table: definition.table,
            place: "\(definition.place) and \(other.definition.place)", why: why, try: remedy)
    }
}
