import ReplicationEngine
import ReplicationModel

/// The values of a row beside its key.
struct ModelRow: Hashable, Sendable {
    var value: String
    var large: String
}

/// One change as the source made it. Rows of the keyless table have ids that only the source knows.
struct SourceChange: Hashable, Sendable {
    var table: Int
    var operation: Change.Operation
    var old: Int?
    var new: Int?
    var oldRow: ModelRow?
    var newRow: ModelRow?
    /// The log does not repeat the large value.
    var isIncomplete = false
    /// A change of the table that the first one refers to.
    var parent: ParentChange?
}

/// What rows of the first table refer to is deleted, or becomes `new`.
struct ParentChange: Hashable, Sendable {
    var old: String
    var new: String?
    /// Without doing anything to rows that refer to it.
    var isUnchecked = false
    var actions: UnloggedActions

    var values: [String] { [old, new].compactMap(\.self) }

    func apply(to rows: inout [Int: ModelRow]) {
        let action = new == nil ? actions.onDelete : actions.onUpdate
        guard !isUnchecked, action != .none else { return }
        for (key, row) in rows where row.value == old {
            // NULL is the empty value.
            let value = action == .setNull ? "" : new
            rows[key] = value.map { ModelRow(value: $0, large: row.large) }
        }
    }
}

struct SourceTransaction: Sendable {
    var xid: UInt64
    var changes: [SourceChange]
    /// How many batches it comes in.
    var parts = 1
}

/// What a chunk reads under.
struct ModelSnapshot: Sendable {
    var chunk: ChunkSnapshot
    var visible: Set<UInt64>
    /// A window's high position is known.
    var isSettled = true
}

/// The source: a log whose transactions become visible later than they are in it, in any order;
/// row locks and table locks that are held until then (P36).
struct ModelSource: Sendable {
    struct Lock: Hashable, Sendable {
        var table: Int
        var key: Int?
        var value: String?
    }

    static let firstXID: UInt64 = (1 << 32) - 3

    let options: ModelOptions
    var committed: [[Int: ModelRow]] = [[:], [:]]
    private(set) var base: [[Int: ModelRow]] = [[:], [:]]
    var log: [SourceTransaction] = []
    var visible: Set<UInt64> = []
    /// Standby: transactions that count as replayed; one more may be visible.
    var replayed = 0
    var holders: [Lock: UInt64] = [:]
    /// Chunk readers that hold a table's lock.
    var readers = [0, 0]
    var nextXID = Self.firstXID
    /// Ids that were given to transactions which have not committed.
    var spareXIDs: [UInt64] = []
    var nextRowID = 1000

    init(_ options: ModelOptions, rows: [[Int: ModelRow]]) {
        self.options = options
        committed = rows
        base = rows
    }

    var tableCount: Int { options.hasKeyless ? 2 : 1 }
    var hidden: [UInt64] { log.map(\.xid).filter { !visible.contains($0) } }

    static func commitPosition(_ index: Int) -> LogPosition {
        LogPosition(rawValue: UInt64(index + 1) * 100)
    }
    /// Where the log ends now.
    var insertPosition: LogPosition { end(log.count) }

    func isHidden(_ xid: UInt64) -> Bool { !visible.contains(xid) }

    /// Transactions at the log's start that are visible.
    var visiblePrefix: Int { log.prefix { visible.contains($0.xid) }.count }

    /// False: cannot become visible now.
    mutating func show(_ xid: UInt64) -> Bool {
        guard options.source.isOrdered else { return visible.insert(xid).inserted }
        guard let next = log.first(where: { isHidden($0.xid) }), next.xid == xid else {
            return false
        }
        if options.source == .standby {
            // The replay of a TRUNCATE waits for readers, and comes after what was before it.
            guard !(0..<tableCount).contains(where: { next.truncates($0) && readers[$0] > 0 })
            else { return false }
            replayed = visiblePrefix
        }
        return visible.insert(xid).inserted
    }

    /// A TRUNCATE that is in the log keeps its lock until it is visible.
    func isTruncating(_ table: Int) -> Bool {
        options.source != .standby
            && log.contains { isHidden($0.xid) && $0.truncates(table) }
    }

    func isTouchedByHidden(_ table: Int) -> Bool {
        options.source != .standby
            && log.contains {
                isHidden($0.xid)
                    && $0.changes.contains { $0.table == table || $0.parent != nil && table == 0 }
            }
    }

    func isFree(_ table: Int, _ key: Int) -> Bool {
        if options.source == .standby { return true }
        return holders[Lock(table: table, key: key)].map { visible.contains($0) } ?? true
    }

    /// A unique value that was taken or given up is held as a row is.
    func isFree(_ value: String) -> Bool {
        holders[Lock(table: 0, value: value)].map { visible.contains($0) } ?? true
    }

    mutating func commit(_ transaction: SourceTransaction) {
        for change in transaction.changes {
            defer { change.apply(to: &committed) }
            for key in keys(touchedBy: change) {
                holders[Lock(table: change.table, key: key)] = transaction.xid
            }
            for value in change.parent?.values ?? [] where options.hasUnique {
                holders[Lock(table: 0, value: value)] = transaction.xid
            }
            guard options.hasUnique, change.table == 0 else { continue }
            for row in [change.oldRow, change.newRow].compactMap(\.self) {
                holders[Lock(table: 0, value: row.value)] = transaction.xid
            }
        }
        log.append(transaction)
    }

    private func keys(touchedBy change: SourceChange) -> [Int] {
        guard let parent = change.parent else {
            return [change.old, change.new].compactMap(\.self)
        }
        return committed[0].filter { $0.value.value == parent.old }.map(\.key)
    }

    mutating func takeXID() -> UInt64 {
        nextXID += 1
        return nextXID - 1
    }

    // MARK: Reads

    /// After `count` transactions and before the next one.
    private func end(_ count: Int) -> LogPosition {
        LogPosition(rawValue: UInt64(count) * 100 + 50)
    }

    /// A window's low position, read before its snapshot.
    func low() -> LogPosition {
        if options.takenAway == .lowVisible { return end(log.count) }
        return end(options.source == .standby ? replayed : visiblePrefix)
    }

    /// The snapshot of a window; its high position comes later.
    func window(_ low: LogPosition) -> ModelSnapshot {
        var (low, high) = (low, end(options.source == .standby ? replayed : log.count))
        if options.source == .exact { (low, high) = (end(visiblePrefix), end(visiblePrefix)) }
        if options.takenAway == .highLast { high = low }
        let isSettled =
            options.source == .exact || options.takenAway == .highLast
            || (options.source == .standby && options.takenAway == .highGreater)
        return ModelSnapshot(
            chunk: ChunkSnapshot(
                snapshot: .window(low: low, high: max(low, high)), position: .zero,
                fingerprint: ""),
            visible: visible, isSettled: isSettled)
    }

    /// nil: not yet to be known.
    func settle(_ snapshot: ModelSnapshot) -> ModelSnapshot? {
        guard !snapshot.isSettled, case .window(let before, let first) = snapshot.chunk.snapshot
        else { return snapshot }
        let low = options.takenAway == .lowFirst ? self.low() : before
        let high = end(options.source == .standby ? replayed : log.count)
        guard options.source != .standby || high > first else { return nil }
        return ModelSnapshot(
            chunk: ChunkSnapshot(
                snapshot: .window(low: low, high: high), position: high, fingerprint: ""),
            visible: snapshot.visible)
    }

    /// As PostgreSQL makes it: `xmax` is one past the highest id that has ended; ids at or above it
    /// are not listed although they run.
    func snapshot() -> ModelSnapshot {
        let end = (visible.max() ?? Self.firstXID - 1) + 1
        let running = (Self.firstXID..<max(end, Self.firstXID)).filter { !visible.contains($0) }
        let visibility = Visibility(
            xmin: TransactionID(rawValue: running.first ?? end), xmax: TransactionID(rawValue: end),
            running: Set(running.map { TransactionID(rawValue: $0) }))
        return ModelSnapshot(
            chunk: ChunkSnapshot(
                snapshot: .visibility(visibility), position: insertPosition, fingerprint: ""),
            visible: visible)
    }

    func rows(_ table: Int, seenBy visible: Set<UInt64>) -> [Int: ModelRow] {
        var rows = base
        for transaction in log where visible.contains(transaction.xid) {
            for change in transaction.changes
            where change.table == table || change.parent != nil && table == 0 {
                change.apply(to: &rows)
            }
        }
        return rows[table]
    }

    /// Without the lock, a TRUNCATE after the snapshot leaves an old snapshot nothing to read.
    /// On a standby the file is emptied when the TRUNCATE is replayed.
    func isEmptied(_ table: Int, after visible: Set<UInt64>) -> Bool {
        log.contains {
            !visible.contains($0.xid) && $0.truncates(table)
                && (options.source != .standby || !isHidden($0.xid))
        }
    }

    /// The key `rows` further than `lower`; nil if fewer remain.
    func cut(_ table: Int, after lower: Key?, rows: Int) -> Key? {
        let above = self.rows(table, seenBy: visible).keys.sorted()
            .filter { $0 > lower?.number ?? Int.min }
        return above.count > rows ? Key(number: above[rows - 1]) : nil
    }
}

extension SourceTransaction {
    func truncates(_ table: Int) -> Bool {
        changes.contains { $0.table == table && $0.operation == .truncate }
    }
}

extension SourceChange {
    func apply(to rows: inout [[Int: ModelRow]]) {
        if let parent {
            parent.apply(to: &rows[0])
            return
        }
        if operation == .truncate { rows[table] = [:] }
        if let old { rows[table][old] = nil }
        if let new { rows[table][new] = newRow }
    }
}

extension Key {
    init(number: Int) { self.init(texts: [String(number)]) }
    var number: Int { Int(texts[0]) ?? 0 }
}

extension KeyRange {
    func contains(_ number: Int) -> Bool {
        if isSingleKey { return upper?.number == number }
        return number > lower?.number ?? Int.min && number <= upper?.number ?? Int.max
    }
}
