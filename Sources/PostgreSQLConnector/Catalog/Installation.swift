internal import ReplicationEngine
internal import ReplicationModel

/// What an owner of the tables runs once, and what the capture role needs.
///
/// Three roles are kept apart: the installer owns the tables and may create in the database; the
/// capture role may log in, replicate and read; `run` works with the capture role alone when the
/// publication is there already.
struct Installation {
    let connection: PGConnection
    let capture: CaptureNames
    let tables: [TableSchema]

    init(_ connection: PGConnection, _ capture: CaptureNames, _ tables: [TableSchema]) {
        self.connection = connection
        self.capture = capture
        self.tables = tables
    }

    /// Identities first: a publication makes UPDATE and DELETE of a table without one fail (P07).
    func statements() throws -> [String] {
        try identities() + publication()
    }

    private func identities() throws -> [String] {
        var statements: [String] = []
        for table in tables where table.replicaIdentity == .nothing {
            statements.append("ALTER TABLE \(table.name.quoted) REPLICA IDENTITY FULL")
        }
        for leaf in try TableFacts.leaves(connection, tables) where leaf.differsAfterInstall {
            statements.append("ALTER TABLE \(leaf.name.quoted) \(leaf.wanted)")
        }
        return statements
    }

    private func publication() throws -> [String] {
        guard !capture.publicationIsGiven else { return [] }
        let existing = try Publication.load(connection, capture.publication)
        if existing == nil,
            try SlotQueries(connection: connection, slot: capture.slot).state() != nil
        {
            throw ReplicationError(
                .preflight, "install the publication \(capture.publication)",
                why: "the slot \(capture.slot) is older: changes before now would be missing",
                try: "SELECT pg_drop_replication_slot(\(capture.slot.quotedLiteral))")
        }
        return try Publication.statements(
            capture.publication, tables.map(\.name), existing: existing)
    }

    /// For the role of this connection. Reading needs no more; nothing is written but messages.
    func grants() throws -> [String] {
        let result = try connection.run("SELECT current_user, current_database()")
        let role = result.string(0, 0).quotedIdentifier
        var statements = [
            "ALTER ROLE \(role) LOGIN REPLICATION",
            "GRANT CONNECT ON DATABASE \(result.string(0, 1).quotedIdentifier) TO \(role)",
        ]
        for schema in Set(tables.map(\.name.schema)).sorted() {
            statements.append("GRANT USAGE ON SCHEMA \(schema.quotedIdentifier) TO \(role)")
        }
        if !tables.isEmpty {
            let list = tables.map(\.name.quoted).joined(separator: ", ")
            statements.append("GRANT SELECT ON TABLE \(list) TO \(role)")
        }
        if try TableFacts.load(connection, tables).contains(where: \.hasRowSecurity) {
            statements.append("ALTER ROLE \(role) BYPASSRLS")
        }
        return statements
    }
}
