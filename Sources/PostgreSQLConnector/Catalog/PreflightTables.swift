internal import ReplicationEngine
internal import ReplicationModel

// MARK: Publication

extension Preflight {
    func publication(_ facts: [TableFacts]) throws -> [Finding] {
        let name = "publication \(capture.publication)"
        guard let found = try Publication.load(connection, capture.publication) else {
            return try missing(name, facts)
        }
        let problems = problems(of: found)
        if problems.isEmpty { return [Finding(.ok, name, "covers exactly the tables")] }
        if !capture.publicationIsGiven, found.isOwnedByUs, !found.isForAllTables, !found.hasSchemas
        {
            let detail = "will be altered: \(problems.joined(separator: "; "))"
            return [Finding(.warning, name, detail, try: try remedy(found))]
        }
        return [
            Finding(.refused, name, problems.joined(separator: "; "), try: try remedy(found))
        ]
    }

    private func problems(of found: Publication) -> [String] {
        var problems: [String] = []
        let wanted = Set(tables.map(\.name))
        let listed = Set(found.tables)
        if found.isForAllTables { problems.append("it is for all tables") }
        if found.hasSchemas { problems.append("it publishes whole schemas") }
        let absent = wanted.subtracting(listed).sorted().map(\.description)
        if !absent.isEmpty { problems.append("it lacks " + absent.joined(separator: ", ")) }
        let surplus = listed.subtracting(wanted).sorted().map(\.description)
        if !surplus.isEmpty { problems.append("it also has " + surplus.joined(separator: ", ")) }
        let narrowed = found.narrowed.map(\.description).joined(separator: ", ")
        if !narrowed.isEmpty { problems.append("row filter or column list on " + narrowed) }
        if !found.publishesEverything {
            problems.append("it does not publish insert, update, delete and truncate")
        }
        if !found.isViaRoot, tables.contains(where: \.isPartitioned) || !capture.publicationIsGiven
        {
            problems.append("publish_via_partition_root is off")
        }
        return problems
    }

    private func remedy(_ found: Publication) throws -> String {
        let quoted = capture.publication.quotedIdentifier
        if found.isForAllTables || found.hasSchemas {
            let fresh = try Publication.statements(
                capture.publication, tables.map(\.name), existing: nil)
            return (["DROP PUBLICATION \(quoted)"] + fresh).joined(separator: "; ")
        }
        return try Publication.statements(
            capture.publication, tables.map(\.name), existing: found
        ).joined(separator: "; ")
    }

    /// CREATE PUBLICATION asks for CREATE on the database and the ownership of each table.
    private func missing(_ name: String, _ facts: [TableFacts]) throws -> [Finding] {
        let sql = try Publication.statements(
            capture.publication, tables.map(\.name), existing: nil
        ).joined(separator: "; ")
        if capture.publicationIsGiven {
            return [
                Finding(.refused, name, "it is named in the pipeline file, not there", try: sql)
            ]
        }
        if slot != nil {
            return [
                Finding(
                    .refused, name,
                    "it is not there, but the slot \(capture.slot) is: changes made "
                        + "before the publication would be missing",
                    try: "SELECT pg_drop_replication_slot(\(capture.slot.quotedLiteral))")
            ]
        }
        let create = try connection.run(
            "SELECT has_database_privilege(current_database(), 'CREATE')")
        let foreign = facts.filter { !$0.isOwned }.map(\.table.name.description)
        if create.boolean(0, 0), foreign.isEmpty {
            return [Finding(.ok, name, "is not there yet; \(role) may create it")]
        }
        let why =
            foreign.isEmpty
            ? "\(role) may not create in the database"
            : "\(role) does not own \(foreign.joined(separator: ", "))"
        return [
            Finding(
                .refused, name, "it is not there, and \(why)",
                try: "martlet check PIPELINE --install, as the owner; or: \(sql)")
        ]
    }
}

// MARK: Tables

extension Preflight {
    func table(_ facts: TableFacts) -> [Finding] {
        let findings = access(facts) + identity(facts) + contents(facts)
        return findings.isEmpty
            ? [Finding(.ok, "table", "can be followed", table: facts.table.name)] : findings
    }

    private func access(_ facts: TableFacts) -> [Finding] {
        let name = facts.table.name
        var findings: [Finding] = []
        if !facts.isSchemaUsable {
            findings.append(
                Finding(
                    .refused, "privilege", "\(role) may not use the schema", table: name,
                    try: "GRANT USAGE ON SCHEMA \(name.schema.quotedIdentifier) "
                        + "TO \(role.quotedIdentifier)"))
        }
        if !facts.isReadable {
            findings.append(
                Finding(
                    .refused, "privilege", "\(role) may not read the table", table: name,
                    try: "GRANT SELECT ON \(name.quoted) TO \(role.quotedIdentifier)"))
        }
        if facts.isFiltered {
            findings.append(
                Finding(
                    .refused, "row level security",
                    "its policies would hide rows from the load, not from the stream", table: name,
                    try: "ALTER ROLE \(role.quotedIdentifier) BYPASSRLS"))
        }
        return findings
    }

    private func identity(_ facts: TableFacts) -> [Finding] {
        let table = facts.table
        var findings: [Finding] = []
        if table.replicaIdentity == .nothing {
            let why =
                table.primaryKey?.isDeferrable == true
                ? "a deferrable primary key is none" : "it has none"
            findings.append(
                Finding(
                    .refused, "replica identity",
                    "\(why): in a publication UPDATE and DELETE would fail at the source",
                    table: table.name,
                    try: "ALTER TABLE \(table.name.quoted) REPLICA IDENTITY FULL"))
        }
        let generated = table.columns.first {
            $0.generated != nil && table.chunkKey.contains($0.name)
        }
        if let generated {
            findings.append(
                Finding(
                    .refused, "replica identity", "a generated column is not in the stream",
                    table: table.name, column: generated.name,
                    try: "ALTER TABLE \(table.name.quoted) REPLICA IDENTITY FULL"))
        }
        let unclear = table.columns.first {
            table.chunkKey.contains($0.name) && $0.keyForm == .unknown
        }
        if let unclear {
            findings.append(
                Finding(
                    .warning, "key",
                    "equal values of \(unclear.type.declaration) may be written in several ways: "
                        + "the table is copied in one piece, not in chunks",
                    table: table.name, column: unclear.name,
                    try: "for a large table: REPLICA IDENTITY USING INDEX of another unique key"))
        }
        if table.replicaIdentity == .full, table.chunkKey.isEmpty {
            for column in facts.incomparable {
                findings.append(
                    Finding(
                        .warning, "equality", "the type has none: rows are matched by its text",
                        table: table.name, column: column, try: "add a primary key"))
            }
        }
        return findings
    }

    private func contents(_ facts: TableFacts) -> [Finding] {
        let name = facts.table.name
        var findings: [Finding] = []
        if facts.isUnlogged {
            findings.append(
                Finding(
                    .refused, "unlogged table", "its changes are not in the log", table: name,
                    try: "ALTER TABLE \(name.quoted) SET LOGGED"))
        }
        for partition in facts.strayPartitions {
            findings.append(
                Finding(
                    .refused, "partition",
                    "changes of \(partition) (foreign or unlogged) are not "
                        + "in the log", table: name,
                    try: "ALTER TABLE \(name.quoted) DETACH PARTITION \(partition)"))
        }
        for column in facts.foreign {
            findings.append(
                Finding(
                    .refused, "column type",
                    "a table's row type, a type in C without extension, or a range with "
                        + "'canonical' cannot be made at the target", table: name, column: column,
                    try: "exclude the table in `tables` of the pipeline file"))
        }
        if facts.children > 0 {
            findings.append(
                Finding(
                    .warning, "inheritance",
                    "\(facts.children) tables inherit from it: their rows are theirs, not its",
                    table: name, try: "include the children in `tables` of the pipeline file"))
        }
        for function in facts.functions {
            findings.append(
                Finding(
                    .warning, "function",
                    "\(function) is used by a default, check or index and "
                        + "is not carried", table: name, try: "create it at the target first"))
        }
        return findings
    }

    func leaves() throws -> [Finding] {
        try TableFacts.leaves(connection, tables).filter(\.differs).map { leaf in
            Finding(
                .refused, "replica identity",
                "the partition \(leaf.name) has another identity than its root: old rows would be "
                    + "misread", table: leaf.root,
                try: "ALTER TABLE \(leaf.name.quoted) \(leaf.wanted)")
        }
    }
}
