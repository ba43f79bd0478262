import Foundation
import ReplicationModel

/// Where a configuration comes from, weakest first: defaults, file, environment, options.
package struct PipelineInput: Sendable {
    /// A key set on the command line.
    package struct Option: Sendable {
        package var path: String
        /// As typed: `--table`.
        package var option: String
        package var values: [String]

        package init(path: String, option: String, values: [String]) {
            self.path = path
            self.option = option
            self.values = values
        }
    }

    package var file: String?
    package var options: [Option]
    package var environment: [String: String]

    package init(file: String?, options: [Option], environment: [String: String]) {
        self.file = file
        self.options = options
        self.environment = environment
    }

    /// The validated configuration.
    ///
    /// - Throws: `.configuration` with file and line (or variable, or option) and key.
    package func configuration() throws -> PipelineConfiguration {
        var values = try file.map { try Self.values(ofFile: $0, environment) } ?? [:]
        for (path, node) in try environmentValues() { values[path] = node }
        for option in options where !option.values.isEmpty {
            values[option.path] = try Self.node(option)
        }
        return try ConfigurationReader(
            values: values, environment: environment, hasFile: file != nil,
            directory: file.map { ($0 as NSString).deletingLastPathComponent } ?? ""
        ).configuration()
    }

    private static func values(ofFile path: String, _ environment: [String: String]) throws
        -> [String: ConfigurationNode]
    {
        guard let data = contents(ofFile: path) else {
            throw ReplicationError(
                .configuration, "read the pipeline file", place: path,
                why: FileManager.default.fileExists(atPath: path)
                    ? "it cannot be read" : "there is no such file",
                try: "give a YAML file, or --from URL --to URL")
        }
        guard let text = String(data: data, encoding: .utf8) else {
            throw ReplicationError(
                .configuration, "read the pipeline file", place: path, why: "it is not UTF-8")
        }
        return try values(ofYAML: text, origin: path, environment)
    }

    /// A handle also reads a pipe, `/dev/stdin` say; it gives nil at the end of an empty file.
    private static func contents(ofFile path: String) -> Data? {
        guard let file = FileHandle(forReadingAtPath: path) else { return nil }
        do { return try file.readToEnd() ?? Data() } catch { return nil }
    }

    /// The keys of a file's text with their values, substituted.
    static func values(ofYAML text: String, origin: String, _ environment: [String: String]) throws
        -> [String: ConfigurationNode]
    {
        let root = try ConfigurationNode(yaml: text, origin: origin, isFile: true)
        let substitution = Substitution(environment: environment)
        var values = try KeyCollector.collect(root)
        for (path, node) in values where ConfigurationKey.named(path)?.form != .rules {
            values[path] = try node.substituted(substitution)
        }
        return values
    }

    private func environmentValues() throws -> [(String, ConfigurationNode)] {
        try ConfigurationKey.all.compactMap { key in
            guard let text = environment[key.variable], !text.isEmpty else { return nil }
            return (key.path, try key.node(text, place: "environment variable \(key.variable)"))
        }
    }

    private static func node(_ option: Option) throws -> ConfigurationNode {
        let place = "option \(option.option)"
        guard let key = ConfigurationKey.named(option.path), key.form != .list else {
            let items = option.values.map { ConfigurationNode(content: .text($0), place: place) }
            return ConfigurationNode(content: .list(items), place: place)
        }
        return try key.node(option.values[option.values.count - 1], place: place)
    }

    /// Variables that look like keys but are none: told, because a mistyped one has no effect.
    package var strayVariables: [(name: String, meant: String)] {
        let known = ConfigurationKey.all.map(\.variable)
        return environment.keys.sorted().compactMap { name in
            guard name.hasPrefix("MARTLET_"), !known.contains(name),
                !["MARTLET_SOURCE_PASSWORD", "MARTLET_TARGET_PASSWORD"].contains(name),
                let meant = Suggestion.nearest(to: name, among: known),
                Suggestion.distance(name, meant) <= 2
            else { return nil }
            return (name, meant)
        }
    }
}

extension ConfigurationKey {
    /// A value given outside a file: lists are `a, b` or YAML, maps `a: b, c: d` or YAML.
    func node(_ text: String, place: String) throws -> ConfigurationNode {
        switch form {
        case .text, .url, .choice, .count, .size, .span:
            return ConfigurationNode(content: .text(text), place: place)
        case .list:
            if text.hasPrefix("[") {
                return try ConfigurationNode(yaml: text, origin: place, isFile: false)
            }
            let items = text.split(separator: ",").map {
                ConfigurationNode(
                    content: .text($0.trimmingCharacters(in: .whitespaces)), place: place)
            }
            return ConfigurationNode(content: .list(items), place: place)
        case .map, .rules, .later:
            let isFlow = text.hasPrefix("{") || text.hasPrefix("[") || form != .map
            return try ConfigurationNode(
                yaml: isFlow ? text : "{\(text)}", origin: place, isFile: false)
        }
    }
}

extension ConfigurationNode {
    func substituted(_ substitution: Substitution) throws -> ConfigurationNode {
        switch content {
        case .text(let text):
            let value = try substitution.apply(to: text, place: place)
            return ConfigurationNode(content: .text(value), place: place)
        case .list(let items):
            let values = try items.map { try $0.substituted(substitution) }
            return ConfigurationNode(content: .list(values), place: place)
        case .map(let entries):
            let values = try entries.map {
                ($0.key, $0.place, try $0.value.substituted(substitution))
            }
            return ConfigurationNode(content: .map(values), place: place)
        }
    }
}
