package import Configuration
package import ReplicationModel
package import SQLTransform

/// From the pipeline file's transforms to those of each table.
package enum Transforming {
    /// Those of each table, in the file's order: one for each table at the target that its rows go
    /// to.
    ///
    /// - Throws: `.configuration` for a rule that fits no table or column, and for rules of columns
    ///   beside a SELECT, which may let through what they were to hide.
    package static func definitions(
        _ tables: [TableSchema], _ configuration: PipelineConfiguration
    ) throws -> [TransformDefinition] {
        for rule in configuration.transforms { try refuseStray(rule, tables) }
        return try tables.flatMap { table in
            let rules = configuration.transforms.filter { $0.table.matches(table.name) }
            let written = rules.filter { $0.sql != nil }
            let target = Routing.target(of: table.name, configuration)
            guard let first = written.first else {
                return try columnRules(rules, table, target).map { [$0] } ?? []
            }
            if let other = rules.first(where: { $0.sql == nil && speaks($0, of: table) }) {
                throw ambiguous(table.name, other, first)
            }
            return try written.map { try definition($0, table.name, target, configuration) }
        }
    }

    package static func keys(_ configuration: PipelineConfiguration) -> TransformKeys {
        TransformKeys(configuration.keys.mapValues { Array($0.text.utf8) })
    }

    private static func failure(
        _ place: String, _ why: String, table: TableName? = nil, try remedy: String? = nil
    ) -> ReplicationError {
        ReplicationError(
            .configuration, "read the transforms", table: table, place: place, why: why,
            try: remedy)
    }

    private static func ambiguous(
        _ table: TableName, _ rule: TransformRule, _ written: TransformRule
    ) -> ReplicationError {
        failure(
            "\(rule.place) and \(written.place)",
            "'\(rule.table)' is about columns of a table that has a SELECT, which says itself what "
                + "becomes of them", table: table,
            try: "write it into the SELECT, and give the rule patterns that leave the table out")
    }

    /// Whether a rule for columns says anything of this table.
    private static func speaks(_ rule: TransformRule, of table: TableSchema) -> Bool {
        rule.mode != nil || !rule.columns.isDisjoint(with: table.carriedColumns.map(\.name))
    }

    /// A mistyped mask would let through what it was to hide.
    private static func refuseStray(_ rule: TransformRule, _ tables: [TableSchema]) throws {
        let matched = tables.filter { rule.table.matches($0.name) }
        guard !matched.isEmpty else {
            let near = Suggestion.nearest(
                to: rule.table.description, among: tables.map(\.name.description))
            throw failure(
                rule.place, "no replicated table matches '\(rule.table)'",
                try: near.map { "did you mean '\($0)'?" })
        }
        let known = Set(matched.flatMap(\.columns).map(\.name))
        for column in rule.columns.sorted() where !known.contains(column) {
            throw failure(
                rule.place, "no table that matches '\(rule.table)' has a column '\(column)'",
                try: Suggestion.nearest(to: column, among: known.sorted()).map {
                    "did you mean '\($0)'?"
                })
        }
    }

    // MARK: Written ones

    private static func definition(
        _ rule: TransformRule, _ table: TableName, _ target: TableName,
        _ configuration: PipelineConfiguration
    ) throws -> TransformDefinition {
        var into = target
        if let name = rule.into {
            let isFile = configuration.target.engine == .sqlite
            guard !isFile || name.schema.isEmpty else {
                throw failure(
                    rule.place, "SQLite has no schema \(name.schema)", try: "into: \(name.name)")
            }
            into = TableName(
                schema: name.schema.isEmpty ? target.schema : name.schema, name: name.name)
        }
        var result = TransformDefinition(table: table, target: into, sql: rule.sql ?? "")
        result.key = rule.key
        result.nondeterministic = rule.nondeterministic
        result.place = rule.place
        result.mode = rule.mode
        result.types = try types(rule.types) { text, remedy in
            failure(
                rule.place, "'\(text)' is no type that a transform makes", table: table,
                try: remedy)
        }
        return result
    }

    /// - Parameter failure: makes the error of a text that is no type.
    static func types(
        _ texts: [String: String], refused: [OutputType] = [],
        failure: (_ text: String, _ remedy: String) -> ReplicationError
    ) throws -> [String: OutputType] {
        let known = OutputType.known.filter {
            !refused.contains(OutputType(parsing: $0) ?? .bytes)
        }
        return try texts.mapValues { text in
            if let type = OutputType(parsing: text), !refused.contains(type) { return type }
            throw failure(
                text,
                Suggestion.nearest(to: text, among: known).map { "did you mean '\($0)'?" }
                    ?? "types: " + known.joined(separator: ", "))
        }
    }

    // MARK: Those of columns

    /// The SELECT of `mask`, `rename` and `drop`, and the mode; nil if nothing is about this table.
    private static func columnRules(
        _ rules: [TransformRule], _ table: TableSchema, _ target: TableName
    ) throws -> TransformDefinition? {
        let rules = rules.filter { speaks($0, of: table) }
        guard let first = rules.first else { return nil }
        var (mask, rename, drop) = ([String: String](), [String: String](), Set<String>())
        for rule in rules {
            try merge(rule.mask, into: &mask, rule, table.name)
            try merge(rule.rename, into: &rename, rule, table.name)
            drop.formUnion(rule.drop)
        }
        let modes = Set(rules.compactMap(\.mode))
        if modes.count > 1 {
            throw failure(first.place, "two rules give the table two modes", table: table.name)
        }
        let outputs = table.carriedColumns.map(\.name).filter { !drop.contains($0) }.map { name in
            let name = (quoted: name.quotedIdentifier, plain: name)
            let value = mask[name.plain].map { expression($0, name.quoted) } ?? name.quoted
            let renamed = rename[name.plain]?.quotedIdentifier ?? name.quoted
            return value == renamed ? value : "\(value) AS \(renamed)"
        }
        let sql =
            "SELECT \(outputs.joined(separator: ", ")) FROM \(table.name.name.quotedIdentifier)"
        var result = TransformDefinition(table: table.name, target: target, sql: sql)
        if !table.chunkKey.isEmpty { result.key = table.chunkKey.map { rename[$0] ?? $0 } }
        (result.place, result.mode, result.isWritten) = (first.place, modes.first, false)
        return result
    }

    private static func merge(
        _ values: [String: String], into all: inout [String: String], _ rule: TransformRule,
        _ table: TableName
    ) throws {
        for (column, value) in values {
            guard all.updateValue(value, forKey: column) ?? value == value else {
                throw failure(
                    rule.place, "two rules say something else of the column \(column)",
                    table: table)
            }
        }
    }

    /// `sha256` is a function of the column, anything else an expression.
    private static func expression(_ text: String, _ column: String) -> String {
        text.allSatisfy { $0.isLetter || $0.isNumber || $0 == "_" } ? "\(text)(\(column))" : text
    }
}
