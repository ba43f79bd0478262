internal import Foundation
internal import ReplicationEngine
internal import ReplicationModel

extension TargetSchemaPlan {
    /// Characters of a text that an index which is not unique looks at.
    private static let prefix = 191

    mutating func addIndexes(_ route: TableRoute) {
        let key = Set(route.keyColumns.map(\.name))
        let primary = route.source.primaryKey.map { [$0] } ?? []
        for index in primary + route.source.indexes {
            if index.isUnique, !key.isEmpty, Set(index.columns) == key { continue }
            if isThere(index, route) { continue }
            if let reason = reasonToLeaveOut(index, route) {
                note(route, ": the index \(index.name) is left out: \(reason)")
            } else {
                add(index, route)
            }
        }
    }

    private func isThere(_ index: Index, _ route: TableRoute) -> Bool {
        existing[route.target]?.indexes.contains {
            $0.name.lowercased() == Self.name(index.name).lowercased()
                || (index.isUnique && $0.isUnique && $0.isPlain
                    && $0.plainColumns == index.columns)
        } ?? false
    }

    private func reasonToLeaveOut(_ index: Index, _ route: TableRoute) -> String? {
        let carried = Set(route.columns.map(\.name))
        guard index.columns.allSatisfy(carried.contains) else {
            return "a column of it does not travel"
        }
        if route.source.dialect.isMySQLFamily, !index.columns.isEmpty { return nil }
        guard
            case .failure(let refusal) = PortableConstraint.columns(index, route.source.dialect)
        else { return nil }
        return refusal.reason
    }

    private mutating func add(_ index: Index, _ route: TableRoute) {
        let columns = index.columns.map { name in
            SQLText.name(name) + (index.isUnique ? "" : prefix(name, route))
        }
        if index.definition.uppercased().contains("NULLS NOT DISTINCT") {
            note(route, ": the index \(index.name) allows several rows with NULL")
        }
        // MySQL-family definitions may hold prefixes and directions, which `columns` does not.
        let isOwn = route.source.dialect.isMySQLFamily && index.definition.hasPrefix("(")
        let body = isOwn ? index.definition : "(\(SQLText.list(columns)))"
        let statement =
            "CREATE \(index.isUnique ? "UNIQUE " : "")INDEX \(SQLText.name(Self.name(index.name))) "
            + "ON \(SQLText.name(route.target)) \(body)"
        if index.isUnique {
            plan.whenConsistent.append(statement)
        } else {
            plan.afterRows[route.source.id, default: []].append(statement)
        }
    }

    private func prefix(_ name: String, _ route: TableRoute) -> String {
        guard !route.source.dialect.isMySQLFamily,
            let column = route.columns.first(where: { $0.name == name }),
            TargetType(column, route.source.dialect, exact: "", share: nil).isLarge
        else { return "" }
        let share = TargetKeyShares(route).bytes[name]
        return share.map { $0 / 4 < Self.prefix } == true ? "" : "(\(Self.prefix))"
    }

    static func name(_ name: String) -> String { String(name.prefix(nameLimit)) }
}

// MARK: Foreign keys

extension TargetSchemaPlan {
    mutating func addForeignKeys(_ route: TableRoute) {
        for key in route.source.foreignKeys {
            let parent = routes.first { $0.source.name == key.referenced }
            guard let parent else {
                note(
                    route,
                    ": the foreign key \(key.name) is left out (\(key.referenced) is not "
                        + "replicated)")
                continue
            }
            if existing[route.target]?.foreignKeys.contains(Self.name(key.name)) == true {
                continue
            }
            guard isCarried(key, route, parent),
                case .success(let actions) = actions(key, route, parent)
            else {
                note(route, ": the foreign key \(key.name) is left out (not portable)")
                continue
            }
            plan.whenConsistent.append(
                "ALTER TABLE \(SQLText.name(route.target)) ADD CONSTRAINT "
                    + "\(SQLText.name(Self.name(key.name))) FOREIGN KEY (\(Self.list(key.columns)))"
                    + " REFERENCES \(SQLText.name(parent.target)) "
                    + "(\(Self.list(key.referencedColumns)))" + actions)
        }
    }

    private func isCarried(_ key: ForeignKey, _ route: TableRoute, _ parent: TableRoute) -> Bool {
        let (own, others) = (Set(route.columns.map(\.name)), Set(parent.columns.map(\.name)))
        return key.columns.allSatisfy(own.contains)
            && key.referencedColumns.allSatisfy(others.contains)
    }

    /// InnoDB takes SET DEFAULT for an error.
    private func actions(
        _ key: ForeignKey, _ route: TableRoute, _ parent: TableRoute
    ) -> Result<String, PortableConstraint.Refusal> {
        PortableConstraint.actions(key, from: route.source, to: parent.source).flatMap {
            $0.contains("SET DEFAULT")
                ? .failure(.init("the target has no SET DEFAULT")) : .success($0)
        }
    }
}
