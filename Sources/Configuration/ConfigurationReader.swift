import ReplicationModel

/// Turns collected values into a `PipelineConfiguration`; every error names place and key.
struct ConfigurationReader {
    let values: [String: ConfigurationNode]
    let environment: [String: String]
    let hasFile: Bool
    /// Of the pipeline file; empty for the current one.
    let directory: String

    func configuration() throws -> PipelineConfiguration {
        try refuseWhatComesLater()
        let source = try self.source()
        let name = try self.name(source)
        var result = PipelineConfiguration(
            name: name, source: source, target: try target(name: name, source: source))
        try readCapture(&result)
        try readTables(&result)
        try readLimits(&result)
        try readPolicies(&result)
        try readTransforms(&result)
        try readLookups(&result)
        return result
    }

    /// What this version does not carry must not look as if it did.
    private func refuseWhatComesLater() throws {
        for key in ConfigurationKey.all where key.form == .later {
            guard let node = values[key.path], !node.isEmpty else { continue }
            throw failure(
                key.path, "\(key.path) is not supported yet by this version",
                try: "remove the key '\(key.path)'")
        }
    }

    // MARK: Both ends

    private func source() throws -> ConnectionURL {
        guard let url = try url("source") else {
            throw ReplicationError(
                .configuration, "read the configuration", place: "key source",
                why: "there is no source",
                try: "source: postgres://user@host/database or mysql://user@host/database"
                    + " in the file, or --from URL")
        }
        guard url.engine != .sqlite else {
            throw failure(
                "source", "SQLite can be a target only",
                try: "postgres://user@host:port/database, or mysql://user@host:port/database")
        }
        return url.with(password: environment["MARTLET_SOURCE_PASSWORD"])
    }

    /// Without a file the target is a SQLite file beside it; with one it must be said.
    private func target(name: String, source: ConnectionURL) throws -> ConnectionURL {
        let given = try url("target")
        guard let url = try given ?? (hasFile ? nil : ConnectionURL(parsing: "sqlite:./\(name).db"))
        else {
            throw ReplicationError(
                .configuration, "read the configuration", place: "key target",
                why: "there is no target",
                try: "target: postgres://user@host/database, mysql://user@host or sqlite:path.db "
                    + "in the file")
        }
        guard url.address != source.address else {
            throw failure("target", "it is the same database as the source")
        }
        return url.with(password: environment["MARTLET_TARGET_PASSWORD"])
    }

    private func name(_ source: ConnectionURL) throws -> String {
        guard let name = try text("name") else {
            guard let database = source.database else {
                throw ReplicationError(
                    .configuration, "name the pipeline", place: "key name",
                    why: "the source's URL names no database to take the name from",
                    try: "--name NAME, or 'name: NAME' in the file")
            }
            return PipelineConfiguration.objectName("", String(database.prefix(50)))
        }
        let isPlain = name.allSatisfy {
            PipelineConfiguration.isSlotLetter(Character($0.lowercased())) || $0 == "-"
        }
        guard isPlain, (1...50).contains(name.count) else {
            throw failure("name", "a name has 1 to 50 letters, digits, _ and -", try: "name: shop")
        }
        return name
    }

    // MARK: Groups of keys

    private func readCapture(_ result: inout PipelineConfiguration) throws {
        result.sourcePrimary = try url("source_primary")
        if let primary = result.sourcePrimary, primary.engine != .postgres {
            throw failure("source_primary", "it must be a postgres:// URL like the source")
        }
        if let own = result.sourcePrimary?.password, own != result.source.password {
            throw failure(
                "source_primary", "its password is another one than the source's",
                try: "keep both passwords in PGPASSFILE")
        }
        result.publication = try text("publication")
        result.slot = try text("slot")
        if let slot = result.slot, !slot.allSatisfy(PipelineConfiguration.isSlotLetter) {
            throw failure("slot", "a slot's name has lower-case letters, digits and _ only")
        }
        for (key, name) in [("slot", result.slot), ("publication", result.publication)] {
            guard let name, !(1...63).contains(name.utf8.count) else { continue }
            throw failure(key, "a name has 1 to 63 bytes")
        }
    }

    private func readTables(_ result: inout PipelineConfiguration) throws {
        result.tables = TableSelection(
            include: try patterns("tables.include"), exclude: try patterns("tables.exclude"))
        for entry in try map("map.schemas") {
            guard !entry.to.isEmpty, !entry.from.isEmpty else {
                throw failure("map.schemas", "a schema has an empty name")
            }
            result.schemaMap[entry.from] = entry.to
        }
    }

    private func readLimits(_ result: inout PipelineConfiguration) throws {
        result.lease = try span("lease") ?? result.lease
        result.snapshotWorkers = try count("snapshot.workers") ?? result.snapshotWorkers
        result.chunkRows = try count("snapshot.chunk_rows") ?? result.chunkRows
        if let workers = try count("apply.workers") {
            result.applyWorkers = workers
            result.notices.append("apply.workers: in this version one connection applies")
        }
        result.memoryLimit = try size("memory_limit") ?? result.memoryLimit
        result.spoolDirectory = try text("spool.directory") ?? result.spoolDirectory
        result.spoolMax = try size("spool.max") ?? result.spoolMax
        guard !result.spoolDirectory.isEmpty else {
            throw failure("spool.directory", "it is empty")
        }
    }

    private func readPolicies(_ result: inout PipelineConfiguration) throws {
        let existing = try choice("existing").flatMap(
            PipelineConfiguration.Existing.init(rawValue:))
        result.existing = existing ?? result.existing
        result.lossy.zeroDate = try choice("lossy.zero_date").flatMap(
            LossyConversions.ZeroDate.init(rawValue:))
        result.lossy.nulByte = try choice("lossy.nul_byte").flatMap(
            LossyConversions.NULByte.init(rawValue:))
        try refuse("on_conflict", unless: "error")
        try refuse("on_hold", unless: "wait")
        let ddl = ["ddl.default", "ddl.drop_table", "ddl.drop_column"]
        for key in ddl where try choice(key) == "ignore" { throw notYet(key, "ignore") }
        result.marksUnseen = try choice("ddl.unseen") == "mark"
        if try ddl.contains(where: { try choice($0) != nil }) {
            result.notices.append(
                "ddl: this version applies no schema change; it stops at every one that changes"
                    + " a replicated table")
        }
    }

    private func refuse(_ key: String, unless supported: String) throws {
        if let value = try choice(key), value != supported { throw notYet(key, value) }
    }

    private func notYet(_ key: String, _ value: String) -> ReplicationError {
        failure(key, "'\(value)' is not supported yet by this version", try: "remove the key")
    }
}
