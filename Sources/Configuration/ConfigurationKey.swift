import ReplicationModel

/// One key of the pipeline file: its path, what a value must be, and what it means.
///
/// The list below is the schema: the reader accepts exactly these keys, every one has an
/// environment variable and, unless it is a list or map of its own shape, an option; a test
/// compares it with docs/reference/cli.md.
package struct ConfigurationKey: Sendable {
    package enum Form: Sendable, Equatable {
        case text
        case url
        case list
        /// Names to names.
        case map
        case choice([String])
        case count(ClosedRange<Int>)
        case size(atLeast: ByteSize)
        case span(ClosedRange<Double>)
        /// Maps with keys of their own; nothing is put in for `${...}`, for it is shown.
        case rules
        /// Known, and refused with anything in it until a version carries it.
        case later
    }

    /// `apply.workers`.
    package let path: String
    package let form: Form
    /// As shown to people; the values themselves stand in `PipelineConfiguration`.
    package let standard: String
    package let meaning: String

    /// `MARTLET_APPLY_WORKERS`.
    package var variable: String {
        "MARTLET_" + path.uppercased().map { $0 == "." ? "_" : String($0) }.joined()
    }

    /// `--apply-workers`; nil where a value has a shape of its own and needs a file.
    package var option: String? {
        if let short = Self.shortOptions[path] { return short }
        switch form {
        case .text, .choice, .count, .size, .span, .url:
            return "--" + path.map { $0 == "." || $0 == "_" ? "-" : String($0) }.joined()
        case .list, .map, .rules, .later: return nil
        }
    }

    private static let shortOptions = [
        "name": "--name", "source": "--from", "target": "--to", "tables.include": "--table",
        "tables.exclude": "--exclude",
    ]
}

extension ConfigurationKey {
    private static func key(_ path: String, _ form: Form, _ standard: String, _ meaning: String)
        -> ConfigurationKey
    {
        ConfigurationKey(path: path, form: form, standard: standard, meaning: meaning)
    }

    private static let policies = Form.choice(["apply", "hold", "stop", "ignore"])

    package static let all: [ConfigurationKey] = [
        key("name", .text, "the source's database", "name of the pipeline"),
        key("source", .url, "required", "URL of the source"),
        key("target", .url, "required", "URL of the target"),
        key("source_primary", .url, "none", "URL of the primary when the source is a standby"),
        key("tables.include", .list, "every table", "patterns of the tables to replicate"),
        key("tables.exclude", .list, "none", "patterns of tables to leave out"),
        key("map.schemas", .map, "none", "source schema to target schema"),
        key("publication", .text, "martlet_NAME", "a publication made by somebody else"),
        key("slot", .text, "martlet_NAME", "name of the replication slot"),
        key(
            "existing", .choice(["refuse", "truncate", "merge"]), "refuse",
            "what to do with target tables that hold rows"),
        key(
            "on_conflict", .choice(["error", "upsert", "skip"]), "error",
            "what to do when the target's row is not the one expected"),
        key(
            "on_hold", .choice(["wait", "detach"]), "wait",
            "what to do when a table cannot go on"),
        key("lease", .span(2...3600), "10s", "how long a silent process keeps the pipeline"),
        key("snapshot.workers", .count(1...64), "2", "connections that copy"),
        key("snapshot.chunk_rows", .count(1...100_000_000), "50000", "rows per chunk"),
        key("apply.workers", .count(1...64), "2", "connections that apply; one in this version"),
        key(
            "memory_limit", .size(atLeast: ByteSize(bytes: 32 << 20)), "256MB",
            "memory that the process may take"),
        key("spool.directory", .text, "./spool", "where transactions too large for memory wait"),
        key(
            "spool.max", .size(atLeast: ByteSize(bytes: 1 << 20)), "10GB",
            "disk space that the spool may take"),
        key("ddl.default", policies, "apply", "schema changes of any other kind"),
        key("ddl.drop_table", policies, "hold", "DROP TABLE"),
        key("ddl.drop_column", policies, "hold", "DROP COLUMN"),
        key(
            "ddl.unseen", .choice(["stop", "mark"]), "stop",
            "rewrites that the log does not explain"),
        key(
            "lossy.zero_date", .choice(LossyConversions.ZeroDate.allCases.map(\.rawValue)),
            "stop", "what becomes of a date that is no day, like 0000-00-00"),
        key(
            "lossy.nul_byte", .choice(LossyConversions.NULByte.allCases.map(\.rawValue)),
            "stop", "what becomes of a NUL byte in a text"),
        key("lookups", .rules, "none", "files of rows that transforms look values up in"),
        key("transforms", .rules, "none", "SQL over the rows in flight"),
        key("keys", .map, "none", "secrets that transforms use by name: `key('NAME')`"),
        key("http", .later, "none", "address of metrics and dashboard"),
    ]

    package static func named(_ path: String) -> ConfigurationKey? { all.first { $0.path == path } }

    /// `tables`, `map`, `snapshot`, ...: keys that only hold other keys.
    static let sections = Set(
        all.compactMap { key in key.path.firstIndex(of: ".").map { String(key.path[..<$0]) } })

    /// Keys allowed right below `section`, or at the top.
    static func children(of section: String?) -> [String] {
        guard let section else {
            return all.map(\.path).filter { !$0.contains(".") } + sections.sorted()
        }
        return all.map(\.path).filter { $0.hasPrefix(section + ".") }
            .map { String($0.dropFirst(section.count + 1)) }
    }
}
