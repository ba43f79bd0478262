import ReplicationModel
import Yams

/// A value of the pipeline file before it is understood, with the place it came from.
struct ConfigurationNode {
    enum Content {
        case text(String)
        case list([ConfigurationNode])
        /// In the order of the file.
        case map([(key: String, place: String, value: ConfigurationNode)])
    }

    var content: Content
    /// `shop.yaml:12`, `environment variable MARTLET_LEASE`, `option --lease`.
    var place: String
}

extension ConfigurationNode {
    /// Parses YAML; `origin` names the text in errors, with `:LINE` when `origin` is a file.
    init(yaml: String, origin: String, isFile: Bool) throws {
        let root: Node?
        do {
            root = try Yams.compose(yaml: yaml)
        } catch let error as YamlError {
            throw Self.syntaxError(error, origin, isFile)
        }
        guard let root else {
            throw ReplicationError(
                .configuration, "read the configuration", place: origin, why: "it is empty",
                try: "begin with the lines 'source: postgres://...' and 'target: ...'")
        }
        try self.init(root, origin, isFile)
    }

    private init(_ node: Node, _ origin: String, _ isFile: Bool) throws {
        let line = node.mark?.line
        place = isFile ? "\(origin):\(line ?? 1)" : origin
        switch node {
        case .scalar(let scalar): content = .text(try Self.text(scalar, place))
        case .sequence(let sequence):
            content = .list(try sequence.map { try ConfigurationNode($0, origin, isFile) })
        case .mapping(let mapping):
            content = .map(
                try mapping.map { key, value in
                    let name = try ConfigurationNode(key, origin, isFile)
                    guard case .text(let text) = name.content else {
                        throw Self.shapeError(name.place, "a key is a list or a map")
                    }
                    return (text, name.place, try ConfigurationNode(value, origin, isFile))
                })
        case .alias:
            throw Self.shapeError(place, "an alias names an anchor that is not there")
        }
    }

    /// A key with nothing behind it is an error: an `include:` whose lines were commented out would
    /// otherwise mean every table.
    private static func text(_ scalar: Node.Scalar, _ place: String) throws -> String {
        let isPlain = scalar.style == .plain || scalar.style == .any
        guard !(isPlain && ["", "~", "null", "Null", "NULL"].contains(scalar.string)) else {
            throw ReplicationError(
                .configuration, "read the configuration", place: place,
                why: "a value is missing", try: "give the key a value, or remove the key")
        }
        return scalar.string
    }

    private static func shapeError(_ place: String, _ why: String) -> ReplicationError {
        ReplicationError(.configuration, "read the configuration", place: place, why: why)
    }

    private static func syntaxError(_ error: YamlError, _ origin: String, _ isFile: Bool)
        -> ReplicationError
    {
        let (line, why) = Self.explain(error)
        let place = isFile ? line.map { "\(origin):\($0)" } ?? origin : origin
        return ReplicationError(
            .configuration, "read the configuration as YAML", place: place, why: why,
            try: "values that hold ': ', ' #' or begin with a special sign need quotes")
    }

    /// Line and reason without the text of the line, which may hold a secret.
    private static func explain(_ error: YamlError) -> (line: Int?, why: String) {
        switch error {
        case .scanner(let context, let problem, let mark, _),
            .parser(let context, let problem, let mark, _),
            .composer(let context, let problem, let mark, _):
            (mark.line, context.map { "\($0.text): \(problem)" } ?? problem)
        case .duplicatedKeysInMapping(let duplicates, let context):
            (context.mark.line, "the key \(duplicates.joined(separator: ", ")) is there twice")
        case .reader(let problem, let offset, _, let yaml):
            (offset.map { yaml.prefix($0).count { $0.isNewline } + 1 }, problem)
        case .memory, .no, .writer, .emitter, .representer, .dataCouldNotBeDecoded:
            (nil, "it is not YAML in UTF-8")
        }
    }
}
