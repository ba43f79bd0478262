internal import ReplicationEngine
internal import ReplicationModel

// MARK: Indexes

extension TargetPlanDraft {
    /// The source's index that rows are found by: the identity's if an index is the identity, which
    /// need not be in default order, or else the first on the key's columns.
    func keyIndex(_ route: TableRoute) -> Index? {
        let key = route.keyColumns.map(\.name)
        let fitting = allIndexes(route).filter {
            $0.isUnique && !$0.isDeferrable && !key.isEmpty && $0.columns == key
                && ($0.isPlain || !$0.definition.contains(" WHERE "))
                && !$0.definition.hasPrefix("EXCLUDE")
        }
        if case .index(let name) = route.source.replicaIdentity {
            return fitting.first { $0.name == name } ?? fitting.first
        }
        return fitting.first(where: \.isPlain) ?? fitting.first
    }

    private func allIndexes(_ route: TableRoute) -> [Index] {
        (route.source.primaryKey.map { [$0] } ?? []) + route.source.indexes
    }

    mutating func addIndexes(_ route: TableRoute) {
        let key = keyIndex(route)
        for index in allIndexes(route) where index != key && !isThere(index, route) {
            guard isKnown(index.definition, route, index.name), mayAlter(route, index.name) else {
                continue
            }
            let statement = statement(for: index, route)
            if forbids(index) {
                plan.whenConsistent.append(statement)
            } else {
                plan.afterRows[route.source.id, default: []].append(statement)
            }
        }
        guard existing[route.target]?.checks != nil || existing[route.target] == nil else { return }
        for check in route.source.checks where check.definition.contains(" NOT VALID") {
            let isMade = existing[route.target]?.checks.contains(check.name) ?? false
            if isMade || !mayAlter(route, check.name) { continue }
            plan.whenConsistent.append(addConstraint(route, check.name, check.definition))
        }
    }

    /// An index of the name we would give it, or a plain unique one on the same columns.
    private func isThere(_ index: Index, _ route: TableRoute) -> Bool {
        guard let table = existing[route.target] else { return false }
        let candidates = [index.name, TargetNames.alternative(index.name, for: route.target)]
        return table.indexes.contains { there in
            (candidates.contains(there.name) && forbids(there) == forbids(index)
                && (!index.isPlain || there.columns == index.columns))
                || (index.isUnique && index.isPlain && !index.isDeferrable && there.isUnique
                    && there.isPlain && !there.columns.isEmpty && there.columns == index.columns)
        }
    }

    /// An index that refuses rows: unique, or an exclusion constraint's.
    private func forbids(_ index: ExistingTable.Index) -> Bool {
        index.isUnique || index.isExclusion
    }
    private func forbids(_ index: Index) -> Bool { index.isUnique || index.isConstraint }

    private mutating func mayAlter(_ route: TableRoute, _ name: String) -> Bool {
        guard let table = existing[route.target], !table.isOwned else { return true }
        note(route, "\(name) is not made: the table belongs to another role")
        return false
    }

    mutating func statement(for index: Index, _ route: TableRoute) -> String {
        let name = names.take(index.name, for: route.target)
        guard !index.isConstraint else { return addConstraint(route, name, index.definition) }
        let unique = index.isUnique ? "UNIQUE " : ""
        return "CREATE \(unique)INDEX \(name.quotedIdentifier) ON \(route.target.quoted) "
            + index.definition
    }

    private func addConstraint(_ route: TableRoute, _ name: String, _ definition: String) -> String
    {
        "ALTER TABLE \(route.target.quoted) ADD CONSTRAINT \(name.quotedIdentifier) \(definition)"
    }
}

// MARK: Foreign keys

extension TargetPlanDraft {
    mutating func addForeignKeys(_ route: TableRoute) {
        for key in route.source.foreignKeys {
            guard let referenced = targetsBySource[key.referenced] else {
                note(route, "\(key.name) is not made: \(key.referenced) is not replicated")
                continue
            }
            guard !isThere(key, route, referenced), mayAlter(route, key.name) else {
                continue
            }
            guard let parts = TargetForeignKey(parsing: key.definition) else {
                addProblem(
                    route, "foreign key \(key.name) is not understood: \(key.definition)",
                    try: "leave the foreign key out of the source, or report this definition")
                continue
            }
            guard parts.isKnown(toVersion: version) else {
                note(
                    route, "\(key.name) is not made: PostgreSQL \(version / 10000) does not know it"
                )
                continue
            }
            if !firesNothing { noteDeferral(route, key) }
            let clause = parts.clause(
                referencing: referenced, whereTriggersFire: !firesNothing)
            plan.whenConsistent.append(addConstraint(route, key.name, clause))
        }
    }

    private mutating func noteDeferral(_ route: TableRoute, _ key: ForeignKey) {
        let why = "because the role may not set session_replication_role"
        if !key.isDeferrable { note(route, "\(key.name) is made DEFERRABLE, \(why)") }
        if key.changesRows { note(route, "\(key.name) is made without its actions, \(why)") }
    }

    private func isThere(_ key: ForeignKey, _ route: TableRoute, _ referenced: TableName) -> Bool {
        existing[route.target]?.foreignKeys.contains {
            $0.name == key.name
                || ($0.columns == key.columns && $0.referenced == referenced
                    && $0.referencedColumns == key.referencedColumns)
        } ?? false
    }
}
