import ReplicationEngine
import ReplicationModel

/// What one configuration of the model contains.
struct ModelOptions: Sendable, CustomStringConvertible {
    /// Changes may leave a large value out, as the log does for unchanged TOAST (P01).
    var hasToast = false
    /// Few keys, mostly key changes that leave the large value out, many kills.
    var isMoveHeavy = false
    var hasTruncate = false
    /// A second table, without a key, in the same transactions.
    var hasKeyless = false
    /// Some transactions come in several batches.
    var hasParts = false
    /// The first table's keys are ordered by the source only.
    var asksSource = false
    /// The first table's values are unique, and its target has a unique key on them from the start.
    var hasUnique = false
    /// The first table gets its key at the target behind its rows.
    var hasLateKey = false
    /// The first table's values refer to a table whose changes alone are in the log.
    var cascades: UnloggedActions?
    var source = ModelSourceKind.visibility
    var workers = 2
    /// One rule is not followed, to show that the model notices.
    var takenAway: Rule?

    var description: String {
        var words = source == .visibility ? [] : [source.rawValue]
        if hasToast { words.append("TOAST") }
        if isMoveHeavy { words.append("mostly key changes") }
        if hasTruncate { words.append("TRUNCATE") }
        if hasKeyless { words.append("a keyless table") }
        if hasParts { words.append("parts") }
        if asksSource { words.append("keys the source orders") }
        if hasUnique { words.append("unique values") }
        if hasLateKey { words.append("a late key") }
        if let cascades {
            words.append("DELETE \(cascades.onDelete) and UPDATE \(cascades.onUpdate) unlogged")
        }
        words.append("\(workers) worker" + (workers == 1 ? "" : "s"))
        if let takenAway { words.append("without \(takenAway.rawValue)") }
        return words.joined(separator: ", ")
    }

    func without(_ rule: Rule) -> ModelOptions {
        var copy = self
        copy.takenAway = rule
        return copy
    }
}

/// What the source's snapshots tell, and in which order its transactions become visible.
enum ModelSourceKind: String, Sendable {
    /// Which transactions are visible; in any order.
    case visibility
    /// Positions before and after the snapshot; visible in any order (MySQL).
    case window = "windows"
    /// The position of the snapshot itself; visible in the log's order (MariaDB).
    case exact = "exact positions"
    /// What has been replayed, which lags a little; visible in the log's order (a standby). Locks
    /// are held at the primary, until the commit there.
    case standby = "a standby"

    var isOrdered: Bool { self == .exact || self == .standby }
    var snapshots: SnapshotKind { self == .visibility ? .visibility : .window }
}

/// Rules of the merge that the model can leave out, one at a time.
enum Rule: String, Sendable, CaseIterable {
    case visibilityCheck = "the visibility check of snapshots"
    case waitForClosing = "waiting for a closing chunk"
    case closedAt = "the position of closing"
    case firstUnseen = "the unseen entries from before the slot"
    case storedUnseen = "the unseen list in the checkpoint"
    case keyChunkJournal = "the journal rows of pending key-chunks"
    case keyChunks = "key-chunks"
    case recordOverPending = "the order of a chunk's row and its pending key-chunks"
    case void = "voiding chunks at TRUNCATE"
    case hold = "holding the load until TRUNCATE is committed"
    case tableLock = "the lock before a chunk's snapshot"
    case journalWithWipe = "wipe and journal in one transaction"
    case journalWithRows = "a chunk's rows and journal in one transaction"
    case wholeTransactions = "closing only between transactions"
    case livePosition = "waiting for the chunk position before live"
    case liveClosedAt = "waiting for the closing position before live"
    case frozenCuts = "freezing cuts while the source is asked"
    case mergePassed = "merging only chunks that the stream has passed"
    case stagedClosing = "the closing rule of staged chunks"
    case stagedPosition = "waiting for the chunk position before a staged chunk closes"
    case stagedStill = "closing a staged chunk only when the target has all that is judged"
    case staging = "staging"
    case lowVisible = "a low position whose transactions are all visible"
    case lowFirst = "the low position before the snapshot"
    case highLast = "the high position after the snapshot"
    case highGreater = "a high position that the standby had not reached"
    case idempotence = "deleting first what may be there"
    case missingUpdate = "passing an incomplete update of a missing row"
    case highPassed = "passing the high position before live"
    case partStreamed = "the position of a transaction judged in part"
    case oneSnapshot = "one snapshot for all parts of a table"
    case partsEmptied = "emptying a table that was copied in part"
    case partsWaited = "waiting for the commit of a part"
    case cascadeParked = "keeping what others refer to with a chunk that is being copied"
    case cascadeOwnRows = "changing only a closing chunk's own rows"
    case cascadeJudged = "judging each row that refers to a changed one"
    case cascadeClosing = "waiting for every closing chunk of a table that refers to another"
    case cascadeOrder = "changing what refers to a row before anything later"
    case keyFirst = "the key before the first change that needs it"
    case keyVoid = "giving up chunks of a table that gets its key"
    case keyStill = "starting nothing of a table that gets its key"
    case judgedPosition = "the checkpoint as the last position judged"
}

extension UnloggedActions {
    static let follows = UnloggedActions(onDelete: .cascade, onUpdate: .cascade)
    static let deletes = UnloggedActions(onDelete: .cascade, onUpdate: .setNull)
    static let sets = UnloggedActions(onDelete: .setNull, onUpdate: .setNull)
}
