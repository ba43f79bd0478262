import ReplicationModel

/// Takes the file's tree apart into the schema's keys; refuses what the schema does not know.
enum KeyCollector {
    static func collect(_ root: ConfigurationNode) throws -> [String: ConfigurationNode] {
        var values: [String: ConfigurationNode] = [:]
        try collect(root, section: nil, into: &values)
        return values
    }

    private static func collect(
        _ node: ConfigurationNode, section: String?,
        into values: inout [String: ConfigurationNode]
    ) throws {
        guard case .map(let entries) = node.content else { throw notAMap(node, section) }
        let known = ConfigurationKey.children(of: section)
        for entry in entries {
            let path = section.map { "\($0).\(entry.key)" } ?? entry.key
            guard known.contains(entry.key) else { throw unknown(entry.key, path, entry.place) }
            if section == nil, ConfigurationKey.sections.contains(entry.key) {
                try collect(entry.value, section: entry.key, into: &values)
            } else {
                values[path] = entry.value
            }
        }
    }

    private static func notAMap(_ node: ConfigurationNode, _ section: String?) -> ReplicationError {
        let names = ConfigurationKey.children(of: section).joined(separator: ", ")
        return ReplicationError(
            .configuration, "read the configuration",
            place: node.place + (section.map { ", key \($0)" } ?? ""),
            why: section == nil ? "it is not a map of keys" : "the value must be a map of keys",
            try: "keys allowed here: \(names)")
    }

    private static func unknown(_ name: String, _ path: String, _ place: String)
        -> ReplicationError
    {
        let section = path.contains(".") ? String(path.prefix { $0 != "." }) : nil
        let siblings = ConfigurationKey.children(of: section)
        var remedy = "keys allowed here: " + siblings.joined(separator: ", ")
        if let meant = Suggestion.nearest(to: name, among: siblings) {
            remedy = "did you mean '\(meant)'?"
        } else if let other = ConfigurationKey.all.first(where: { $0.path.hasSuffix(".\(name)") }) {
            remedy = "did you mean '\(other.path)'?"
        }
        return ReplicationError(
            .configuration, "read the configuration", place: "\(place), key \(path)",
            why: "'\(name)' is not a key", try: remedy)
    }
}
