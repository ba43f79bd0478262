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
    /// The key's own columns get other values than NULL.
    package var follows: Bool { onUpdate == .cascade }
}

extension ForeignKey {
    /// Why the rows that this key changes cannot be found at the target exactly; nil if they can,
    /// or the log has them.
    ///
    /// - Parameters:
    ///   - tables: all tables that are replicated.
    ///   - isExact: snapshots of the source have a known position. Between two positions a row may
    ///     be newer than the stream, and only a change that brings the whole row puts it right.
    package func obstacle(
        of child: TableSchema, among tables: [TableSchema], isExact: Bool
    ) -> String? {
        guard let actions = unlogged else { return nil }
        guard let parent = tables.first(where: { $0.name == referenced }) else {
            return "\(referenced) is not in the pipeline"
        }
        guard parent.id != child.id else { return "it refers to its own table" }
        let key = child.chunkKey
        guard !key.isEmpty else { return "\(child.name) has no key to name its rows by" }
        guard actions.onDelete != .setDefault, actions.onUpdate != .setDefault else {
            return "SET DEFAULT is not known to change rows"
        }
        return columnObstacle(child, parent) ?? keyObstacle(child, key)
            ?? actionObstacle(child, key, actions, isExact)
            ?? neighbourObstacle(child, tables, actions)
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

    private func actionObstacle(
        _ child: TableSchema, _ key: [String], _ actions: UnloggedActions, _ isExact: Bool
    ) -> String? {
        guard actions.sets else { return nil }
        guard Set(key).isDisjoint(with: columns) else { return "it changes keys of \(child.name)" }
        guard !child.columns.contains(where: { $0.generated != nil }) else {
            return "\(child.name) has computed columns, which change with it"
        }
        return actions.follows && !isExact
            ? "ON UPDATE CASCADE is followed only where the position of a snapshot is known" : nil
    }

    /// What it changes must not make another foreign key change rows in turn, and what another one
    /// changes must not hide rows from it.
    private func neighbourObstacle(
        _ child: TableSchema, _ tables: [TableSchema], _ actions: UnloggedActions
    ) -> String? {
        for table in tables {
            for key in table.foreignKeys where key.referenced == child.name {
                guard let next = key.unlogged else { continue }
                let changes =
                    actions.sets && next.onUpdate != .none
                    && !Set(key.referencedColumns).isDisjoint(with: columns)
                if changes || actions.deletes && next.onDelete != .none {
                    return "what it changes makes \(key.name) of \(table.name) change rows in turn"
                }
            }
        }
        let other = child.foreignKeys.first { key in
            guard key.name != name, let next = key.unlogged else { return false }
            return (actions.sets || next.sets) && !Set(key.columns).isDisjoint(with: columns)
        }
        return other.map { "\($0.name) changes rows by the same columns" }
    }
}
