/// What a foreign key does to rows of its own table when the referenced row goes or changes, where
/// the log has the referenced table's change only
/// (docs/decisions/why-unlogged-cascades-are-followed).
package struct UnloggedActions: Sendable, Hashable {
    package enum Action: String, Sendable, Equatable {
        /// The change is refused as long as there are such rows.
        case none = "NO ACTION"
        case cascade = "CASCADE"
        case setNull = "SET NULL"
        case setDefault = "SET DEFAULT"
    }

    package var onDelete: Action
    package var onUpdate: Action

    package init(onDelete: Action, onUpdate: Action) {
        self.onDelete = onDelete
        self.onUpdate = onUpdate
    }

    /// Rows go.
    package var deletes: Bool { onDelete == .cascade }
    /// The key's own columns get other values.
    package var sets: Bool { onDelete == .setNull || onUpdate != .none }

    /// What of it happens; nil: nothing. A key that refers to its own table takes no change of what
    /// is referred to (InnoDB: "acts like RESTRICT").
    package func effective(isOwn: Bool) -> UnloggedActions? {
        let actions = UnloggedActions(onDelete: onDelete, onUpdate: isOwn ? .none : onUpdate)
        return actions.deletes || actions.sets ? actions : nil
    }
}

extension TableSchema {
    /// Rows go or change with others of the same table, and the log does not say so: the rows
    /// between are found only in a copy of one known moment.
    package var changesItself: Bool {
        foreignKeys.contains {
            $0.referenced == name && $0.unlogged?.effective(isOwn: true) != nil
        }
    }
}

extension ForeignKey {
    /// Why the rows that this key changes cannot be found at the target exactly; nil if they can,
    /// or the log has them.
    ///
    /// - Parameter tables: all tables that are replicated.
    package func obstacle(of child: TableSchema, among tables: [TableSchema]) -> String? {
        guard let unlogged else { return nil }
        guard unlogged.onDelete != .setDefault, unlogged.onUpdate != .setDefault else {
            return "SET DEFAULT is not known to change rows"
        }
        guard let actions = unlogged.effective(isOwn: referenced == child.name) else { return nil }
        guard let parent = tables.first(where: { $0.name == referenced }) else {
            return "\(referenced) is not in the pipeline"
        }
        let key = child.chunkKey
        guard !key.isEmpty else { return "\(child.name) has no key to name its rows by" }
        return columnObstacle(child, parent) ?? keyObstacle(child, key)
            ?? levelObstacle(child, parent, tables) ?? neighbourObstacle(child, actions)
    }

    /// Old values must be found by equality, at the target, and name one row of the parent.
    private func columnObstacle(_ child: TableSchema, _ parent: TableSchema) -> String? {
        let isUnique = ([parent.primaryKey].compactMap(\.self) + parent.indexes).contains {
            $0.isUnique && $0.isPlain && Set($0.columns) == Set(referencedColumns)
        }
        guard isUnique else {
            return "\(referencedColumns.joined(separator: ", ")) of \(referenced) is not unique"
        }
        for (name, referenced) in zip(columns, referencedColumns) {
            guard let own = child.columns.first(where: { $0.name == name }),
                let other = parent.columns.first(where: { $0.name == referenced }),
                own.generated == nil, other.generated == nil,
                Self.exactKinds.contains(own.type.kind), own.type.kind == other.type.kind
            else { return "values of \(name) cannot be compared exactly at the target" }
        }
        return nil
    }

    /// Kinds whose equal values are equal texts at every source, and equal values at every target.
    private static let exactKinds: Set<ValueKind> = [
        .int16, .int32, .int64, .unsigned64, .uuid, .bytes,
    ]

    /// The row's key is read at the target, and asked of the source.
    private func keyObstacle(_ child: TableSchema, _ key: [String]) -> String? {
        let kinds = Self.exactKinds.union([.text, .fixedText])
        let unfit = child.columns.first { key.contains($0.name) && !kinds.contains($0.type.kind) }
        return unfit.map {
            "\($0.name) of \(child.name)'s key is not read back from the target exactly"
        }
    }

    /// Where rows of the parent change in turn, they are known by their key, and must be at the
    /// target before the child's.
    private func levelObstacle(
        _ child: TableSchema, _ parent: TableSchema, _ tables: [TableSchema]
    ) -> String? {
        guard !parent.unloggedParents(among: tables).isEmpty else { return nil }
        guard Set(referencedColumns).isSubset(of: parent.chunkKey) else {
            return "rows of \(referenced) change in turn, and their key does not tell "
                + referencedColumns.joined(separator: ", ")
        }
        var (found, next): (Set<TableName>, [TableSchema]) = ([], [parent])
        while let table = next.popLast() {
            for above in table.unloggedParents(among: tables) where above.id != table.id {
                if above.id == child.id {
                    return "\(child.name) and \(referenced) refer to each other in a circle"
                }
                if found.insert(above.name).inserted { next.append(above) }
            }
        }
        return nil
    }

    /// What another key changes must not hide rows from this one.
    private func neighbourObstacle(_ child: TableSchema, _ actions: UnloggedActions) -> String? {
        if actions.sets, child.columns.contains(where: { $0.generated != nil }) {
            return "\(child.name) has computed columns, which change with it"
        }
        let other = child.foreignKeys.first { key in
            guard key.name != name,
                let next = key.unlogged?.effective(isOwn: key.referenced == child.name)
            else { return false }
            return (actions.sets || next.sets) && !Set(key.columns).isDisjoint(with: columns)
        }
        return other.map { "\($0.name) changes rows by the same columns" }
    }
}

extension TableSchema {
    /// What its rows change with, and the log does not say.
    fileprivate func unloggedParents(among tables: [TableSchema]) -> [TableSchema] {
        foreignKeys.compactMap { key in
            guard key.unlogged?.effective(isOwn: key.referenced == name) != nil else { return nil }
            return tables.first { $0.name == key.referenced }
        }
    }
}
