package import ReplicationModel

/// Decides, for every change of the stream, what it means to tables that are being loaded
/// (DESIGN section 6). Handed decoded transactions by the stream and chunks by the load workers;
/// hands back what to apply. Does no I/O: its owner keeps it behind one `Monitor`, and every method
/// is one critical section.
///
/// States of a unit (chunk or key-chunk), and what a change of one of its keys becomes:
///
///     pending   dropped: a later snapshot contains it, because it must see the unseen list
///     copying   parked with the unit
///     closing   kept; its batch begins at the target only when the unit's commit is known
///     copied    kept; applied if the unit's snapshot does not see its transaction
///               and its commit position is after `closedAt`; so that it is right
///               either way, if the snapshot cannot tell
///
/// A chunk beside the stream; time runs down, | is where the two meet:
///
///     worker                          stream
///     claim: copying, note unseen
///     snapshot S (must see unseen)    judge T1: parked (S sees it: dropped at closing)
///     rows -> target                  judge T2: parked (S does not: applied at closing)
///     close: take parked,        |    between two transactions
///       closedAt = T2            |
///     apply T2, journal, commit       judge T3: kept, waits for the commit
///     committed: copied               plan T3: not seen by S, after closedAt: applied
///
/// A table whose target has unique keys of its own is *staged*: its rows, its parked changes and
/// the stream's changes would otherwise meet as rows of different moments. Its unit closes only
/// when the target has everything judged, which includes all that its snapshot can see:
///
///     worker                          stream
///     snapshot S at position P
///     rows -> staging                 judge T1: parked; commit T1
///     waits to close                  judge T2: parked; commit T2, past P
///                                |    close: closedAt = T2, which the target has
///     T1, T2 unless S sees them
///       -> staging; move; commit      judge T3: kept, waits for the commit if it touches the unit
///
/// Why the stream closes it, and not the worker: between two batches of a busy stream the worker
/// would never be awake in time.
///
/// Why visibility and not log positions: a transaction's rows may become visible long after its
/// commit record was decoded (P36), so "position before the snapshot" does not say "in the
/// snapshot". Why `closedAt` as well: T2 is in the chunk although S does not see it.
///
/// A source whose snapshots do not tell what they see gives a window of positions instead (DESIGN
/// 6.6). L is a position whose transactions were all visible before the snapshot; H is taken after
/// it, so that nothing it sees commits later:
///
///     worker                          stream
///     claim: copying, note T0         judged up to T0
///     L (must be at or after T0)
///     snapshot, then H                T1 at or before L: parked, dropped at closing
///     close, commit: copied           T2 between: parked or kept, applied idempotently
///                                     T3 after H: strict; the window is forgotten
///
/// Between L and H the chunk's rows may be newer than the stream: they go back and forth until the
/// stream has passed H, which it has before the table is live.
package struct MergeLedger: Sendable {
    /// By route index; nil once the table is live.
    package internal(set) var tables: [TableLoad?]
    /// Streamed transactions that no snapshot has been seen to contain yet (DESIGN 6.4).
    package internal(set) var unseen: Set<UInt32>
    /// Where the last transaction judged whole is committed.
    package internal(set) var lastJudged: LogPosition
    /// Commit position of the last transaction with changes that was judged, even in part.
    package internal(set) var streamed: LogPosition
    /// Windows need no unseen list: positions say what was streamed.
    let kind: SnapshotKind
    let cascades: CascadeMap
    /// Parts of one transaction are being judged: nothing may close in between.
    package var isMidTransaction = false
    /// Transactions are judged, or about to be, that the target does not have: no staged unit may
    /// close.
    package var isAhead = false
    package internal(set) var counters = LoadCounters()

    package init(
        tables: [TableLoad?], unseen: Set<UInt32>, lastJudged: LogPosition,
        kind: SnapshotKind, cascades: CascadeMap = CascadeMap()
    ) {
        self.tables = tables
        self.cascades = cascades
        self.unseen = kind == .visibility ? unseen : []
        self.lastJudged = lastJudged
        self.kind = kind
        streamed = lastJudged
    }

    package var isLoading: Bool { tables.contains { $0 != nil } }
    package var hasClosing: Bool {
        tables.contains { $0?.hasClosing ?? false }
    }
    package var hasStagedClosing: Bool {
        tables.contains { load in
            load.map { $0.isStaged && $0.hasClosing } ?? false
        }
    }

    package func load(_ route: Int) -> TableLoad? { tables[route] }
    package var staged: Set<Int> {
        Set(tables.indices.filter { tables[$0]?.isStaged ?? false })
    }
    package mutating func update(_ route: Int, _ body: (inout TableLoad) -> Void) {
        guard var load = tables[route].take() else { return }
        defer { tables[route] = load }
        body(&load)
    }

    /// What the source said about keys is used; cuts may be added again.
    mutating func thaw(_ route: Int) {
        update(route) {
            $0.cutsAreFrozen = false
            $0.located = [:]
        }
    }

    package mutating func becomesLive(_ route: Int) {
        tables[route] = nil
        if !isLoading { unseen = [] }
    }

    /// Forgets what this snapshot sees: visible once is visible for ever.
    package mutating func prune(by snapshot: SourceSnapshot) {
        guard case .visibility(let visible) = snapshot else { return }
        unseen = unseen.filter { !visible.sees($0) }
    }
}

/// How often each decision was met; printed at the end of a run.
package struct LoadCounters: Sendable, Codable, Equatable {
    package var notYetCopied = 0
    package var copying = 0
    package var closing = 0
    package var copiedSeen = 0
    package var copiedUnseen = 0
    package var copiedBetween = 0
    package var keyChangesForward = 0
    package var keyChangesBackward = 0
    package var keyChunks = 0
    package var truncates = 0
    package var snapshotsRetaken = 0
    /// Keys that changes needed before all rows were in.
    package var keysMadeEarly = 0
    package init() {}
}
