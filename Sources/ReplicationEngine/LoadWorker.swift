import Foundation
internal import ReplicationModel

/// Copies chunks: handed units by the ledger, hands rows and parked changes to the target in one
/// transaction a chunk. Two connections of its own, one to each end; runs on its own thread.
///
/// Order inside a chunk: claim, lock and snapshot, rows, end of the source transaction, wait until
/// the source has flushed the chunk position, close, parked changes, journal, commit. A chunk whose
/// table's load starts again meanwhile is rolled back and forgotten.
///
/// Of a staged table, rows and parked changes go to a staging table of the session, and are moved
/// at the end. Its target transaction begins only when the unit has closed: before, the unit waits
/// for the stream, which may be the only other writer that the target can have.
///
/// A table without a key is read by all workers under one snapshot (`SharedRead`): its rows are in
/// before the unit's own target transaction begins.
struct LoadWorker {
    let name: String
    let routes: [TableRoute]
    let chunkRows: Int
    let reader: any TableReader
    let applier: any ChangeApplier
    let state: Monitor<RunState>
    let spool: ParkedSpool
    /// Where keys lie whose order only the source knows.
    let locate: ([Key], TableRoute, [Key]) throws -> [Int]
    /// Makes the plain indexes of a route, in a transaction that says so.
    let index: (Int) throws -> Void
    /// Has the source commit something, so that the stream comes by.
    let beat: () throws -> Void

    struct Voided: Error {}

    /// Works until nothing is left or the attempt ends.
    func run() throws {
        while !state.with(\.isStopping) {
            switch state.with({ $0.ledger.nextStep() }) {
            case .copy(let work): try copy(work)
            case .help(let part): try help(part)
            case .cut(let route, let lower, let generation): try cut(route, lower, generation)
            case .index(let route): try index(route)
            case .wait: _ = state.wait(timeout: 0.1) { $0.isStopping ? true : nil }
            case .finished: return
            }
        }
    }

    private func cut(_ route: Int, _ lower: Key?, _ generation: Int) throws {
        guard let upper = try findCut(route, lower) else { return }
        var step: LoadStep?
        while step == nil {
            step = state.wait(timeout: 1) { state -> LoadStep? in
                if state.isStopping { return .wait }
                guard state.ledger.mayAddCut(route) else { return nil }
                return state.ledger.addCut(route, through: upper, generation)
            }
        }
        if case .copy(let work) = step { try copy(work) }
    }

    /// nil: the attempt ends.
    private func findCut(_ route: Int, _ lower: Key?) throws -> Key?? {
        defer { state.with { $0.note(nil, by: name) } }
        while !state.with(\.isStopping) {
            let found = try unlessLocked {
                try reader.cut(routes[route], after: lower, rows: chunkRows)
            }
            if let found { return .some(found) }
        }
        return nil
    }

    /// nil: somebody holds the table at the source, or its snapshot was taken away, which is no
    /// reason to stop the stream: it is asked again.
    func unlessLocked<Result>(_ read: () throws -> Result) throws -> Result? {
        do { return try read() } catch let error as ReplicationError
            where error.kind == .serverBusy || error.kind == .snapshotGone
        {
            try reader.finish()
            state.with { $0.note("source: a table is locked (\(error.why))", by: name) }
            return nil
        }
    }

    private func copy(_ work: ChunkWork) throws {
        guard let chunk = try openSnapshot(work) else { return }
        Failpoint.hit(.chunkCopying)
        do {
            let rows = try copyParts(work) ?? copyWhole(work)
            try reader.finish()
            let chunk = try settle(chunk, routes[work.route])
            Failpoint.hit(.chunkRowsWritten)
            if work.isStaged { try beat() }
            try finish(work, chunk, rows: rows)
        } catch is Voided {
            applier.rollback()
            try reader.finish()
        } catch let error as ReplicationError
            where error.kind == .snapshotGone && !state.with({ $0.ledger.isShared(work) })
        {
            applier.rollback()
            try reader.finish()
            state.with { state in
                state.ledger.chunkFailed(work)
                state.note("source: a chunk is read again (\(error.why))", by: name)
            }
        }
    }

    /// The unit's state was `copying` before this snapshot, which must see every unseen entry; it
    /// is taken again until it does. nil: the attempt ends or the unit is void.
    private func openSnapshot(_ work: ChunkWork) throws -> ChunkSnapshot? {
        defer { state.with { $0.note(nil, by: name) } }
        while true {
            guard let chunk = try unlessLocked({ try reader.begin(routes[work.route]) }) else {
                guard state.with({ !$0.isStopping && $0.ledger.isValid(work) }) else { return nil }
                continue
            }
            try compareShape(chunk, routes[work.route])
            let goOn = state.with { state -> Bool? in
                guard !state.isStopping, state.ledger.isValid(work) else { return nil }
                state.ledger.prune(by: chunk.snapshot)
                return state.ledger.isComplete(chunk.snapshot, for: work)
            }
            if goOn == true { return chunk }
            try reader.finish()
            guard goOn == false else { return nil }
            state.with { $0.note("source: commits not yet visible to a new snapshot", by: name) }
            _ = state.wait(timeout: 0.02) { $0.isStopping ? true : nil }
        }
    }

    private func compareShape(_ chunk: ChunkSnapshot, _ route: TableRoute) throws {
        guard Fingerprint(chunk.fingerprint).shape != Fingerprint(route.source.fingerprint).shape
        else { return }
        throw ReplicationError.unseenChange(route.source.name, position: chunk.position)
    }

    /// Rows without a key cannot be put right later: what was seen must be known.
    private func settle(_ chunk: ChunkSnapshot, _ route: TableRoute) throws -> ChunkSnapshot {
        let chunk = try reader.settle(chunk)
        if route.isKeyless, case .window(let low, let high) = chunk.snapshot, low < high {
            throw ReplicationError(
                .unsupported, "copy rows", position: low, table: route.source.name,
                why: "it has no key, and the source cannot tell which rows a read of it saw",
                try: "give it a primary key, or take it out of the pipeline")
        }
        return chunk
    }

    private func copyWhole(_ work: ChunkWork) throws -> Int64 {
        if !work.isStaged { try applier.begin() }
        return try copyRows(work, work.range)
    }

    func copyRows(_ work: ChunkWork, _ range: KeyRange) throws -> Int64 {
        let route = routes[work.route]
        let format = applier.rowFormats(route: work.route).first ?? .copyText
        try applier.beginRows(route: work.route, format: format)
        let read = try reader.copy(route, range, format: format) { block in
            guard state.with({ !$0.isStopping && $0.ledger.isValid(work) }) else { throw Voided() }
            try applier.writeRows(block)
        }
        let stored = try applier.endRows()
        guard stored == read else {
            throw ReplicationError(
                .rowConflict, "copy rows", table: route.source.name,
                why: "\(read) rows were read and \(stored) stored",
                try: "look for triggers or rules at the target table \(route.target)")
        }
        return read
    }

    /// Closes between two stream transactions, applies what was parked, commits with the journal.
    private func finish(_ work: ChunkWork, _ chunk: ChunkSnapshot, rows: Int64) throws {
        var plan = try close(work, chunk)
        Failpoint.hit(.chunkClosing)
        if work.isStaged { try applier.begin() }
        try applyParked(&plan, work)
        if work.isStaged { try applier.moveStaged(route: work.route) }
        Failpoint.hit(.chunkParkedApplied)
        let (record, keyChunks, merge) = state.with { [plan] state in
            (
                state.ledger.record(work, chunk, closedAt: plan.closedAt, rows: rows),
                state.ledger.keyChunkRecords(plan, work),
                state.ledger.mergeNeighbours(
                    work.route, applied: state.checkpoint.passed)
            )
        }
        try applier.record(([record] + keyChunks).map { .chunk($0) })
        if let merge { try self.record(merge) }
        try applier.commit(nil, durable: true)
        Failpoint.hit(.chunkCommitted)
        state.with { state in
            state.ledger.chunkCommitted(work, record, keyChunks: keyChunks)
            state.tables[work.route].rowsCopied = state.ledger.load(work.route)?.rowsCopied ?? 0
        }
        if let merge { settle(merge, work) }
    }

    private func record(_ merge: TableLoad.Merge) throws {
        try applier.record([
            .removeChunks(table: merge.record.table, ids: merge.removed), .chunk(merge.record),
        ])
    }

    private func settle(_ merge: TableLoad.Merge, _ work: ChunkWork) {
        while state.wait(timeout: 1, until: { $0.ledger.merged(merge, work) ? true : nil }) == nil {
        }
    }

    private func applyParked(_ plan: inout ClosingPlan, _ work: ChunkWork) throws {
        for stored in plan.parked.stored {
            switch stored {
            case .memory(let piece): try apply(piece, &plan, work)
            case .file(let entry): try apply(spool.read(entry), &plan, work)
            case .moving: break  // `close` does not hand out a list with such a piece.
            }
        }
        try apply(plan.parked.tail, &plan, work)
    }

    private func apply(
        _ piece: ParkedChanges.Piece, _ plan: inout ClosingPlan, _ work: ChunkWork
    ) throws {
        let actions = plan.actions(for: piece)
        let places = piece.batch.tables.map { table in
            table.id == routes[work.route].source.id ? work.route : -1
        }
        var counts = Array(repeating: ChangeCounts(), count: routes.count)
        for step in try plan.steps(of: piece) {
            if actions[step.range].contains(where: { $0 != .skip }) {
                try applier.apply(
                    piece.batch, range: step.range, actions: actions, routes: places,
                    counts: &counts)
            }
            for hit in step.hits { try follow(hit, plan.cascades, work, &counts) }
        }
    }

    /// Changes the unit's own rows that the hit is about, and those that change with them.
    private func follow(
        _ hit: CascadeHit, _ cascades: CascadeMap, _ work: ChunkWork,
        _ counts: inout [ChangeCounts], level: Int = 0
    ) throws {
        try hit.require(level, routes[work.route])
        var search = KeySearch(hit)
        while let keys = try search.next(applier) {
            let found = hit.changes(of: try own(keys, work), routes[work.route])
            guard !found.changes.isEmpty else { continue }
            try applier.apply(
                found, range: found.changes.indices, actions: nil, routes: [work.route],
                counts: &counts)
            for hit in try found.hits(cascades, work.route) {
                try follow(hit, cascades, work, &counts, level: level + 1)
            }
        }
    }

    /// Of keys found at the target those of the unit; where rows are staged, nothing else is found.
    private func own(_ keys: [Key], _ work: ChunkWork) throws -> [Key] {
        guard !work.isStaged, !keys.isEmpty else { return keys }
        let route = routes[work.route]
        let order = KeyOrder(route.keyColumns, route.source.dialect)
        let known = keys.map { order.contains($0, work.range) }
        guard known.contains(nil) else { return zip(keys, known).filter { $1 == true }.map(\.0) }
        let bounds = [work.range.lower, work.range.upper].compactMap(\.self)
        let index = work.range.lower == nil ? 0 : 1
        let places = try locate(keys, route, bounds)
        return zip(keys, places).filter { $1 == index }.map(\.0)
    }

    private func close(_ work: ChunkWork, _ chunk: ChunkSnapshot) throws -> ClosingPlan {
        // A transaction that comes in parts may take long; the stream never waits for this.
        while true {
            let plan = try state.wait(timeout: 1) { state -> ClosingPlan? in
                guard !state.isStopping, state.ledger.isValid(work) else { throw Voided() }
                return state.ledger.close(work, chunk)
            }
            if let plan { return plan }
        }
    }
}

extension ReplicationError {
    /// The source's table is not what it was, and the stream does not say so (DESIGN section 5).
    static func unseenChange(_ table: TableName, position: LogPosition?) -> ReplicationError {
        ReplicationError(
            .unseenSchemaChange, "follow the table", position: position, table: table,
            why: "its definition or its partitions changed, or it was rewritten, at the source",
            try:
                "bring the target's table to the same shape, "
                + "then martlet run PIPELINE --fresh --yes"
        )
    }
}
