package import ReplicationModel

/// The source database: log, reads, and what the engine asks it beside them.
///
/// Every method blocks; callers are threads of their own (`WorkerThread`), never the default
/// executor. Methods may be called from several threads at once; each takes its own connection or
/// serialises inside. Errors are `ReplicationError`.
package protocol ReplicationSource: AnyObject, Sendable {
    /// Who this server is; stored, and compared by `resume` at every start (P20).
    func identity() throws -> SourceIdentity

    /// Whether the server keeps something for us, by name, that `drop` must remove: PostgreSQL's
    /// slot and publication.
    var keepsCapture: Bool { get }

    /// Every table that can be replicated: ordinary tables and partitioned roots, not their
    /// partitions, not system, temporary or Martlet's own tables (P35). Sorted.
    func listTables() throws -> [TableName]

    /// What these tables need at a target before they can be made, in an order that works.
    func prerequisites(of tables: [TableSchema]) throws -> [SchemaObject]

    /// What Martlet does not carry (views, functions, triggers, policies, grants, ...), by kind.
    func notCarried() throws -> [(kind: String, count: Int)]

    /// Looks at settings, privileges, tables; changes nothing. Findings in a stable order.
    func preflight(_ capture: CaptureNames, tables: [TableSchema]) throws -> [Finding]

    /// Counts the table's rows that have what is asked for; reads only. `whole` reads every row of
    /// a large table too (`ValueScan`).
    func census(_ table: TableSchema, _ questions: [ValueQuestion], whole: Bool) throws
        -> ValueCensus

    /// The statements that `check --install` runs as the installer: publication, identities.
    func installStatements(_ capture: CaptureNames, tables: [TableSchema]) throws -> [String]

    /// The least privileges the capture role needs (`check --print-grants`).
    func grantStatements(_ capture: CaptureNames, tables: [TableSchema]) throws -> [String]

    /// Runs `installStatements`.
    func install(_ capture: CaptureNames, tables: [TableSchema]) throws

    /// The current description of these tables, in the same order; a table that is gone is an
    /// error.
    func describe(_ tables: [TableName]) throws -> [TableSchema]

    /// Fingerprints by table id, for the comparison of DESIGN section 5.
    func fingerprints(of ids: [UInt32]) throws -> [UInt32: String]

    /// Makes what the server keeps for us, for exactly these tables. PostgreSQL: publication
    /// (first) and slot (second), which must not exist. MySQL and MariaDB: nothing. Returns where
    /// streaming starts, and the ids that the exported snapshot sees and a later snapshot does not:
    /// the first entries of the unseen list (DESIGN 6.1).
    func createCapture(_ capture: CaptureNames, tables: [TableName]) throws -> CaptureStart

    /// Takes over what somebody else made, so that streaming starts at `start`: everything that
    /// commits behind it can still be read, and the publication was there before. Makes nothing.
    func adoptCapture(_ capture: CaptureNames, at start: LogStart) throws -> CaptureStart

    /// What the server says of the slot now; nil if there is none, or the engine has no slots.
    func slotState(_ capture: CaptureNames) throws -> SlotState?

    /// Whether this server is `known` or its successor, and everything behind `place` can still be
    /// read from it; throws otherwise (P19, P20, P23, P24, B26). Returns where to go on: another
    /// place only when another server of the same history took over, found by its GTIDs.
    func resume(_ capture: CaptureNames, known: SourceIdentity, from place: LogPlace) throws
        -> LogPlace

    /// Drops the publication unless it was given.
    func dropPublication(_ capture: CaptureNames) throws

    func dropSlot(_ capture: CaptureNames) throws

    /// Starts reading the log at `start` (an end position of a transaction, or the consistent
    /// point). Transactions that end at or before `start` are not delivered, nor changes of other
    /// tables than those of `routes`. Values of other columns than the routes' are not delivered if
    /// the capture says nothing else.
    func openLog(_ capture: CaptureNames, routes: [TableRoute], from start: LogPlace) throws
        -> any ChangeSource

    /// What the snapshots of its readers tell, until the end of the attempt.
    func snapshotKind() throws -> SnapshotKind

    /// A connection of its own for reading table rows.
    func openReader(label: String) throws -> any TableReader

    /// For keys whose order only the source knows (DESIGN 6.8): for each key the number of `cuts`
    /// (ascending) that are strictly below it, that is, the index of its chunk.
    func locate(_ keys: [Key], in route: TableRoute, among cuts: [Key]) throws -> [Int]

    /// Marks a moment in the log: every transaction committed before the call is before the mark.
    /// PostgreSQL: a transactional logical message with prefix `martlet`, no table (P31), committed
    /// when this returns. MySQL and MariaDB, where nothing is written: the log's end.
    func mark(_ content: String) throws -> LogMark

    /// A snapshot of now, only to learn which transactions became visible. Not asked of a source
    /// whose snapshots are windows.
    func currentSnapshot() throws -> SourceSnapshot

    /// What `status` asks: the log's end, how much of it lies behind `applied`, the clock.
    func report(_ capture: CaptureNames, applied: LogPosition?) throws -> SourceReport
}

/// Reads the log and delivers decoded transactions.
///
/// - Order: commit order. Duplicates: after a reconnect transactions may come again; they carry the
///   same commit position. A transaction is delivered whole, in consecutive batches if large.
/// - Durability: nothing is confirmed to the source except through `confirm`. What a crash loses is
///   sent again.
/// - The reader keeps the link alive (status updates, keepalives) on its own thread however long
///   the consumer takes; it stops receiving while two batches wait.
/// - Shutdown: `close` ends the stream and deletes spool files; safe from any thread.
package protocol ChangeSource: AnyObject, Sendable {
    /// The next batch; nil if none came within `timeout` seconds. Throws what ended the stream.
    func next(timeout: Double) throws -> ChangeBatch?

    /// Everything that ends at or before `position` is durable at the target (I2).
    func confirm(_ position: LogPosition)

    /// Newest position received, confirmed or not; for `status` only.
    var received: LogPosition { get }

    /// Stops receiving; batches already received are still delivered by `next`.
    func close()
}

/// Reads rows of tables under snapshots of its own, on one connection, one chunk at a time.
package protocol TableReader: AnyObject {
    /// The key `rows` further than `lower` (exclusive) in the source's order, found by an index
    /// look-up; nil if fewer remain, so that the chunk is the last one, open above. Always nil for
    /// a route that `isOneChunk`.
    func cut(_ route: TableRoute, after lower: Key?, rows: Int) throws -> Key?

    /// Opens the chunk's transaction: ACCESS SHARE lock first, then the snapshot (DESIGN 6.3).
    /// Throws `.serverBusy`, like `cut`, when the table stays locked: ask again after `finish`.
    /// `rollback` must follow, or `finish`.
    ///
    /// A window's low position is read before the snapshot. Its high one is not valid before
    /// `settle`.
    func begin(_ route: TableRoute) throws -> ChunkSnapshot

    /// After `begin`, for a table without a key: lets other readers `join` its snapshot until
    /// `finish`, which is called only when they have all rows. Parts are about `rows` rows. nil if
    /// that is not possible, or not worth it: the table is read as a whole.
    func share(_ route: TableRoute, rows: Int) throws -> SharedRead?

    /// As `begin`, but under a snapshot that another reader shares, and whose lock on the table it
    /// holds. Throws `.snapshotGone` when that one has ended.
    func join(_ snapshot: String, _ route: TableRoute) throws

    /// Delivers the rows of `range` in COPY format, in blocks of whole rows of up to about 64 kB
    /// (one row may be larger). Bounds of a table without a key are pages. Returns the number of
    /// rows. Throws `.snapshotGone` when the server gave up the snapshot: the chunk is read again
    /// from its beginning.
    func copy(
        _ route: TableRoute, _ range: KeyRange, format: RowFormat,
        into sink: (UnsafeRawBufferPointer) throws -> Void
    ) throws -> Int64

    /// Ends the chunk's transaction.
    func finish() throws
    /// Returns when the source has flushed its log up to the chunk position: rows of asynchronous
    /// commits are visible before they are durable. Call after `finish`. A window has its high
    /// position now: for a table without a key the same as the low one, or the table is refused.
    func settle(_ chunk: ChunkSnapshot) throws -> ChunkSnapshot
    func close()
}

/// PostgreSQL's COPY text format is what rows look like between a reader and an applier.
package enum RowFormat: Sendable {
    /// Tab-separated, backslash escapes, `\N`: "File Formats, Text Format" of the COPY page.
    case copyText
    /// Binary COPY, only between two PostgreSQL servers and only for types with equal binary form.
    /// Without header and trailer: tuples only.
    case copyBinary
}

package enum SnapshotKind: Sendable { case visibility, window }

package struct ChunkSnapshot: Sendable {
    package let snapshot: SourceSnapshot
    /// The chunk position: every transaction that the snapshot may see commits at or before it.
    package let position: LogPosition
    package let fingerprint: String

    /// - Parameter position: the log's end, taken after the snapshot. A window's high position is
    ///   one already.
    package init(snapshot: SourceSnapshot, position: LogPosition, fingerprint: String) {
        self.snapshot = snapshot
        self.fingerprint = fingerprint
        if case .window(_, let high) = snapshot {
            self.position = max(position, high)
        } else {
            self.position = position
        }
    }
}

package struct CaptureNames: Sendable, Equatable {
    package var slot: String
    package var publication: String
    /// Made by somebody else (`publication:` in the pipeline file): used, never altered or dropped.
    package var publicationIsGiven = false

    package init(slot: String, publication: String, publicationIsGiven: Bool = false) {
        self.slot = slot
        self.publication = publication
        self.publicationIsGiven = publicationIsGiven
    }
}

package struct CaptureStart: Sendable {
    package var place: LogPlace
    package var unseen: [TransactionID]

    package init(place: LogPlace, unseen: [TransactionID] = []) {
        self.place = place
        self.unseen = unseen
    }
}

/// How a mark is met again in the log.
package enum LogMark: Sendable, Equatable {
    /// It comes by as a `LogicalMessage`.
    case message(String)
    /// It is passed when everything up to `position` is applied. `time` is when it was made, in
    /// microseconds since 1970 by the source's clock.
    case position(LogPosition, time: Int64)
}

package struct SourceIdentity: Sendable, Equatable, Codable {
    package var systemIdentifier: String
    package var timeline: Int
    package var database: String
    package var databaseID: UInt32
    package var version: String

    package init(
        systemIdentifier: String, timeline: Int, database: String, databaseID: UInt32,
        version: String
    ) {
        self.systemIdentifier = systemIdentifier
        self.timeline = timeline
        self.database = database
        self.databaseID = databaseID
        self.version = version
    }
}

package struct SlotState: Sendable {
    package var confirmed: LogPosition
    package var isActive: Bool
    package var activePID: Int32?
    /// `reserved`, `extended`, `unreserved`, `lost`.
    package var walStatus: String
    package var plugin: String
    package var database: String
    package var isTwoPhase: Bool
    package var invalidationReason: String?

    package init(
        confirmed: LogPosition, isActive: Bool, activePID: Int32?, walStatus: String,
        plugin: String, database: String, isTwoPhase: Bool, invalidationReason: String?
    ) {
        self.confirmed = confirmed
        self.isActive = isActive
        self.activePID = activePID
        self.walStatus = walStatus
        self.plugin = plugin
        self.database = database
        self.isTwoPhase = isTwoPhase
        self.invalidationReason = invalidationReason
    }
}

package struct SourceReport: Sendable {
    package var position: LogPosition
    /// Bytes of log that the server keeps for our slot; nil where it keeps none for us.
    package var retainedBytes: Int64?
    /// Bytes of log between what is applied and the end; nil if it cannot be told.
    package var backlogBytes: Int64?
    /// Microseconds since 1970 by the source's clock.
    package var now: Int64

    package init(
        position: LogPosition, retainedBytes: Int64?, backlogBytes: Int64? = nil, now: Int64
    ) {
        self.position = position
        self.retainedBytes = retainedBytes
        self.backlogBytes = backlogBytes
        self.now = now
    }
}
