internal import ReplicationModel

/// The tables of schema `martlet` and how older ones become newer ones.
///
/// `martlet.format` holds the number of steps that have run. A step is never changed once released;
/// a change of the tables is a new step at the end of `steps`.
enum PGStateFormat {
    static let version = steps.count

    /// One at a time over all processes: two first starts would both make the schema.
    private static let lockSQL = "SELECT pg_advisory_xact_lock(hashtext('martlet.format'))"

    /// Makes or migrates the tables, in one transaction; throws `.stateTooNew`.
    static func prepare(_ connection: PGConnection) throws {
        guard try read(connection) != version else { return }
        try connection.transaction {
            try connection.run(lockSQL)
            // Another process may have done it while this one waited for the lock.
            let found = try read(connection)
            if found == nil { try make(connection) }
            for step in steps[(found ?? 0)...] { try connection.run(step) }
            try connection.run("UPDATE martlet.format SET version = \(version)")
        }
    }

    /// The version at the target; nil if there are no tables. Throws `.stateTooNew`.
    static func read(_ connection: PGConnection) throws -> Int? {
        let there = try connection.run(
            """
            SELECT 1 FROM pg_catalog.pg_class c \
            JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
            WHERE n.nspname = 'martlet' AND c.relname = 'format'
            """)
        guard there.rowCount == 1 else { return nil }
        let found = Int(try connection.run("SELECT version FROM martlet.format").integer(0, 0) ?? 0)
        guard found <= version else {
            throw ReplicationError(
                .stateTooNew, "read Martlet's state at the target",
                why:
                    "schema martlet has format \(found), "
                    + "this program knows formats up to \(version)",
                try: "run the version of Martlet that wrote it, or a newer one")
        }
        return found
    }

    /// CREATE SCHEMA asks for a privilege on the database even when the schema is there, which a
    /// DBA may have made for a role that has none.
    private static func make(_ connection: PGConnection) throws {
        let schema = try connection.run(
            "SELECT 1 FROM pg_catalog.pg_namespace WHERE nspname = 'martlet'")
        if schema.rowCount == 0 { try connection.run("CREATE SCHEMA martlet") }
        try connection.run(
            """
            CREATE TABLE martlet.format (version integer NOT NULL);
            INSERT INTO martlet.format VALUES (0)
            """)
    }

    /// In the order in which they can be dropped.
    static let tables = [
        "lossy", "foreign_key", "chunk", "table_state", "checkpoint", "session", "lease",
        "pipeline", "format",
    ]

    /// Removes the tables, and the schema if nothing else lives in it.
    static func remove(_ connection: PGConnection) throws {
        try connection.run(lockSQL)
        for table in tables { try connection.run("DROP TABLE IF EXISTS martlet.\(table)") }
        let others = try connection.run(
            """
            SELECT count(*) FROM pg_catalog.pg_depend d \
            JOIN pg_catalog.pg_namespace n ON n.oid = d.refobjid \
            WHERE d.refclassid = 'pg_catalog.pg_namespace'::regclass AND n.nspname = 'martlet'
            """)
        let owned = try connection.run(
            """
            SELECT pg_catalog.pg_has_role(nspowner, 'USAGE') FROM pg_catalog.pg_namespace \
            WHERE nspname = 'martlet'
            """)
        if others.integer(0, 0) == 0, owned.boolean(0, 0) {
            try connection.run("DROP SCHEMA martlet")
        }
    }

    private static let steps = [pipelineTables + journalTables, foreignKeyTable, lossyTable]

    /// Foreign keys of the users' tables that are taken off for the time of a load.
    private static let foreignKeyTable = """
        CREATE TABLE martlet.foreign_key (
            table_id oid NOT NULL,
            name text NOT NULL,
            columns text[] NOT NULL,
            referenced_schema text NOT NULL,
            referenced_name text NOT NULL,
            referenced_columns text[] NOT NULL,
            definition text NOT NULL,
            PRIMARY KEY (table_id, name)
        );
        """

    /// How many values were converted, by the configuration's name for it.
    private static let lossyTable = """
        CREATE TABLE martlet.lossy (
            pipeline text NOT NULL,
            kind text NOT NULL,
            converted bigint NOT NULL,
            PRIMARY KEY (pipeline, kind)
        ) WITH (fillfactor = 50);
        """

    /// `lease` is a table beside `pipeline` so that renewing it never waits for the row locks on
    /// `pipeline` that every target transaction holds. Rows written often leave room on the page
    /// for their next version.
    private static let pipelineTables = """
        CREATE TABLE martlet.pipeline (
            name text PRIMARY KEY,
            epoch bigint NOT NULL,
            phase text NOT NULL,
            slot text NOT NULL,
            publication text NOT NULL,
            publication_is_given boolean NOT NULL,
            source jsonb NOT NULL,
            configuration text NOT NULL,
            is_consistent boolean NOT NULL,
            created_at timestamptz NOT NULL DEFAULT clock_timestamp()
        );
        CREATE TABLE martlet.lease (
            pipeline text PRIMARY KEY,
            epoch bigint NOT NULL,
            host text,
            pid integer,
            instance text,
            seconds double precision,
            expires timestamptz,
            state text,
            received text,
            confirmed text,
            waiting text,
            error text,
            reported_at timestamptz
        ) WITH (fillfactor = 50);
        CREATE TABLE martlet.session (
            pipeline text NOT NULL,
            pid integer NOT NULL,
            backend_start timestamptz NOT NULL,
            PRIMARY KEY (pipeline, pid)
        );

        """

    /// Positions are kept as text in the source's own form: a source need not be PostgreSQL.
    private static let journalTables = """
        CREATE TABLE martlet.checkpoint (
            pipeline text PRIMARY KEY,
            position text NOT NULL,
            commit_position text NOT NULL,
            xid bigint NOT NULL,
            committed_at bigint,
            heartbeat_at bigint,
            transactions bigint NOT NULL,
            unseen text NOT NULL,
            gtids text,
            read_from text,
            applied_at timestamptz NOT NULL
        ) WITH (fillfactor = 50);
        CREATE TABLE martlet.table_state (
            pipeline text NOT NULL,
            id bigint NOT NULL,
            source_schema text NOT NULL,
            source_name text NOT NULL,
            target_schema text NOT NULL,
            target_name text NOT NULL,
            state text NOT NULL,
            rows_copied bigint NOT NULL,
            rows_estimated bigint NOT NULL,
            inserts bigint NOT NULL,
            updates bigint NOT NULL,
            deletes bigint NOT NULL,
            fingerprint text NOT NULL,
            key text[] NOT NULL,
            PRIMARY KEY (pipeline, id)
        ) WITH (fillfactor = 50);
        CREATE TABLE martlet.chunk (
            pipeline text NOT NULL,
            table_id bigint NOT NULL,
            id bigint NOT NULL,
            lower text[],
            upper text[],
            is_key_chunk boolean NOT NULL,
            snapshot text,
            position text,
            closed_at text,
            rows bigint NOT NULL,
            PRIMARY KEY (pipeline, table_id, id)
        );
        """
}

extension PGConnection {
    /// Runs `body` between BEGIN and COMMIT; rolls back when it throws. Read committed, whatever
    /// the role's default: a check that waited for a lock must see what the holder committed.
    func transaction<Result>(
        _ mode: String = "ISOLATION LEVEL READ COMMITTED READ WRITE", _ body: () throws -> Result
    ) throws -> Result {
        try run("BEGIN \(mode)")
        do {
            let result = try body()
            try run("COMMIT")
            return result
        } catch {
            // The error is what counts; a connection that cannot roll back is dead or will be.
            if isAlive, isInTransaction { _ = try? run("ROLLBACK") }
            throw error
        }
    }

    /// The same, after the epoch check (I7).
    func transaction<Result>(fencedBy fence: PGFence, _ body: () throws -> Result) throws -> Result
    {
        try transaction {
            try fence.check(self)
            return try body()
        }
    }
}
