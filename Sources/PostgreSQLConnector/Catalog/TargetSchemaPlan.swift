internal import ReplicationEngine
internal import ReplicationModel

/// The statements that make tables, keys, indexes and foreign keys, by phase, and only what is
/// missing of them: after a crash between two phases the plan is made again and holds the rest.
///
/// - beforeRows: what tables need, tables, checks; foreign keys that are there are taken off where
///   they would fire.
/// - keys: the keys that rows are found by.
/// - afterRows: indexes that cannot be violated.
/// - whenConsistent: rows that were set aside, foreign keys that were taken off, and everything
///   that rows of different moments could violate: other unique keys, exclusion constraints,
///   unvalidated checks, and then foreign keys (DESIGN 6.11).
struct TargetSchemaPlan {
    let catalog: TargetCatalog
    let routes: [TableRoute]
    let prerequisites: [SchemaObject]
    let lossy: LossyConversions

    func make() throws -> SchemaPlan {
        let existing = try catalog.tables(routes.map(\.target))
        let tables = ForeignTables(routes, existing: existing, lossy)
        let routes = tables.routes
        let objects = try TargetPrerequisites(
            catalog: catalog, objects: prerequisites + tables.objects, routes: routes)
        var draft = TargetPlanDraft(
            routes: routes, existing: existing, states: try catalog.knownStates(routes),
            names: try TargetNames(catalog, routes),
            firesNothing: try catalog.canSetReplicationRole(),
            version: catalog.connection.serverVersion)
        draft.plan.beforeRows = objects.statements
        draft.plan.mappings = tables.mappings
        draft.plan.problems = tables.problems + objects.problems
        try draft.addTypeProblems(objects)
        try draft.addFunctionProblems(objects)
        for route in routes { draft.addTable(route) }
        draft.addOwners(of: objects.pending)
        for route in routes { draft.addIndexes(route) }
        for route in routes { draft.addForeignKeys(route) }
        return draft.plan
    }
}

/// The plan while it is being made; asks no server.
struct TargetPlanDraft {
    let routes: [TableRoute]
    let existing: [TableName: ExistingTable]
    let states: [TableName: TableProgress.State]
    var names: TargetNames
    /// Foreign keys and ordinary triggers are off in our sessions.
    let firesNothing: Bool
    let version: Int
    var plan = SchemaPlan()
    let targetsBySource: [TableName: TableName]
    private let routesPerTarget: [TableName: Int]

    init(
        routes: [TableRoute], existing: [TableName: ExistingTable],
        states: [TableName: TableProgress.State], names: TargetNames, firesNothing: Bool,
        version: Int
    ) {
        self.routes = routes
        self.existing = existing
        self.states = states
        self.names = names
        self.firesNothing = firesNothing
        self.version = version
        targetsBySource = Dictionary(routes.map { ($0.source.name, $0.target) }) { first, _ in first
        }
        routesPerTarget = routes.reduce(into: [:]) { $0[$1.target, default: 0] += 1 }
    }

    /// Types and collations of tables that are to be made.
    mutating func addTypeProblems(_ objects: TargetPrerequisites) throws {
        let made = routes.filter { existing[$0.target] == nil }
        let columns = made.flatMap(\.source.columns)
        let types = try objects.missingTypes(of: columns)
        let collations = try objects.missingCollations(of: columns)
        guard !types.isEmpty || !collations.isEmpty else { return }
        for route in made {
            for column in route.source.columns where types.contains(column.type.castName) {
                addProblem(
                    route, "the target has no type \(column.type.declaration)", column.name,
                    try: "make the type, or install the extension it comes from, at the target")
            }
            for column in route.source.columns {
                guard let name = column.collation, collations.contains(name) else { continue }
                addProblem(
                    route, "the target has no collation \(name)", column.name,
                    try: "CREATE COLLATION \(name) (...) at the target, as it is at the source")
            }
        }
    }

    /// What a function does is the users' business: Martlet makes none.
    mutating func addFunctionProblems(_ objects: TargetPrerequisites) throws {
        let made = routes.filter { existing[$0.target] == nil }
        let missing = try objects.missingFunctions(made.flatMap(\.source.functions))
        for route in made {
            for function in route.source.functions where missing.contains(function) {
                addProblem(
                    route, "a default, check or index calls \(function), which the target lacks",
                    try: "create it at the target as the source has it: "
                        + "SELECT pg_get_functiondef(\(function.quotedLiteral)::regprocedure);")
            }
        }
    }

    mutating func addProblem(
        _ route: TableRoute, _ why: String, _ column: String? = nil, try remedy: String
    ) {
        plan.problems.append(
            ReplicationError(
                .unfitSchema, "make the table at the target", table: route.target, column: column,
                why: why, try: remedy))
    }

    mutating func note(_ route: TableRoute, _ text: String) {
        plan.mappings.append("\(route.source.name): \(text)")
    }
}

// MARK: Tables

extension TargetPlanDraft {
    mutating func addTable(_ route: TableRoute) {
        if routesPerTarget[route.target] != 1 {
            addProblem(
                route, "more than one source table goes to it", try: "map them to different names")
            return
        }
        if route.source.isPartitioned {
            let isKept = existing[route.target]?.kind == .partitioned
            let form = isKept ? "as its own partitions say" : "an ordinary table"
            note(route, "partitioned at the source, \(form) at the target")
        }
        if let table = existing[route.target] {
            let comparison = TargetComparison(
                route: route, table: table, state: states[route.target], firesNothing: firesNothing)
            plan.problems += comparison.problems()
            addExisting(table, route)
            if let key = keyIndex(route), states[route.target] != nil,
                !table.hasKey(route.keyColumns.map(\.name))
            {
                plan.keys[route.source.id] = [statement(for: key, route)]
            }
            return
        }
        create(route)
    }

    /// What the load does to a table that is there: rows kept, unique keys, foreign keys.
    private mutating func addExisting(_ table: ExistingTable, _ route: TableRoute) {
        let key = route.keyColumns.map(\.name)
        plan.whenConsistent += TargetKeptRows.putBack(table, key: key, firesNothing: firesNothing)
        for foreign in table.foreignKeys where foreign.isTakenOff {
            plan.whenConsistent += table.putBack(foreign, isChecked: true)
        }
        guard states[route.target] != .live else { return }
        let secondary = table.secondaryKeys(besides: key).map(\.name)
        if !secondary.isEmpty {
            plan.staged.insert(route.source.id)
            note(
                route,
                "rows go through a staging table, because the target's has "
                    + "\(secondary.joined(separator: ", "))")
        }
        guard !firesNothing, table.isOwned, states[route.target] != .catchingUp else { return }
        for foreign in table.foreignKeys where !foreign.isTakenOff {
            plan.beforeRows += table.takeOff(foreign)
            plan.whenConsistent += table.putBack(foreign, isChecked: true)
        }
    }

    private mutating func create(_ route: TableRoute) {
        var lines = route.source.columns.filter { isMade($0, route) }.map(columnClause)
        for check in route.source.checks where isKnown(check.definition, route, check.name) {
            guard !check.definition.contains(" NOT VALID") else { continue }
            lines.append("CONSTRAINT \(check.name.quotedIdentifier) \(check.definition)")
        }
        let body = lines.map { "    " + $0 }.joined(separator: ",\n")
        plan.beforeRows.append("CREATE TABLE \(route.target.quoted) (\n\(body)\n)")
        if let key = keyIndex(route) { plan.keys[route.source.id] = [statement(for: key, route)] }
        noteColumns(route)
    }

    /// A plain column that does not travel would stay NULL: it is not made.
    private func isMade(_ column: Column, _ route: TableRoute) -> Bool {
        column.generated != nil || route.columns.contains { $0.name == column.name }
    }

    private func columnClause(_ column: Column) -> String {
        var clause = "\(column.name.quotedIdentifier) \(column.type.declaration)"
        if let collation = column.collation { clause += " COLLATE \(collation)" }
        if let expression = column.generated {
            let storage = column.isVirtual && version >= 180000 ? "VIRTUAL" : "STORED"
            clause += " GENERATED ALWAYS AS (\(expression)) \(storage)"
        } else if let identity = column.identity {
            clause += " GENERATED \(identity == .always ? "ALWAYS" : "BY DEFAULT") AS IDENTITY"
            if let options = column.identityOptions { clause += " (\(options))" }
        } else if let expression = column.defaultExpression {
            clause += " DEFAULT \(expression)"
        }
        return column.isNullable ? clause : clause + " NOT NULL"
    }

    private mutating func noteColumns(_ route: TableRoute) {
        for column in route.source.columns {
            if !isMade(column, route) { note(route, "column \(column.name) is not carried") }
            if column.isVirtual, version < 180000 {
                note(route, "column \(column.name) is virtual at the source, stored at the target")
            }
        }
    }

    /// A sequence made with its table goes with it, as at the source (serial). The server asks for
    /// both in one schema.
    mutating func addOwners(of objects: [SchemaObject]) {
        for object in objects {
            guard let owner = object.owner,
                let route = routes.first(where: { $0.source.name == owner.table }),
                existing[route.target] == nil, routesPerTarget[route.target] == 1,
                route.columns.contains(where: { $0.name == owner.column })
            else { continue }
            guard route.target.schema == object.name.schema else {
                note(route, "sequence \(object.name) stays when \(owner.column) is dropped")
                continue
            }
            plan.beforeRows.append(
                "ALTER SEQUENCE \(object.name.quoted) OWNED BY \(route.target.quoted)."
                    + owner.column.quotedIdentifier)
        }
    }

    /// What an older target does not know is said, not sent.
    mutating func isKnown(_ definition: String, _ route: TableRoute, _ name: String) -> Bool {
        let newer: [(String, Int)] = [
            (" NOT ENFORCED", 180000), (" WITHOUT OVERLAPS", 180000),
            (" NULLS NOT DISTINCT", 150000),
        ]
        guard let word = newer.first(where: { definition.contains($0.0) && version < $0.1 }) else {
            return true
        }
        note(route, "\(name) is not made: PostgreSQL \(version / 10000) does not know\(word.0)")
        return false
    }
}
