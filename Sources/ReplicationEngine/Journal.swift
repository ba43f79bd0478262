package import ReplicationModel

package struct ChangeCounts: Sendable, Equatable {
    package var inserts: Int64 = 0
    package var updates: Int64 = 0
    package var deletes: Int64 = 0

    package init() {}

    package mutating func count(_ operation: Change.Operation) {
        switch operation {
        case .insert: inserts += 1
        case .update: updates += 1
        case .delete: deletes += 1
        case .truncate: break
        }
    }
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
    /// See `LogPlace`.
    package var readFrom: GTIDSet?
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
        (gtids, readFrom) = (place.gtids, place.readFrom)
    }

    package var place: LogPlace {
        LogPlace(position: position, gtids: gtids, readFrom: readFrom)
    }

    /// Every transaction that commits at or before it is applied. A binlog's commit positions are
    /// of first events: nothing else begins before the end. Commit records may stand side by side.
    package var passed: LogPosition {
        switch position.form {
        case .lsn: commitPosition
        case .binlog: position
        }
    }
}
