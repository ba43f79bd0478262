/// One entry of `lookups:`: rows that transforms look values up in.
package struct LookupRule: Sendable, Equatable {
    package var name: String
    /// The file of its rows.
    package var csv: String
    package var key: [String]
    package var types: [String: String] = [:]
    /// `shop.yaml:12`.
    package var place: String

    package init(name: String, csv: String, key: [String], place: String) {
        self.name = name
        self.csv = csv
        self.key = key
        self.place = place
    }
}

/// `lookups:`.
extension ConfigurationReader {
    private static let path = "lookups"
    private static let known = ["name", "table", "query", "csv", "key", "types", "refresh"]

    func readLookups(_ result: inout PipelineConfiguration) throws {
        guard let node = values[Self.path] else { return }
        guard case .list(let items) = node.content else {
            throw failure(Self.path, "the value must be a list, not a \(node.shape)")
        }
        var names: Set<String> = []
        result.lookups = try items.map { item in
            let rule = try lookup(item)
            guard names.insert(rule.name.lowercased()).inserted else {
                throw failure(Self.path, "two lookups have the name \(rule.name)", at: item)
            }
            return rule
        }
    }

    private func lookup(_ node: ConfigurationNode) throws -> LookupRule {
        let fields = try fields(node, Self.known, of: Self.path)
        for key in ["table", "query", "refresh"] {
            guard let value = fields[key] else { continue }
            throw failure(
                Self.path, "'\(key)' is not supported yet by this version", at: value,
                try: "csv: a file of the rows, which stay as they are while the pipeline lasts")
        }
        guard let name = try fields["name"].map({ try text($0, of: Self.path) }),
            let csv = try fields["csv"].map({ try text($0, of: Self.path) }),
            let key = try fields["key"].map({ try list($0, of: Self.path) })
        else {
            throw failure(
                Self.path, "a lookup has 'name', 'csv' and 'key'", at: node,
                try: "- {name: countries, csv: countries.csv, key: code}")
        }
        guard !key.isEmpty, Set(key).count == key.count else {
            throw failure(Self.path, "the key has no column, or one twice", at: node)
        }
        try check(name, node)
        var rule = LookupRule(name: name, csv: beside(csv), key: key, place: node.place)
        rule.types = try fields["types"].map { try texts($0, of: Self.path) } ?? [:]
        return rule
    }

    /// Names that SQLite has taken, and such as need quotes.
    private func check(_ name: String, _ node: ConfigurationNode) throws {
        let isPlain = name.allSatisfy { ($0.isLetter || $0.isNumber || $0 == "_") && $0.isASCII }
        let taken = ["sqlite_", "pragma_", "json_", "martlet_"].contains {
            name.lowercased().hasPrefix($0)
        }
        guard isPlain, !taken, name.first?.isLetter == true, name.count <= 63 else {
            throw failure(
                Self.path, "a name has 1 to 63 letters, digits and _, and begins with a letter",
                at: node, try: "name: countries")
        }
    }

    /// Files are looked for where the pipeline file is.
    private func beside(_ path: String) -> String {
        directory.isEmpty || path.hasPrefix("/") ? path : directory + "/" + path
    }
}
