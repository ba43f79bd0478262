internal import ReplicationModel

/// Martlet's own tables: their version and how they are made.
///
/// A newer program migrates an older state forward, one step per version, in one transaction; an
/// older program refuses a newer state.
enum StateSchema {
    static let version: Int64 = 1
    static let tables = [
        "martlet_version", "martlet_pipeline", "martlet_checkpoint", "martlet_table_state",
        "martlet_chunk",
    ]

    /// The steps to each version, from the version before; `steps[0]` makes version 1.
    static let steps = [
        """
        CREATE TABLE martlet_version (version INTEGER NOT NULL) STRICT;
        INSERT INTO martlet_version VALUES (1);
        CREATE TABLE martlet_pipeline (
            name TEXT NOT NULL PRIMARY KEY, epoch INTEGER NOT NULL, phase TEXT NOT NULL,
            slot TEXT NOT NULL, publication TEXT NOT NULL, publication_is_given INTEGER NOT NULL,
            source TEXT NOT NULL, configuration TEXT NOT NULL, is_consistent INTEGER NOT NULL,
            holder_host TEXT, holder_pid INTEGER, holder_instance TEXT, lease_until INTEGER,
            report_state TEXT, report_received TEXT, report_confirmed TEXT, report_waiting TEXT,
            report_error TEXT, reported_at INTEGER) STRICT;
        CREATE TABLE martlet_checkpoint (
            pipeline TEXT NOT NULL PRIMARY KEY, position TEXT NOT NULL,
            commit_position TEXT NOT NULL, xid INTEGER NOT NULL, committed_at INTEGER,
            heartbeat_at INTEGER, transactions INTEGER NOT NULL, unseen TEXT NOT NULL,
            gtids TEXT, read_from TEXT, written_at INTEGER NOT NULL) STRICT;
        CREATE TABLE martlet_table_state (
            pipeline TEXT NOT NULL, id INTEGER NOT NULL, source_schema TEXT NOT NULL,
            source_name TEXT NOT NULL, target_schema TEXT NOT NULL, target_name TEXT NOT NULL,
            state TEXT NOT NULL, rows_copied INTEGER NOT NULL, rows_estimated INTEGER NOT NULL,
            inserts INTEGER NOT NULL, updates INTEGER NOT NULL, deletes INTEGER NOT NULL,
            fingerprint TEXT NOT NULL, key TEXT NOT NULL, PRIMARY KEY (pipeline, id)) STRICT;
        CREATE TABLE martlet_chunk (
            pipeline TEXT NOT NULL, table_id INTEGER NOT NULL, id INTEGER NOT NULL,
            lower BLOB, upper BLOB, is_key_chunk INTEGER NOT NULL, snapshot TEXT, position TEXT,
            closed_at TEXT, rows INTEGER NOT NULL, PRIMARY KEY (pipeline, table_id, id)) STRICT;
        """
    ]
}

extension SQLiteSession {
    /// The version of the state in the file; 0 if there is none.
    func stateVersion() throws -> Int64 {
        let found = try rows(
            "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'martlet_version'"
        ) { _ in true }
        guard !found.isEmpty else { return 0 }
        return try rows("SELECT version FROM martlet_version") { $0.integer(0) ?? 0 }.first ?? 0
    }

    /// The same, refusing what a newer program made.
    func knownStateVersion() throws -> Int64 {
        let version = try stateVersion()
        guard version <= StateSchema.version else {
            throw ReplicationError(
                .stateTooNew, "read Martlet's tables in \(path)",
                why: "they have version \(version); this program knows up to "
                    + "\(StateSchema.version)",
                try: "run the newer martlet that wrote them")
        }
        return version
    }

    /// Makes or migrates the tables; inside a transaction.
    func migrateState() throws {
        let version = try knownStateVersion()
        for step in StateSchema.steps[Int(version)...] { try run(step) }
        try execute("UPDATE martlet_version SET version = ?", [.integer(StateSchema.version)])
    }
}
