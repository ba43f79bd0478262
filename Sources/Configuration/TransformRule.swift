package import ReplicationModel

/// One entry of `transforms:`: a SELECT over one table's rows, or what to do with columns of many.
package struct TransformRule: Sendable, Equatable {
    package var table: TablePattern
    /// `name`, or `schema.name`; nil: where the table would go anyway.
    package var into: TableName?
    package var sql: String?
    package var key: [String]?
    package var types: [String: String] = [:]
    package var nondeterministic: Set<String> = []
    /// Column to function or expression, to name.
    package var mask: [String: String] = [:]
    package var rename: [String: String] = [:]
    package var drop: Set<String> = []
    package var mode: TableMode?
    /// `shop.yaml:12`.
    package var place: String

    package init(table: TablePattern, place: String) {
        self.table = table
        self.place = place
    }

    /// What `mask`, `rename` and `drop` speak of.
    package var columns: Set<String> { Set(mask.keys).union(rename.keys).union(drop) }
}

/// `transforms:` and `keys:`.
extension ConfigurationReader {
    func readTransforms(_ result: inout PipelineConfiguration) throws {
        for entry in try map("keys") {
            guard !entry.to.isEmpty else { throw failure("keys", "the key \(entry.from) is empty") }
            result.keys[entry.from] = Secret(entry.to)
        }
        guard let node = values["transforms"] else { return }
        guard case .list(let items) = node.content else {
            throw failure("transforms", "the value must be a list, not a \(node.shape)")
        }
        result.transforms = try items.map(rule)
    }

    private static let ruleKeys = [
        "table", "into", "sql", "key", "types", "nondeterministic", "mask", "rename", "drop",
        "mode", "new_columns",
    ]

    private func rule(_ node: ConfigurationNode) throws -> TransformRule {
        let fields = try fields(node, Self.ruleKeys)
        guard let table = fields["table"] else {
            throw failure("transforms", "a transform names no table", at: node)
        }
        var rule = TransformRule(
            table: try pattern(table), place: fields["sql"]?.place ?? node.place)
        rule.sql = try fields["sql"].map { try text($0) }
        rule.into = try fields["into"].map(name)
        rule.key = try fields["key"].map { try list($0) }
        rule.types = try fields["types"].map { try texts($0) } ?? [:]
        rule.nondeterministic = Set(try fields["nondeterministic"].map { try list($0) } ?? [])
        rule.mask = try fields["mask"].map { try texts($0) } ?? [:]
        rule.rename = try fields["rename"].map { try texts($0) } ?? [:]
        rule.drop = Set(try fields["drop"].map { try list($0) } ?? [])
        rule.mode = try fields["mode"].map(mode)
        try fields["new_columns"].map(checkNewColumns)
        try check(rule, node)
        return rule
    }

    private func check(_ rule: TransformRule, _ node: ConfigurationNode) throws {
        let isEither =
            rule.sql == nil ? !rule.columns.isEmpty || rule.mode != nil : rule.columns.isEmpty
        guard isEither else {
            throw failure(
                "transforms",
                "a transform is either 'sql' or 'mask', 'rename' and 'drop', or a 'mode'", at: node)
        }
        let isPlain =
            rule.into == nil && rule.key == nil && rule.types.isEmpty
            && rule.nondeterministic.isEmpty
        guard rule.sql != nil || isPlain else {
            throw failure(
                "transforms", "'into', 'key', 'types' and 'nondeterministic' go with 'sql'",
                at: node)
        }
        if let twice = rule.drop.intersection(rule.mask.keys).min() {
            throw failure("transforms", "the column \(twice) is masked and dropped", at: node)
        }
    }

    func fields(
        _ node: ConfigurationNode, _ known: [String], of path: String = "transforms"
    ) throws -> [String: ConfigurationNode] {
        guard case .map(let entries) = node.content else {
            throw failure(
                path, "a \(path.dropLast()) is a map, not a \(node.shape)", at: node,
                try: path == "transforms"
                    ? "- {table: public.customers, sql: SELECT ...}"
                    : "- {name: countries, csv: countries.csv, key: code}")
        }
        var fields: [String: ConfigurationNode] = [:]
        for entry in entries {
            guard known.contains(entry.key) else {
                let near = Suggestion.nearest(to: entry.key, among: known)
                throw failure(
                    path, "'\(entry.key)' is not a key of a \(path.dropLast())", at: entry.value,
                    try: near.map { "did you mean '\($0)'?" }
                        ?? "keys: " + known.joined(separator: ", "))
            }
            fields[entry.key] = entry.value
        }
        return fields
    }

    // MARK: Values

    /// Nothing is put in: a transform's text is shown by `plan` and in errors.
    func text(_ node: ConfigurationNode, of path: String = "transforms") throws -> String {
        guard case .text(let text) = node.content else {
            throw failure(path, "a value must be a text, not a \(node.shape)", at: node)
        }
        guard !text.contains("${") else {
            throw failure(
                path, "a \(path.dropLast())'s text is shown, so that nothing is put in for ${",
                at: node,
                try: "keys: {pii: \"${PII_KEY}\"} at the top, and key('pii') in the SQL")
        }
        return text
    }

    private func pattern(_ node: ConfigurationNode) throws -> TablePattern {
        let text = try text(node)
        do { return try TablePattern(parsing: text) } catch let error as ReplicationError {
            throw failure("transforms", "'\(text)': \(error.why)", at: node, try: error.remedy)
        }
    }

    private func name(_ node: ConfigurationNode) throws -> TableName {
        let parts = try text(node).split(separator: ".", omittingEmptySubsequences: false)
        guard (1...2).contains(parts.count), !parts.contains(where: \.isEmpty) else {
            throw failure(
                "transforms", "'into' is a table's name, or schema.name", at: node,
                try: "into: crm_customers")
        }
        return TableName(
            schema: parts.count == 2 ? String(parts[0]) : "", name: String(parts[parts.count - 1]))
    }

    private func mode(_ node: ConfigurationNode) throws -> TableMode {
        let text = try text(node)
        if let mode = TableMode(rawValue: text) { return mode }
        let known = TableMode.allCases.map(\.rawValue)
        throw failure(
            "transforms", "'\(text)' is no mode of a table", at: node,
            try: Suggestion.nearest(to: text, among: known).map { "did you mean '\($0)'?" }
                ?? "mode: " + known.joined(separator: " | "))
    }

    /// A new column stops the pipeline today, whatever was wished for it.
    private func checkNewColumns(_ node: ConfigurationNode) throws {
        let text = try text(node)
        guard text != "stop" else { return }
        let isKnown = text == "pass" || text == "drop"
        throw failure(
            "transforms",
            isKnown
                ? "a table whose columns change stops the pipeline in this version, so that "
                    + "'\(text)' cannot be kept"
                : "'\(text)' is nothing to do with new columns", at: node,
            try: "new_columns: stop")
    }

    func list(_ node: ConfigurationNode, of path: String = "transforms") throws -> [String] {
        guard case .list(let items) = node.content else { return [try text(node, of: path)] }
        return try items.map { try text($0, of: path) }
    }

    func texts(
        _ node: ConfigurationNode, of path: String = "transforms"
    ) throws -> [String: String] {
        guard case .map(let entries) = node.content else {
            throw failure(path, "the value must be a map, not a \(node.shape)", at: node)
        }
        return Dictionary(
            try entries.map { ($0.key, try text($0.value, of: path)) },
            uniquingKeysWith: { first, _ in first })
    }
}
