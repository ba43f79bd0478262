internal import ReplicationModel

/// Indexes out of `information_schema.statistics`, whose rows are key parts.
enum IndexFacts {
    static let primary = "PRIMARY"

    /// - Parameter rows: name, non_unique, column, prefix length, collation, type, expression; in
    ///   the order of name and part.
    static func indexes(_ rows: [[String?]]) -> [Index] {
        var names: [String] = []
        var parts: [String: [[String?]]] = [:]
        for row in rows {
            guard let name = row[0] else { continue }
            if parts[name] == nil { names.append(name) }
            parts[name, default: []].append(row)
        }
        return names.compactMap { name in parts[name].map { index(name, $0) } }
    }

    private static func index(_ name: String, _ parts: [[String?]]) -> Index {
        let type = parts.first?[5] ?? ""
        // FULLTEXT and SPATIAL are kinds of their own; BTREE and HASH are the engine's matter.
        let kind = ["FULLTEXT", "SPATIAL"].contains(type) ? type + " " : ""
        let hasExpression = parts.contains { $0[2] == nil }
        let list = parts.map { part(of: $0) }.joined(separator: ", ")
        var index = Index(
            name: name, columns: hasExpression ? [] : parts.compactMap { $0[2] },
            isUnique: parts.first?[1] == "0", isConstraint: name == primary,
            definition: (name == primary ? "PRIMARY KEY " : kind) + "(\(list))")
        // Of a text that is indexed by its first characters, rows with the same ones are one key.
        index.isPlain = !hasExpression && parts.allSatisfy { $0[3] == nil } && kind.isEmpty
        return index
    }

    private static func part(of row: [String?]) -> String {
        let what =
            row[2].map(SQLText.name) ?? "(\(row[6]?.replacing("\\'", with: "'") ?? ""))"
        return what + (row[3].map { "(\($0))" } ?? "") + (row[4] == "D" ? " DESC" : "")
    }
}
