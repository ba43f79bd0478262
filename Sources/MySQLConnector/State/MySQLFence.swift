internal import ReplicationModel

/// Martlet's own database at the target and the names in it.
struct StatePlace: Sendable, Equatable {
    /// `martlet`, or a test's own.
    let database: String

    func table(_ name: String) -> String { SQLText.name(database) + "." + SQLText.name(name) }
}

/// The right to write for one pipeline: its name and the epoch this process took (I7).
///
/// Every target transaction runs `check` first. The row lock makes whoever takes over wait for the
/// transaction to end, or end it; once the epoch is bumped the check finds no row.
struct MySQLFence: Sendable, Equatable {
    let place: StatePlace
    let pipeline: String
    let epoch: Int64

    /// True for the pipeline's row while the epoch is ours.
    var condition: String { "name = \(SQLText.literal(pipeline)) AND epoch = \(epoch)" }

    /// Throws `.fenced` when the epoch is not ours. Inside a transaction, which keeps it ours. This
    /// form of the lock is the one that every version of both servers knows.
    func check(_ connection: MySQLConnection) throws {
        let sql =
            "SELECT 1 FROM \(place.table("pipeline")) WHERE \(condition) LOCK IN SHARE MODE"
        guard try connection.query(sql).rowCount == 1 else { throw violation }
    }

    /// What to throw when `check`, or a statement that names the epoch, found no row.
    var violation: ReplicationError {
        ReplicationError(
            .fenced, "write for pipeline '\(pipeline)'",
            why:
                "another process took the pipeline over, or it was dropped; "
                + "epoch \(epoch) has ended",
            try: "martlet status \(pipeline)")
    }
}

extension MySQLConnection {
    /// Runs `body` in a transaction; rolls back when it throws.
    @discardableResult
    func inTransaction<Result>(_ body: () throws -> Result) throws -> Result {
        try run("START TRANSACTION")
        do {
            let result = try body()
            try run("COMMIT")
            return result
        } catch {
            // The error is what counts; a connection that cannot roll back is dead or will be.
            if isAlive { _ = try? run("ROLLBACK") }
            throw error
        }
    }

    /// The same, after the epoch check (I7).
    @discardableResult
    func inTransaction<Result>(
        fencedBy fence: MySQLFence, _ body: () throws -> Result
    ) throws -> Result {
        try inTransaction {
            try fence.check(self)
            return try body()
        }
    }

    /// Runs `body` with everything it reads of one moment.
    func inSnapshot<Result>(_ body: () throws -> Result) throws -> Result {
        try run("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        try run("START TRANSACTION READ ONLY")
        defer { if isAlive { _ = try? run("ROLLBACK") } }
        return try body()
    }
}

extension SQLText {
    static func literal(_ text: String?) -> String { text.map { literal($0) } ?? "NULL" }
    static func literal(_ number: Int64?) -> String { number.map { String($0) } ?? "NULL" }
    static func literal(_ flag: Bool) -> String { flag ? "1" : "0" }

    /// Literals between commas.
    static func list(_ literals: [String]) -> String { literals.joined(separator: ", ") }
}
