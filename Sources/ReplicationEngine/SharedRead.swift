package import ReplicationModel

/// A table without a key, read in parts by all load workers under one snapshot (DESIGN 6.9).
///
/// Its changes belong to no part, since nobody can tell in which one a row was: the table stays one
/// unit of the merge, with one visibility, one list of parked changes and one closing. Only its
/// rows go to the target in several transactions. L leads and holds snapshot and lock, H helps:
///
///     L                               H                            stream
///     claim: copying
///     lock, snapshot S, share it                                   T1: parked
///     part 1 under S                  joins S, part 2
///     commit: rows, "copied in part"
///                                     commit: the same             T2: parked
///     all parts are in: close
///     parked unless S sees them, journal, commit                   T3: kept
///
/// "Copied in part" is the unit's journal row without a seal. S is gone with the process that held
/// it: a start that finds such a row empties the table and begins it again. Within a run nothing
/// takes S away but the end of the attempt, or a TRUNCATE, which empties the table too and waits
/// until no part is being committed.
package struct SharedRead: Sendable {
    /// What other sessions join it by.
    package let snapshot: String
    /// Pages of the table, and how many of them are a part.
    let pages: Int
    let partPages: Int

    package init(snapshot: String, pages: Int, partPages: Int) {
        self.snapshot = snapshot
        self.pages = pages
        self.partPages = max(1, partPages)
    }

    package var count: Int { max(1, (pages + partPages - 1) / partPages) }

    /// The bounds are numbers of pages. The last part is open: the table may have grown between
    /// snapshot and count.
    package func range(_ part: Int) -> KeyRange {
        func page(_ part: Int) -> Key { Key(texts: [String(part * partPages)]) }
        return KeyRange(
            after: part == 0 ? nil : page(part), through: part + 1 == count ? nil : page(part + 1))
    }
}

/// A part of a unit, for one worker and one target transaction.
package struct PartWork: Sendable {
    package let unit: ChunkWork
    package let index: Int
    package let range: KeyRange
    /// What to join; the worker that leads has it already.
    package let snapshot: String
}

/// What the worker that leads may do next.
package enum PartStep: Sendable {
    case copy(PartWork)
    /// All parts are in.
    case finished(rows: Int64)
}

/// Who has which part of a unit. Only counts are kept: a large table has very many parts.
struct SharedParts: Sendable {
    let unit: ChunkWork
    let shared: SharedRead
    private var next = 0
    private var returned: [Int] = []
    private(set) var committing = 0
    private var committed = 0
    /// Rows of parts that are committed, or about to be.
    private(set) var rows: Int64 = 0

    init(_ unit: ChunkWork, _ shared: SharedRead) {
        self.unit = unit
        self.shared = shared
    }

    var isFinished: Bool { committed == shared.count }

    mutating func take() -> PartWork? {
        let index: Int
        if let back = returned.popLast() {
            index = back
        } else if next < shared.count {
            index = next
            next += 1
        } else {
            return nil
        }
        return PartWork(
            unit: unit, index: index, range: shared.range(index), snapshot: shared.snapshot)
    }

    mutating func giveBack(_ part: PartWork) { returned.append(part.index) }

    mutating func commits(_ rows: Int64) {
        committing += 1
        self.rows += rows
    }

    mutating func didCommit() {
        committing -= 1
        committed += 1
    }
}

extension MergeLedger {
    /// The unit's rows are read in parts from now on, by whoever asks for work.
    package mutating func share(_ work: ChunkWork, _ shared: SharedRead) {
        guard isValid(work) else { return }
        tables[work.route]?.parts = SharedParts(work, shared)
    }

    package func isShared(_ work: ChunkWork) -> Bool { tables[work.route]?.parts != nil }

    /// The next part for the worker that leads; nil: others have the rest.
    package mutating func nextPart(of work: ChunkWork) -> PartStep? {
        guard isValid(work), let parts = tables[work.route]?.parts else { return nil }
        if let part = tables[work.route]?.parts?.take() { return .copy(part) }
        return parts.isFinished ? .finished(rows: parts.rows) : nil
    }

    /// A part that could not be read: somebody else takes it.
    package mutating func giveBack(_ part: PartWork) {
        guard isValid(part.unit) else { return }
        tables[part.unit.route]?.parts?.giveBack(part)
    }

    /// Whether the part's transaction may commit, and the journal row that it carries. A TRUNCATE
    /// that is judged after this waits for `partCommitted`.
    package mutating func commit(_ part: PartWork, rows: Int64) -> ChunkRecord? {
        let work = part.unit
        guard isValid(work) else { return nil }
        tables[work.route]?.parts?.commits(rows)
        guard let load = tables[work.route], let parts = load.parts else { return nil }
        return ChunkRecord(
            table: load.route.source.id, id: work.id, range: work.range, isKeyChunk: false,
            seal: nil, rows: parts.rows)
    }

    /// Also after the unit became void: the table's load starts again only behind this.
    package mutating func partCommitted(_ part: PartWork) {
        tables[part.unit.route]?.parts?.didCommit()
        let rows = tables[part.unit.route]?.parts?.rows ?? 0
        guard isValid(part.unit), var unit = tables[part.unit.route]?[part.unit.place] else {
            return
        }
        unit.rows = rows
        tables[part.unit.route]?[part.unit.place] = unit
    }
}
