internal import Foundation
internal import ReplicationEngine
internal import ReplicationModel

/// Plans the statements that make tables, keys, indexes and foreign keys, by phase, and only what
/// is missing of them.
///
/// Each statement commits by itself (A08), so a crash may leave any number of them done: the next
/// start makes the plan again from the catalogue, and it holds the rest. What a statement makes is
/// there whole or not at all, which both servers promise of their DDL.
///
/// - beforeRows: databases, tables with the key that rows are found by.
/// - afterRows: indexes that cannot be violated.
/// - whenConsistent: other unique indexes, then rows that were set aside, which those indexes
///   judge, then foreign keys, which judge those rows (DESIGN 6.11).
struct TargetSchemaPlan {
    let routes: [TableRoute]
    let existing: [TableName: TargetTable]
    let databases: Set<String>
    let collations: Set<String>
    let flavour: ServerFlavour
    let grants: SessionGrants
    /// Names differ for the server when their case does.
    let tellsCase: Bool
    var plan = SchemaPlan()

    init(_ routes: [TableRoute], _ catalog: TargetCatalog) throws {
        self.routes = routes
        existing = try catalog.tables(routes.map(\.target))
        databases = try catalog.databases()
        collations = try catalog.collations()
        flavour = catalog.connection.flavour
        grants = try SessionGrants(catalog.connection)
        tellsCase = catalog.connection.facts.variable("lower_case_table_names") == "0"
    }

    static func make(
        _ routes: [TableRoute], _ catalog: TargetCatalog, _ kept: TargetKeptRows
    ) throws -> SchemaPlan {
        var draft = try TargetSchemaPlan(routes, catalog)
        guard let exact = ExactCollation.name(among: draft.collations) else {
            draft.plan.problems.append(
                ReplicationError(
                    .unsupported, "plan the target's tables",
                    why: "the server has no collation that compares texts by their bytes "
                        + "(\(ExactCollation.names.joined(separator: ", ")))",
                    try: "use MySQL 8.0.17 or MariaDB 10.6, or later"))
            return draft.plan
        }
        draft.addDatabases()
        draft.checkNames()
        for route in routes { try draft.checkTriggers(route) }
        for route in routes { draft.addTable(route, exact) }
        for route in routes { draft.addIndexes(route) }
        for route in routes { try draft.putBack(route, kept) }
        for route in routes { draft.addForeignKeys(route) }
        return draft.plan
    }

    mutating func problem(
        _ route: TableRoute, _ why: String, column: String? = nil, try remedy: String
    ) {
        plan.problems.append(
            ReplicationError(
                .unfitSchema, "make the table at the target", table: route.target, column: column,
                why: why, try: remedy))
    }

    mutating func note(_ route: TableRoute, _ text: String) {
        plan.mappings.append("\(route.source.name)\(text)")
    }
}

// MARK: Names

extension TargetSchemaPlan {
    /// Characters of a name, by both servers' "Identifier Length Limits".
    static let nameLimit = 64
    private static let systemDatabases: Set = [
        "mysql", "information_schema", "performance_schema", "sys", "martlet",
    ]

    private mutating func addDatabases() {
        for name in Set(routes.map(\.target.schema)).subtracting(databases).sorted() {
            plan.beforeRows.append(
                "CREATE DATABASE IF NOT EXISTS \(SQLText.name(name)) CHARACTER SET utf8mb4")
        }
    }

    private mutating func checkNames() {
        var taken: [String: TableName] = [:]
        for route in routes {
            let name = "\(route.target.schema)\u{0}\(route.target.name)"
            let key = tellsCase ? name : name.lowercased()
            if let other = taken.updateValue(route.source.name, forKey: key) {
                problem(
                    route, "it and \(other) have one name at the target",
                    try: "map their schemas to different databases (map.schemas), or exclude one")
            }
            if Self.systemDatabases.contains(route.target.schema.lowercased()) {
                problem(
                    route, "database \(route.target.schema) is not for users' tables",
                    try: "map the schema to another name (map.schemas)")
            }
            checkLength(route)
            checkColumns(route)
        }
    }

    private mutating func checkLength(_ route: TableRoute) {
        let names = [route.target.schema, route.target.name] + route.columns.map(\.name)
        for name in names where name.count > Self.nameLimit || name.hasSuffix(" ") || name.isEmpty {
            problem(
                route,
                "the target takes no name of more than \(Self.nameLimit) characters, and "
                    + "none that ends with a space", try: "rename it at the source, or exclude it")
        }
    }

    /// Column names never differ by case alone there.
    private mutating func checkColumns(_ route: TableRoute) {
        if route.columns.isEmpty {
            problem(route, "the target keeps no table without columns", try: "exclude the table")
        }
        var seen: [String: String] = [:]
        for column in route.columns {
            if let other = seen.updateValue(column.name, forKey: column.name.lowercased()) {
                problem(
                    route, "the target does not tell it from column \(other)", column: column.name,
                    try: "rename one of them at the source, or exclude the table")
            }
        }
    }
}

// MARK: Tables

extension TargetSchemaPlan {
    private mutating func addTable(_ route: TableRoute, _ exact: String) {
        if let table = existing[route.target] {
            plan.problems += TargetFit(route: route, table: table, exact: exact).problems
            if table.hasOtherUnique(than: route.keyColumns.map(\.name)) {
                plan.staged.insert(route.source.id)
            }
            return
        }
        let shares = TargetKeyShares(route)
        var lines = route.columns.map { clause($0, route, exact, shares) }
        if !route.isKeyless {
            lines.append("PRIMARY KEY (\(Self.list(route.keyColumns.map(\.name))))")
        }
        plan.beforeRows.append(
            "CREATE TABLE IF NOT EXISTS \(route.target.atMySQL) (\n    "
                + lines.joined(separator: ",\n    ")
                + "\n) ENGINE = InnoDB ROW_FORMAT = DYNAMIC DEFAULT CHARACTER SET utf8mb4")
        mention(route)
    }

    private mutating func putBack(_ route: TableRoute, _ kept: TargetKeptRows) throws {
        guard let table = existing[route.target],
            let back = try kept.putBack(table, key: route.keyColumns.map(\.name))
        else { return }
        plan.whenConsistent += back.rows + [back.removal]
    }

    /// A trigger would change rows on their way (A31), and who lacks the privilege sees none.
    private mutating func checkTriggers(_ route: TableRoute) throws {
        guard try !grants.hold("TRIGGER", on: route.target.schema) else { return }
        problem(
            route, "triggers would change rows, and are hidden without the privilege TRIGGER",
            try: "martlet check PIPELINE --print-grants")
    }

    static func list(_ names: [String]) -> String { SQLText.list(names.map { SQLText.name($0) }) }

    private mutating func clause(
        _ column: Column, _ route: TableRoute, _ exact: String, _ shares: TargetKeyShares
    ) -> String {
        let type = TargetType(
            column, route.source.dialect, exact: exact, share: shares.bytes[column.name])
        checkType(column, route)
        checkCollation(column, route)
        let isKey = route.keyColumns.contains { $0.name == column.name }
        var text = "\(SQLText.name(column.name)) \(type.declaration)"
        text += isKey || !column.isNullable ? " NOT NULL" : " NULL"
        if isNumbered(column, route) {
            text += " AUTO_INCREMENT"
        } else if let expression = column.defaultExpression {
            if let literal = defaultLiteral(expression, column, route) {
                text += " DEFAULT \(literal)"
            } else {
                note(route, ".\(column.name): the default is left out")
            }
        }
        if type.declaration != column.type.declaration {
            note(route, ".\(column.name): \(column.type.declaration) -> \(type.declaration)")
        }
        return text
    }

    /// MariaDB's own types.
    private mutating func checkType(_ column: Column, _ route: TableRoute) {
        let type = column.type.declaration
        guard route.source.dialect == .mariadb, flavour == .mysql,
            ["uuid", "inet4", "inet6"].contains(type)
        else { return }
        problem(
            route, "the target has no type \(type)", column: column.name,
            try: "leave the table out (tables: exclude)")
    }

    private mutating func checkCollation(_ column: Column, _ route: TableRoute) {
        guard route.source.dialect.isMySQLFamily, let name = column.collation,
            !collations.contains(name)
        else { return }
        problem(
            route, "the target has no collation \(name)", column: column.name,
            try: "make the table at the target with the nearest collation it has")
    }

    /// The server numbers the first column of a key only.
    private func isNumbered(_ column: Column, _ route: TableRoute) -> Bool {
        let isSerial =
            column.identity != nil || column.defaultExpression?.hasPrefix("nextval(") == true
        let isInteger = [.int16, .int32, .int64, .unsigned64].contains(column.type.kind)
        return isSerial && isInteger && route.keyColumns.first?.name == column.name
    }

    /// Replicated rows bring every value, so that a default only matters to others who write after
    /// the cut-over; what is not certain is left out and named in the plan.
    private func defaultLiteral(
        _ expression: String, _ column: Column, _ route: TableRoute
    ) -> String? {
        if route.source.dialect.isMySQLFamily { return expression }
        let constant = PortableDefault(parsing: expression, route.source.dialect)
        switch column.type.kind {
        case .int16, .int32, .int64: return constant?.integer
        case .boolean:
            guard case .boolean(let flag) = constant else { return nil }
            return flag ? "1" : "0"
        // In parentheses, because a LONGTEXT has no other.
        case .text, .enumeration:
            guard case .string(let text) = constant, !text.utf8.contains(0) else { return nil }
            return "(\(SQLText.literal(text)))"
        default: return nil
        }
    }

    private mutating func mention(_ route: TableRoute) {
        for column in route.source.columns where column.generated != nil {
            if !route.columns.contains(where: { $0.name == column.name }) {
                note(route, ".\(column.name): generated column, left out")
            }
        }
        for check in route.source.checks { note(route, ": the check \(check.name) is left out") }
    }
}

/// How many bytes of a key each of its columns without a size of its own may take.
struct TargetKeyShares {
    private(set) var bytes: [String: Int] = [:]
    /// More than any type of a fixed size takes: `char(36)`.
    private static let fixedBytes = 40

    init(_ route: TableRoute) {
        guard !route.source.dialect.isMySQLFamily else { return }
        let uniques = route.source.indexes.filter { $0.isUnique }.map(\.columns)
        for key in [route.keyColumns.map(\.name)] + uniques {
            let columns = route.columns.filter { key.contains($0.name) }
            let large = columns.filter {
                TargetType($0, route.source.dialect, exact: "", share: nil).isLarge
            }
            guard !large.isEmpty else { continue }
            let rest = TargetType.keyBytes - Self.fixedBytes * (columns.count - large.count)
            let share = max(rest / large.count, 4)
            for column in large { bytes[column.name] = min(bytes[column.name] ?? share, share) }
        }
    }
}
