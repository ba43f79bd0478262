internal import ReplicationModel

/// The tables of database `martlet` and how older ones become newer ones.
///
/// `format` holds the number of steps that have run. A step is never changed once released; a
/// change of the tables is a new step at the end of `steps`. Every DDL statement commits by itself
/// (A08): each can be run again, and the number is written after the last one of its step.
///
/// Names are VARBINARY: no collation takes two of them for one.
enum MySQLStateFormat {
    static var version: Int { steps.count }

    private static let lockSeconds = 20

    /// Makes or migrates the tables; throws `.stateTooNew`. One process at a time.
    static func prepare(_ connection: MySQLConnection, _ place: StatePlace) throws {
        guard try read(connection, place) != version else { return }
        let lock = SQLText.literal("\(place.database).format")
        guard try connection.query("SELECT GET_LOCK(\(lock), \(lockSeconds))").text(0, 0) == "1"
        else {
            throw ReplicationError(
                .serverBusy, "make Martlet's tables", why: "another process is making them")
        }
        defer {
            if connection.isAlive { _ = try? connection.query("SELECT RELEASE_LOCK(\(lock))") }
        }
        let found = try read(connection, place)
        if found == nil { try make(connection, place) }
        for step in steps[(found ?? 0)...] {
            for definition in step {
                try connection.run(
                    "CREATE TABLE IF NOT EXISTS \(place.table(definition.name)) ("
                        + definition.columns + ") ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 "
                        + "COLLATE utf8mb4_bin")
            }
        }
        try connection.run("UPDATE \(place.table("format")) SET version = \(version)")
    }

    /// The version at the target; nil if there are no tables. Throws `.stateTooNew`.
    static func read(_ connection: MySQLConnection, _ place: StatePlace) throws -> Int? {
        let there = try connection.query(
            "SELECT 1 FROM information_schema.tables WHERE table_name = 'format' AND "
                + "table_schema = \(SQLText.literal(place.database))")
        guard there.rowCount == 1 else { return nil }
        let rows = try connection.query("SELECT version FROM \(place.table("format"))")
        guard rows.rowCount == 1, let found = rows.integer(0, 0) else { return nil }
        guard found <= version else {
            throw ReplicationError(
                .stateTooNew, "read Martlet's state at the target",
                why:
                    "database \(place.database) has format \(found), "
                    + "this program knows formats up to \(version)",
                try: "run the version of Martlet that wrote it, or a newer one")
        }
        return Int(found)
    }

    /// CREATE DATABASE asks for a privilege even when the database is there, which a DBA may have
    /// made for a user that has none.
    private static func make(_ connection: MySQLConnection, _ place: StatePlace) throws {
        let there = try connection.query(
            "SELECT 1 FROM information_schema.schemata WHERE schema_name = "
                + SQLText.literal(place.database))
        if there.rowCount == 0 {
            try connection.run("CREATE DATABASE IF NOT EXISTS \(SQLText.name(place.database))")
        }
        try connection.run(
            "CREATE TABLE IF NOT EXISTS \(place.table("format")) (id INT NOT NULL PRIMARY KEY, "
                + "version INT NOT NULL) ENGINE = InnoDB")
        try connection.run("INSERT IGNORE INTO \(place.table("format")) VALUES (1, 0)")
    }

    /// Every table with rows of a pipeline, by `pipeline`, but `pipeline` itself.
    static let tables = ["chunk", "table_state", "checkpoint", "session", "lease"]

    private struct Definition {
        var name: String
        var columns: String
    }

    private static let steps = [[pipeline, lease, session, checkpoint, tableState, chunk]]

    private static let pipeline = Definition(
        name: "pipeline",
        columns: """
            name VARBINARY(255) NOT NULL PRIMARY KEY,
            epoch BIGINT NOT NULL,
            phase VARCHAR(32) NOT NULL,
            slot TEXT NOT NULL,
            publication TEXT NOT NULL,
            publication_is_given BOOLEAN NOT NULL,
            source LONGTEXT NOT NULL,
            configuration LONGTEXT NOT NULL,
            is_consistent BOOLEAN NOT NULL,
            created_at DATETIME(6) NOT NULL
            """)

    /// A table beside `pipeline` so that renewing it never waits for the row locks on `pipeline`
    /// that every target transaction holds.
    private static let lease = Definition(
        name: "lease",
        columns: """
            pipeline VARBINARY(255) NOT NULL PRIMARY KEY,
            epoch BIGINT NOT NULL,
            host TEXT,
            pid INT,
            instance TEXT,
            seconds DOUBLE,
            expires DATETIME(6),
            state VARCHAR(32),
            received TEXT,
            confirmed TEXT,
            waiting LONGTEXT,
            error LONGTEXT,
            reported_at DATETIME(6)
            """)

    /// A session is known by a lock that it holds as long as it lives: connection ids begin anew
    /// when the server does.
    private static let session = Definition(
        name: "session",
        columns: """
            pipeline VARBINARY(255) NOT NULL,
            lock_name VARBINARY(64) NOT NULL,
            PRIMARY KEY (pipeline, lock_name)
            """)

    /// Positions are kept as text in the source's own form: a source need not be MySQL.
    private static let checkpoint = Definition(
        name: "checkpoint",
        columns: """
            pipeline VARBINARY(255) NOT NULL PRIMARY KEY,
            position TEXT NOT NULL,
            commit_position TEXT NOT NULL,
            xid BIGINT NOT NULL,
            committed_at BIGINT,
            heartbeat_at BIGINT,
            transactions BIGINT NOT NULL,
            unseen LONGTEXT NOT NULL,
            gtids LONGTEXT,
            read_from LONGTEXT,
            applied_at DATETIME(6) NOT NULL
            """)

    private static let tableState = Definition(
        name: "table_state",
        columns: """
            pipeline VARBINARY(255) NOT NULL,
            id BIGINT NOT NULL,
            source_schema TEXT NOT NULL,
            source_name TEXT NOT NULL,
            target_schema TEXT NOT NULL,
            target_name TEXT NOT NULL,
            state VARCHAR(32) NOT NULL,
            rows_copied BIGINT NOT NULL,
            rows_estimated BIGINT NOT NULL,
            inserts BIGINT NOT NULL,
            updates BIGINT NOT NULL,
            deletes BIGINT NOT NULL,
            fingerprint LONGTEXT NOT NULL,
            key_columns LONGTEXT NOT NULL,
            PRIMARY KEY (pipeline, id)
            """)

    private static let chunk = Definition(
        name: "chunk",
        columns: """
            pipeline VARBINARY(255) NOT NULL,
            table_id BIGINT NOT NULL,
            id BIGINT NOT NULL,
            lower_bound LONGTEXT,
            upper_bound LONGTEXT,
            is_key_chunk BOOLEAN NOT NULL,
            snapshot LONGTEXT,
            position TEXT,
            closed_at TEXT,
            row_count BIGINT NOT NULL,
            PRIMARY KEY (pipeline, table_id, id)
            """)
}
