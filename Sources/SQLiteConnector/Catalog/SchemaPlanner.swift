internal import ReplicationEngine
internal import ReplicationModel

/// Plans what must be made at the target: one table after the other, from the routes and what the
/// file holds already. `session` is nil when there is no file yet.
struct SchemaPlanner {
    let routes: [TableRoute]
    let session: SQLiteSession?
    private(set) var plan = SchemaPlan()
    private var names: IndexNames

    init(_ routes: [TableRoute], on session: SQLiteSession?) throws {
        self.routes = routes
        self.session = session
        names = try IndexNames(routes, on: session)
    }

    static func plan(_ routes: [TableRoute], on session: SQLiteSession?) throws -> SchemaPlan {
        var planner = try SchemaPlanner(routes, on: session)
        planner.checkNames()
        for route in routes { try planner.add(route) }
        return planner.plan
    }

    private mutating func add(_ route: TableRoute) throws {
        checkColumns(route)
        let stored = try session?.storedTable(route.target.name)
        if let stored {
            plan.problems += StoredTableFit(route, stored).problems
            plan.whenConsistent +=
                try session?.putBack(route.target, key: route.keyColumns.map(\.name)) ?? []
            addStaging(route, stored)
        }
        plan.beforeRows.append(definition(of: route))
        mention(route)
        addIndexes(route, stored)
    }

    private mutating func addStaging(_ route: TableRoute, _ stored: StoredTable) {
        let others = stored.secondaryKeys(besides: route.keyColumns.map(\.name))
        guard !others.isEmpty else { return }
        plan.staged.insert(route.source.id)
        mention(": rows go through a staging table, because the target's has \(others)", route)
    }

    mutating func mention(_ text: String, _ route: TableRoute) {
        plan.mappings.append("\(route.source.name)\(text)")
    }

    mutating func problem(_ route: TableRoute, _ column: String?, _ why: String, _ remedy: String) {
        plan.problems.append(
            ReplicationError(
                .unfitSchema, "plan the target table", table: route.source.name, column: column,
                why: why, try: remedy))
    }
}

// MARK: Names

extension SchemaPlanner {
    private mutating func checkNames() {
        var seen: [String: TableName] = [:]
        for route in routes {
            let folded = route.target.name.foldedASCII
            if let other = seen[folded] {
                problem(
                    route, nil,
                    "\(route.target.name) and the table of \(other) have one name in SQLite, which "
                        + "does not tell upper from lower case",
                    "give one of them another name, or exclude it")
            }
            seen[folded] = route.source.name
            if folded.hasPrefix("sqlite_") || folded.hasPrefix("martlet_") {
                problem(
                    route, nil, "names that begin with sqlite_ or martlet_ are taken", "exclude it")
            }
            if !route.target.schema.isEmpty, route.target.schema != "main" {
                problem(
                    route, nil, "SQLite has no schema \(route.target.schema)",
                    "map the table to a name without schema")
            }
        }
    }

    private mutating func checkColumns(_ route: TableRoute) {
        if route.columns.isEmpty {
            problem(route, nil, "a table without columns cannot be kept in SQLite", "exclude it")
        }
        var seen: [String: String] = [:]
        for column in route.columns {
            if let other = seen.updateValue(column.name, forKey: column.name.foldedASCII) {
                problem(
                    route, column.name,
                    "SQLite does not tell column \(column.name) from \(other): they differ in case "
                        + "only", "rename one of them at the source, or exclude the table")
            }
        }
    }
}

// MARK: Tables

extension SchemaPlanner {
    private mutating func definition(of route: TableRoute) -> String {
        var parts = route.columns.map { definition(of: $0, route) }
        if !route.isKeyless, !isRowID(route) {
            let key = route.keyColumns.map(\.name.quotedIdentifier).joined(separator: ", ")
            parts.append("PRIMARY KEY (\(key))")
        }
        parts += foreignKeys(route)
        return "CREATE TABLE IF NOT EXISTS \(route.target.name.quotedIdentifier) (\n    "
            + parts.joined(separator: ",\n    ") + "\n) STRICT"
    }

    /// A key of one integer is the row id itself: no second index, and exact, since an integer
    /// that 64 bits with a sign do not hold is refused by name.
    private func isRowID(_ route: TableRoute) -> Bool {
        route.key.count == 1 && Storage(route.keyColumns[0].type.kind) == .integer
    }

    private mutating func definition(of column: Column, _ route: TableRoute) -> String {
        let storage = Storage(column.type.kind)
        let name = column.name.quotedIdentifier
        let isKey = route.keyColumns.contains { $0.name == column.name }
        var text = "\(name) \(storage.declaration)"
        if isKey, isRowID(route) { text += " PRIMARY KEY" }
        if isKey || !column.isNullable { text += " NOT NULL" }
        if let expression = column.defaultExpression {
            if let literal = DefaultLiteral.text(
                expression, kind: column.type.kind, route.source.dialect)
            {
                text += " DEFAULT \(literal)"
            } else {
                mention(".\(column.name): the default is left out", route)
            }
        }
        if let check = storage.check(name) { text += " CHECK (\(check))" }
        return text
    }

    private mutating func foreignKeys(_ route: TableRoute) -> [String] {
        var clauses: [String] = []
        for key in route.source.foreignKeys {
            switch reference(key, route) {
            case .success(let clause): clauses.append(clause)
            case .failure(let refusal):
                mention(": the foreign key \(key.name) is left out (\(refusal.reason))", route)
            }
        }
        return clauses
    }

    private func reference(
        _ key: ForeignKey, _ route: TableRoute
    ) -> Result<String, PortableConstraint.Refusal> {
        guard let parent = routes.first(where: { $0.source.name == key.referenced }) else {
            return .failure(.init("\(key.referenced) is not replicated"))
        }
        let carried = Set(route.columns.map(\.name))
        let others = Set(parent.columns.map(\.name))
        guard key.columns.allSatisfy(carried.contains),
            key.referencedColumns.allSatisfy(others.contains)
        else { return .failure(.init("a column of it does not travel")) }
        return PortableConstraint.actions(key, from: route.source, to: parent.source).map {
            clause(key, to: parent.target.name, $0)
        }
    }

    private func clause(_ key: ForeignKey, to target: String, _ actions: String) -> String {
        let columns = key.columns.map(\.quotedIdentifier).joined(separator: ", ")
        let others = key.referencedColumns.map(\.quotedIdentifier).joined(separator: ", ")
        let timing =
            PortableConstraint.isInitiallyDeferred(key) ? " DEFERRABLE INITIALLY DEFERRED" : ""
        return "CONSTRAINT \(key.name.quotedIdentifier) FOREIGN KEY (\(columns)) "
            + "REFERENCES \(target.quotedIdentifier) (\(others))\(actions)\(timing)"
    }

    /// What is not itself at the target, for the plan.
    private mutating func mention(_ route: TableRoute) {
        for column in route.columns {
            let storage = Storage(column.type.kind)
            let remark = storage.remark.map { " (\($0))" } ?? ""
            if column.type.declaration.uppercased() != storage.declaration {
                let types = "\(column.type.declaration) -> \(storage.declaration)"
                mention(".\(column.name): \(types)\(remark)", route)
            }
            if column.identity != nil, !isRowID(route) || route.keyColumns != [column] {
                mention(".\(column.name): does not count up by itself at the target", route)
            }
            if column.type.kind == .caseInsensitiveText || column.collation != nil {
                mention(".\(column.name): compares by bytes at the target", route)
            }
        }
        for column in route.source.columns where column.generated != nil {
            let isCarried = route.columns.contains { $0.name == column.name }
            let how = isCarried ? "carried as a plain column" : "left out"
            mention(".\(column.name): generated column, \(how)", route)
        }
        for check in route.source.checks {
            mention(": the check \(check.name) is left out", route)
        }
    }
}

// MARK: Indexes

extension SchemaPlanner {
    private mutating func addIndexes(_ route: TableRoute, _ stored: StoredTable?) {
        let primary = route.source.primaryKey.map { [$0] } ?? []
        for index in primary + route.source.indexes {
            let isChunkKey =
                index.isUnique && !route.isKeyless
                && Set(index.columns) == Set(route.keyColumns.map(\.name))
            if isChunkKey { continue }
            switch carried(index, route) {
            case .failure(let refusal):
                mention(": the index \(index.name) is left out: \(refusal.reason)", route)
            case .success(let columns): add(index, columns, route, stored)
            }
        }
    }

    private func carried(
        _ index: Index, _ route: TableRoute
    ) -> Result<[String], PortableConstraint.Refusal> {
        PortableConstraint.columns(index, route.source.dialect).flatMap { columns in
            let names = Set(route.columns.map(\.name))
            return columns.allSatisfy(names.contains)
                ? .success(columns) : .failure(.init("a column of it does not travel"))
        }
    }

    private mutating func add(
        _ index: Index, _ columns: [String], _ route: TableRoute, _ stored: StoredTable?
    ) {
        let name = names.name(for: index, columns, route, stored)
        if name != index.name { mention(": the index \(index.name) is named \(name)", route) }
        if index.isUnique, index.definition.uppercased().contains("NULLS NOT DISTINCT") {
            mention(": the index \(index.name) allows several rows with NULL", route)
        }
        let list = columns.map(\.quotedIdentifier).joined(separator: ", ")
        let statement =
            "CREATE \(index.isUnique ? "UNIQUE " : "")INDEX IF NOT EXISTS "
            + "\(name.quotedIdentifier) ON \(route.target.name.quotedIdentifier) (\(list))"
        if index.isUnique {
            plan.whenConsistent.append(statement)
        } else {
            plan.afterRows[route.source.id, default: []].append(statement)
        }
    }
}
