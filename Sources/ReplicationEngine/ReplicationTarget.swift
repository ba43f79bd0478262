package import ReplicationModel

/// The target database: Martlet's state, the schema, and sessions that write rows.
///
/// Every method blocks; callers are threads of their own. Errors are `ReplicationError`. Except for
/// `prepare`, `acquire` and the reads, every transaction checks the epoch first (I7).
package protocol ReplicationTarget: AnyObject, Sendable {
    /// Makes or migrates Martlet's own tables. State newer than this program is refused.
    func prepare() throws

    /// What is stored for `pipeline`; nil if nothing. Read-only: works without `prepare`, and on a
    /// read-only connection, so that `status` works while `run` is down.
    func load(pipeline: String) throws -> StoredPipeline?

    /// Takes the pipeline over: refused while somebody else's lease runs (`.fenced`, names the
    /// holder), unless the holder is a dead process of this machine. Ends the former holder's
    /// target sessions, then bumps the epoch, stores `setup` if nothing is stored. Returns the
    /// state.
    func acquire(pipeline: String, setup: PipelineSetup, holder: Holder, lease: Double) throws
        -> StoredPipeline

    /// Renews the lease and stores what `status` shows of the running process. Throws `.fenced` if
    /// the epoch is no longer ours.
    func renewLease(_ report: RunReport) throws

    /// Gives the lease back and stores the final state (`stopped`, `failed` with the error's text).
    func release(_ report: RunReport) throws

    /// Changes `setup` (slot created, consistent point) and its first checkpoint and table states,
    /// in one fenced transaction.
    func store(
        setup: PipelineSetup, checkpoint: Checkpoint?, tables: [TableProgress]) throws

    /// The target's tables that rows of a route go to, as routes: one, unless a transform says
    /// otherwise.
    func tables(of route: TableRoute) -> [TableRoute]

    /// What is at the target under this name: columns and whether there are rows, of this share;
    /// nil if no table.
    func shape(of table: TableName, share: RowShare?) throws -> TargetShape?

    /// The statements that make these tables and what belongs to them, by phase, and what is lost.
    /// Depends on nothing but the arguments and what exists at the target.
    func schemaPlan(_ routes: [TableRoute], prerequisites: [SchemaObject]) throws -> SchemaPlan

    /// Looks at privileges, settings, triggers and shapes; changes nothing.
    func preflight(_ routes: [TableRoute], prerequisites: [SchemaObject]) throws -> [Finding]

    /// Which values of these tables the target would refuse or change. What its columns hold
    /// whatever comes is not asked for.
    func questions(_ routes: [TableRoute]) throws -> [ValueQuestion]

    /// The least privileges the apply role needs (`check --print-grants`).
    func grantStatements(_ routes: [TableRoute]) throws -> [String]

    /// Runs statements in one fenced transaction together with the table states given.
    func run(_ statements: [String], tables: [TableProgress]) throws

    /// Deletes all rows of the table, or of a share of it (`existing: truncate`), in one fenced
    /// transaction.
    func empty(_ table: TableName, share: RowShare?) throws

    /// Sets all rows of the table aside, in one fenced transaction (`existing: merge`): the table
    /// is empty afterwards. `schemaPlan` puts back, when the target is consistent, the rows whose
    /// key the table then lacks; `drop` does so at once.
    func setAside(_ table: TableName) throws

    /// A connection of its own for writing. `routes` is every table of the pipeline; the index into
    /// it is how a table is named afterwards. Rows and changes of the routes in `staged` go to
    /// staging tables of the session, which have the route's key and no other.
    func openApplier(
        _ routes: [TableRoute], label: String, staged: Set<Int>
    ) throws -> any ChangeApplier

    /// Removes everything Martlet stored for the pipeline; the tables of the user stay.
    func drop(pipeline: String) throws

    func close()
}

extension ReplicationTarget {
    package func tables(of route: TableRoute) -> [TableRoute] { [route] }

    package func openApplier(
        _ routes: [TableRoute], label: String
    ) throws -> any ChangeApplier {
        try openApplier(routes, label: label, staged: [])
    }
}

/// Writes rows, on one connection, in transactions that carry their own state (I1).
///
/// The order of calls is `begin`, then any of the others, then `commit` or `rollback`. `begin`
/// reads the epoch and throws `.fenced` if it is not ours. Strict: an INSERT of a present key, an
/// UPDATE or DELETE that hits 0 or 2 rows throws (I5) and names position, table and the way out;
/// only what an action names as perhaps missing may hit 0 rows.
/// After an error the transaction is dead: call `rollback`. `.connectionLost` from `commit` means
/// that the outcome is unknown: the state must be read again on a new connection (A02).
package protocol ChangeApplier: AnyObject {
    func begin() throws

    /// Applies changes `range` of the batch in order; `actions[i]` says what to do with
    /// `batch.changes[i]`; nil means apply every one whole. The result at commit must equal
    /// applying one after the other; how is the applier's business. May be called several times per
    /// transaction. `routes[i]` is the index of the route of `batch.tables[i]`. Within a call no
    /// two routes of one table have a row of the same key. TRUNCATE deletes the rows of the route.
    func apply(
        _ batch: ChangeBatch, range: Range<Int>, actions: [ChangeAction]?, routes: [Int],
        counts: inout [ChangeCounts]) throws

    /// The keys of the rows that have one of these tuples of values in these columns, behind
    /// `after` in an order of the target's own, in canonical text; sees what the transaction did
    /// and what others committed. Values are of kinds that a foreign key is followed for
    /// (`ForeignKey.obstacle`).
    func keys(
        route: Int, where columns: [Int], among tuples: [[[UInt8]]], after: Key?, limit: Int
    ) throws -> [Key]

    /// Deletes every row of the route (restart of a load, DESIGN 6.10).
    func wipe(route: Int) throws

    /// Opens a bulk insert of rows in COPY format; `writeRows` takes blocks of whole rows;
    /// `endRows` returns how many the target stored. `isMore`: they belong to those that the last
    /// `beginRows` of the route brought, in the same unit.
    func beginRows(route: Int, format: RowFormat, isMore: Bool) throws
    func writeRows(_ block: UnsafeRawBufferPointer) throws
    func endRows() throws -> Int64

    /// Moves all rows of a staged route to its table. `beginRows` of a staged route empties the
    /// staging table first, unless there is more to come to it, and comes, with its rows, before
    /// `begin`: what is staged concerns nobody until it is moved.
    func moveStaged(route: Int) throws

    /// The formats `beginRows` takes for this route, best first.
    func rowFormats(route: Int) -> [RowFormat]

    /// The state that says what this transaction did: chunk journal, table states.
    func record(_ entries: [JournalEntry]) throws

    /// Commits. `checkpoint` is the stream's; a chunk's transaction has none. When `durable` is
    /// false, the commit may become durable later, but never after a later durable one.
    func commit(_ checkpoint: Checkpoint?, durable: Bool) throws

    func rollback()
    func close()
}

extension ChangeApplier {
    package func beginRows(route: Int, format: RowFormat) throws {
        try beginRows(route: route, format: format, isMore: false)
    }
}
