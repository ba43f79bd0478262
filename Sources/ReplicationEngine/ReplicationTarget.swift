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

    /// What is at the target under this name: columns and whether there are rows; nil if no table.
    func shape(of table: TableName) throws -> TargetShape?

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

    /// Deletes all rows of the table (`existing: truncate`), in one fenced transaction.
    func empty(_ table: TableName) throws

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
    /// transaction. `routes[i]` is the index of the route of `batch.tables[i]`.
    func apply(
        _ batch: ChangeBatch, range: Range<Int>, actions: [ChangeAction]?, routes: [Int],
        counts: inout [ChangeCounts]) throws

    /// Deletes every row of the route's table (restart of a load, DESIGN 6.10).
    func wipe(route: Int) throws

    /// Opens a bulk insert of rows in COPY format; `writeRows` takes blocks of whole rows;
    /// `endRows` returns how many the target stored.
    func beginRows(route: Int, format: RowFormat) throws
    func writeRows(_ block: UnsafeRawBufferPointer) throws
    func endRows() throws -> Int64

    /// Moves all rows of a staged route to its table. `beginRows` of a staged route empties the
    /// staging table first, and comes, with its rows, before `begin`: what is staged concerns
    /// nobody until it is moved.
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

package struct ChangeCounts: Sendable, Equatable {
    package var inserts: Int64 = 0
    package var updates: Int64 = 0
    package var deletes: Int64 = 0

    package init() {}
}

/// One change of the journal, written in the same transaction as the rows it speaks of.
package enum JournalEntry: Sendable {
    /// A chunk's rows are in: inserts or replaces the chunk's row.
    case chunk(ChunkRecord)
    /// Chunks that are not needed any more (merged, or the table's load starts again: all).
    case removeChunks(table: UInt32, ids: [Int64])
    case removeAllChunks(table: UInt32)
    case table(TableProgress)
}

/// A row of the journal: a copied chunk, a key-chunk that is pending (`seal` nil), or a table that
/// is copied in part (`SharedRead`).
package struct ChunkRecord: Sendable, Equatable {
    package var table: UInt32
    package var id: Int64
    package var range: KeyRange
    /// The range is the single key `range.upper` (DESIGN 6.7), overriding the chunk around it.
    package var isKeyChunk: Bool
    package var seal: ChunkSeal?
    package var rows: Int64
    /// Rows are at the target that nobody can go on from.
    package var isCopiedInPart: Bool { seal == nil && !isKeyChunk }

    package init(
        table: UInt32, id: Int64, range: KeyRange, isKeyChunk: Bool, seal: ChunkSeal?, rows: Int64
    ) {
        self.table = table
        self.id = id
        self.range = range
        self.isKeyChunk = isKeyChunk
        self.seal = seal
        self.rows = rows
    }
}

/// What a copied chunk contains: everything its snapshot saw, and everything judged up to
/// `closedAt`.
package struct ChunkSeal: Sendable, Equatable {
    /// nil when the stream has passed `position`: every later transaction applies.
    package var snapshot: SourceSnapshot?
    /// The chunk position (DESIGN 6.3).
    package var position: LogPosition
    /// Commit position of the last transaction judged before the chunk closed.
    package var closedAt: LogPosition

    package init(snapshot: SourceSnapshot?, position: LogPosition, closedAt: LogPosition) {
        self.snapshot = snapshot
        self.position = position
        self.closedAt = closedAt
    }
}

package struct TableProgress: Sendable, Equatable {
    package enum State: String, Sendable {
        /// Known, nothing at the target yet.
        case pending
        case loading
        /// All chunks are in; the stream has not passed the newest chunk position, or indexes are
        /// being made.
        case catchingUp = "catching-up"
        case live
    }

    package var id: UInt32
    package var source: TableName
    package var target: TableName
    package var state: State
    package var rowsCopied: Int64 = 0
    package var rowsEstimated: Int64 = 0
    package var counts = ChangeCounts()
    package var fingerprint = ""
    /// The source rewrote the table, and the log does not say what became of its rows.
    package var isUnproven: Bool { Fingerprint(fingerprint).isUnproven }
    /// Names of the key columns; a changed key asks for a reload.
    package var key: [String] = []

    package init(id: UInt32, source: TableName, target: TableName, state: State) {
        self.id = id
        self.source = source
        self.target = target
        self.state = state
    }
}

/// The stream's place, written in every stream transaction.
package struct Checkpoint: Sendable, Equatable {
    /// End position of the last applied transaction: where the log is read on (P13).
    package var position: LogPosition
    /// MySQL and MariaDB: every transaction applied, for reading on from another server.
    package var gtids: GTIDSet?
    package var commitPosition: LogPosition
    package var xid: UInt32 = 0
    /// Microseconds since 1970, source clock: commit of the last applied transaction.
    package var committedAt: Int64?
    /// Microseconds since 1970, source clock: newest heartbeat applied.
    package var heartbeatAt: Int64?
    package var transactions: Int64 = 0
    /// Streamed, not yet seen visible, while a load runs (DESIGN 6.4).
    package var unseen: [TransactionID] = []
    /// Counters of the tables that changed since the last checkpoint, in total.
    package var counts: [UInt32: ChangeCounts] = [:]

    package init(position: LogPosition, commitPosition: LogPosition) {
        self.position = position
        self.commitPosition = commitPosition
    }

    package init(at place: LogPlace) {
        self.init(position: place.position, commitPosition: place.position)
        gtids = place.gtids
    }

    package var place: LogPlace { LogPlace(position: position, gtids: gtids) }

    /// Every transaction that commits at or before it is applied. A binlog's commit positions are
    /// of first events: nothing else begins before the end. Commit records may stand side by side.
    package var passed: LogPosition {
        switch position.form {
        case .lsn: commitPosition
        case .binlog: position
        }
    }
}

package struct PipelineSetup: Sendable, Equatable {
    package enum Phase: String, Sendable {
        /// The slot is about to be made: one found without checkpoint is dropped and made again.
        case creatingSlot = "creating-slot"
        /// A slot that somebody else made is about to be taken over (`--start-at`).
        case adoptingSlot = "adopting-slot"
        case ready
    }

    package var phase: Phase
    package var capture: CaptureNames
    package var source: SourceIdentity
    /// What of the configuration must not change between runs, as JSON.
    package var configuration: String
    /// Secondary unique indexes and foreign keys are in: the target was consistent.
    package var isConsistent = false

    package init(
        phase: Phase, capture: CaptureNames, source: SourceIdentity, configuration: String
    ) {
        self.phase = phase
        self.capture = capture
        self.source = source
        self.configuration = configuration
    }
}

package struct StoredPipeline: Sendable {
    package var setup: PipelineSetup
    package var epoch: Int64
    package var checkpoint: Checkpoint?
    package var tables: [TableProgress]
    package var chunks: [ChunkRecord]
    package var holder: Holder?
    /// The lease has not ended, by the target's clock.
    package var leaseIsValid: Bool
    package var report: RunReport?
    /// Seconds since the checkpoint was written last, by the target's clock.
    package var checkpointAge: Double?
    /// How many values were converted because the configuration asks for it.
    package var lossy: [LossyConversions.Kind: Int64] = [:]

    package init(
        setup: PipelineSetup, epoch: Int64, checkpoint: Checkpoint?, tables: [TableProgress],
        chunks: [ChunkRecord], holder: Holder?, leaseIsValid: Bool, report: RunReport?,
        checkpointAge: Double?
    ) {
        self.setup = setup
        self.epoch = epoch
        self.checkpoint = checkpoint
        self.tables = tables
        self.chunks = chunks
        self.holder = holder
        self.leaseIsValid = leaseIsValid
        self.report = report
        self.checkpointAge = checkpointAge
    }
}

package struct Holder: Sendable, Equatable {
    package var host: String
    package var pid: Int32
    /// Distinguishes processes that got the same pid (start time of the process or a random id).
    package var instance: String

    package init(host: String, pid: Int32, instance: String) {
        self.host = host
        self.pid = pid
        self.instance = instance
    }
}

/// What the running process says of itself, stored with the lease for `status`.
package struct RunReport: Sendable, Equatable {
    package enum State: String, Sendable {
        case starting, loading, streaming, paused, stopped, failed, fenced
    }

    package var state: State
    package var received: LogPosition?
    package var confirmed: LogPosition?
    /// Why the pipeline waits, in words; nil if it does not.
    package var waiting: String?
    /// The error's four lines, when it failed or is retrying.
    package var error: String?

    package init(state: State) { self.state = state }
}

package struct TargetShape: Sendable {
    package struct Column: Sendable {
        package var name: String
        package var declaration: String
        package var isNullable: Bool
        package var isGenerated: Bool
        package var hasDefault: Bool

        package init(
            name: String, declaration: String, isNullable: Bool, isGenerated: Bool, hasDefault: Bool
        ) {
            self.name = name
            self.declaration = declaration
            self.isNullable = isNullable
            self.isGenerated = isGenerated
            self.hasDefault = hasDefault
        }
    }

    package var columns: [Column]
    package var hasRows: Bool
    /// Columns of the primary key and of every other unique key.
    package var primaryKey: [String]
    package var uniqueKeys: [[String]]

    package init(
        columns: [Column], hasRows: Bool, primaryKey: [String], uniqueKeys: [[String]]
    ) {
        self.columns = columns
        self.hasRows = hasRows
        self.primaryKey = primaryKey
        self.uniqueKeys = uniqueKeys
    }
}

/// Something the tables need before they can be made: schema, extension, enum, domain, composite
/// type, sequence. In the source's dialect, in an order in which they can be made.
package struct SchemaObject: Sendable, Equatable {
    package enum Kind: String, Sendable {
        case schema, `extension`, collation, enumeration, domain, composite, range, sequence
    }

    package var kind: Kind
    package var name: TableName
    /// The CREATE statement in the source's dialect.
    package var definition: String
    /// The column that a sequence goes with (PostgreSQL: OWNED BY).
    package var owner: Owner?

    package struct Owner: Sendable, Equatable {
        package var table: TableName
        package var column: String

        package init(table: TableName, column: String) {
            self.table = table
            self.column = column
        }
    }

    package init(kind: Kind, name: TableName, definition: String) {
        self.kind = kind
        self.name = name
        self.definition = definition
    }
}

/// Statements for the target, by when they run (DESIGN 6.11).
package struct SchemaPlan: Sendable {
    /// Before the rows: types, tables, keys, checks.
    package var beforeRows: [String] = []
    /// Right after the rows of a table: plain indexes, by source table id.
    package var afterRows: [UInt32: [String]] = [:]
    /// When the target is consistent: secondary unique indexes, foreign keys.
    package var whenConsistent: [String] = []
    /// Source ids of tables that are there already with unique keys besides the one that rows are
    /// found by: they are loaded through a staging table.
    package var staged: Set<UInt32> = []
    /// Per column: how a type is mapped, where it is not itself.
    package var mappings: [String] = []
    /// What does not fit: table there already and different, type that cannot be held.
    package var problems: [ReplicationError] = []

    package init() {}
}
