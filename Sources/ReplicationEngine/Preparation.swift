import Foundation
internal import Logging
internal import ReplicationModel

/// Everything between start and the first batch: takes the pipeline over, compares what is stored
/// with what is there, makes publication, slot and target tables. Hands on the state from which
/// stream and load go on. Each step may be the last before a crash: the next start goes on.
struct Preparation {
    let plan: PipelinePlan
    let source: any ReplicationSource
    let target: any ReplicationTarget
    let logger: Logger

    struct Start {
        var state: RunState
        var setup: PipelineSetup
        var schema: SchemaPlan
    }

    func run() throws -> Start {
        let identity = try source.identity()
        try target.prepare()
        let isNew = try target.load(pipeline: plan.name) == nil
        if isNew, plan.startAt == nil { try refuseForeignSlot() }
        var stored = try target.acquire(
            pipeline: plan.name,
            setup: PipelineSetup(
                phase: plan.startAt == nil ? .creatingSlot : .adoptingSlot,
                capture: plan.capture, source: identity, configuration: plan.configuration),
            holder: plan.holder, lease: plan.lease)
        Failpoint.hit(.slotAnnounced)
        try compareConfiguration(stored, identity)
        switch stored.setup.phase {
        case .creatingSlot: stored = try begin(stored, identity, try createCapture())
        case .adoptingSlot: stored = try begin(stored, identity, try adoptCapture())
        case .ready: stored = try resume(stored, identity)
        }
        return try makeSchema(stored)
    }

    private func refuseForeignSlot() throws {
        guard try source.slotState(plan.capture) != nil else { return }
        throw ReplicationError(
            .otherSource, "create the replication slot",
            why: "slot \(plan.capture.slot) exists and the target knows nothing of it",
            try:
                "SELECT pg_drop_replication_slot('\(plan.capture.slot)') if nobody uses it, "
                + "or choose another name:"
        )
    }

    /// Another configuration would make the checkpoint mean something else.
    private func compareConfiguration(
        _ stored: StoredPipeline, _ identity: SourceIdentity
    ) throws {
        guard stored.setup.configuration != plan.configuration else { return }
        guard stored.setup.source.systemIdentifier == identity.systemIdentifier else {
            throw ReplicationError(
                .otherSource, "go on with pipeline \(plan.name)",
                why: "the source is another server than before, with other tables",
                try: "put the source URL back, or \(Self.fresh)")
        }
        throw otherTables(stored.tables.map(\.source))
    }

    /// A pattern also matches tables that were made later; their rows would begin in the middle
    /// (P34).
    private func otherTables(_ known: [TableName]) -> ReplicationError {
        let asked = plan.routes.map(\.source.name)
        let added = Set(asked).subtracting(known).sorted().map(\.description)
        let gone = Set(known).subtracting(asked).sorted().map(\.description)
        var why = "tables, mapping, keys or transforms differ from those it was started with"
        var remedy = "put the pipeline file back, or martlet run PIPELINE --fresh --yes"
        if !gone.isEmpty { why += "; no longer there: \(gone.joined(separator: ", "))" }
        if !added.isEmpty, !known.isEmpty {
            let names = added.joined(separator: ", ")
            why += "; added: \(names)"
            remedy = "leave them out (tables: exclude: [\(names)]), or \(Self.fresh)"
        }
        return ReplicationError(
            .configuration, "go on with pipeline \(plan.name)", why: why, try: remedy)
    }

    private static let fresh = "martlet run PIPELINE --fresh --yes"

    // MARK: Capture

    private func begin(
        _ stored: StoredPipeline, _ identity: SourceIdentity,
        _ capture: @autoclosure () throws -> CaptureStart
    ) throws -> StoredPipeline {
        guard stored.setup.source.systemIdentifier == identity.systemIdentifier else {
            throw ReplicationError(
                .otherSource, "go on with pipeline \(plan.name)",
                why: "it was begun with another source, where its slot may have been made",
                try: "put the source URL back and martlet drop PIPELINE")
        }
        let start = try capture()
        // What is stored anew from here on, the log tells.
        let found = try source.fingerprints(of: plan.routes.map(\.source.id))
        var checkpoint = Checkpoint(at: start.place)
        checkpoint.unseen = start.unseen
        var result = stored
        result.setup.phase = .ready
        result.setup.source = identity
        result.checkpoint = checkpoint
        result.tables = plan.routes.map { firstProgress($0, found[$0.source.id]) }
        result.chunks = []
        try target.store(setup: result.setup, checkpoint: checkpoint, tables: result.tables)
        logger.info(
            "capture begins",
            metadata: ["slot": "\(plan.capture.slot)", "position": "\(start.place.position)"])
        return result
    }

    /// The target says `creating slot` (committed) before the slot is made; one found now was made
    /// by a run that died in between.
    private func createCapture() throws -> CaptureStart {
        if try source.slotState(plan.capture) != nil { try source.dropSlot(plan.capture) }
        let tables = plan.routes.map(\.source.name)
        defer { Failpoint.hit(.slotCreated) }
        return try source.createCapture(plan.capture, tables: tables)
    }

    /// The slot is somebody else's until the target has its first checkpoint: nobody drops it.
    private func adoptCapture() throws -> CaptureStart {
        guard let start = plan.startAt else {
            throw ReplicationError(
                .usage, "go on with pipeline \(plan.name)",
                why: "it was to follow from a given position, and has not begun",
                try: "give --snapshot never and --start-at again")
        }
        return try source.adoptCapture(plan.capture, at: start)
    }

    /// Goes on where the target is, on this server or on its successor.
    private func resume(_ stored: StoredPipeline, _ identity: SourceIdentity) throws
        -> StoredPipeline
    {
        guard let checkpoint = stored.checkpoint else { return stored }
        let place = try source.resume(
            plan.capture, known: stored.setup.source, from: checkpoint.place)
        guard place != checkpoint.place else { return stored }
        var result = stored
        result.setup.source = identity
        var moved = checkpoint
        moved.position = place.position
        moved.commitPosition = place.position
        (moved.gtids, moved.readFrom) = (place.gtids, place.readFrom)
        result.checkpoint = moved
        try target.store(setup: result.setup, checkpoint: moved, tables: [])
        logger.notice("another server took over", metadata: ["position": "\(place.position)"])
        return result
    }

    private func firstProgress(_ route: TableRoute, _ fingerprint: String?) -> TableProgress {
        var table = TableProgress(
            id: route.source.id, source: route.source.name, target: route.target,
            state: plan.snapshot == .never ? .live : .pending)
        table.rowsEstimated = route.source.estimatedRows
        table.fingerprint = fingerprint ?? route.source.fingerprint
        table.key = route.keyColumns.map(\.name)
        return table
    }

    // MARK: Schema

    private func makeSchema(_ stored: StoredPipeline) throws -> Start {
        var tables = try match(stored.tables)
        let schema = try target.schemaPlan(plan.routes, prerequisites: plan.prerequisites)
        if let problem = schema.problems.first { throw problem }
        let fresh = tables.indices.filter { tables[$0].state == .pending }
        let cascades = try CascadeMap(plan.routes)
        let awaiting = tablesThatAwaitKeys(tables, schema, cascades)
        let keys = tables.indices.flatMap { index in
            tables[index].isBeforeItsRows && !awaiting.contains(index)
                ? schema.keys[plan.routes[index].source.id] ?? [] : []
        }
        if fresh.isEmpty {
            if !keys.isEmpty { try target.run(keys, tables: []) }
        } else {
            try target.run(schema.beforeRows + keys, tables: [])
            for index in fresh { try target.tables(of: plan.routes[index]).forEach(clear) }
            for index in fresh { tables[index].state = .loading }
            try target.run([], tables: fresh.map { tables[$0] })
        }
        Failpoint.hit(.schemaMade)
        var stored = stored
        stored.chunks = try withoutParts(stored.chunks)
        return Start(
            state: try state(stored, tables, schema.staged, awaiting, cascades),
            setup: stored.setup, schema: schema)
    }

    /// Tables whose rows can be copied before their key is made: not where staged rows are moved,
    /// nor where rows that change with other tables' are searched for as soon as those change.
    private func tablesThatAwaitKeys(
        _ tables: [TableProgress], _ schema: SchemaPlan, _ cascades: CascadeMap
    ) -> Set<Int> {
        Set(
            tables.indices.filter { index in
                let id = plan.routes[index].source.id
                return schema.keys[id] != nil && tables[index].isBeforeItsRows
                    && !schema.staged.contains(id) && !cascades.changes(index)
            })
    }

    private func match(_ stored: [TableProgress]) throws -> [TableProgress] {
        let known = Dictionary(stored.map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first })
        return try plan.routes.map { route in
            guard var table = known[route.source.id] else {
                throw ReplicationError.unseenChange(route.source.name, position: nil)
            }
            let (old, new) = (Fingerprint(table.fingerprint), Fingerprint(route.source.fingerprint))
            guard old.shape == new.shape, table.source == route.source.name,
                table.key == route.keyColumns.map(\.name)
            else {
                throw ReplicationError.unseenChange(route.source.name, position: nil)
            }
            table.target = route.target
            return table
        }
    }

    /// A target table with rows and no journal (DESIGN section 9).
    private func clear(_ route: TableRoute) throws {
        let shape = try target.shape(of: route.target, share: route.share)
        guard shape?.hasRows == true else { return }
        switch plan.existing {
        case .merge:
            guard route.isKeyless else { return try target.setAside(route.target) }
            throw ReplicationError(
                .preflight, "load the table", table: route.target,
                why: "its rows cannot be merged by key: the source's table has none",
                try: "empty it, or set `existing: truncate` in the pipeline file")
        case .truncate: try target.empty(route.target, share: route.share)
        case .refuse:
            throw ReplicationError(
                .preflight, "load the table", table: route.target,
                why: "the target table has rows that Martlet did not write",
                try: "empty it, or set `existing: truncate` in the pipeline file")
        }
    }

    /// Tables that were read in parts when the run ended begin again: their snapshot is gone
    /// (`SharedRead`).
    private func withoutParts(_ chunks: [ChunkRecord]) throws -> [ChunkRecord] {
        let partial = Set(chunks.filter(\.isCopiedInPart).map(\.table))
        guard !partial.isEmpty else { return chunks }
        let applier = try target.openApplier(plan.routes, label: "load-1")
        defer {
            applier.rollback()
            applier.close()
        }
        try applier.begin()
        for index in plan.routes.indices where partial.contains(plan.routes[index].source.id) {
            try applier.wipe(route: index)
        }
        try applier.record(partial.sorted().map { .removeAllChunks(table: $0) })
        try applier.commit(nil, durable: true)
        return chunks.filter { !partial.contains($0.table) }
    }

    private func state(
        _ stored: StoredPipeline, _ tables: [TableProgress], _ staged: Set<UInt32>,
        _ awaiting: Set<Int>, _ cascades: CascadeMap
    ) throws -> RunState {
        let checkpoint = stored.checkpoint ?? Checkpoint(position: .zero, commitPosition: .zero)
        let loads = plan.routes.indices.map { index -> TableLoad? in
            let (route, table) = (plan.routes[index], tables[index])
            guard table.state != .live else { return nil }
            var load = TableLoad(
                route: route, journal: stored.chunks.filter { $0.table == route.source.id })
            load.targetKey = awaiting.contains(index) ? .awaited : .made
            load.isIndexed = table.state == .catchingUp
            load.isStaged = staged.contains(route.source.id)
            return load
        }
        let ledger = MergeLedger(
            tables: loads,
            unseen: Set(checkpoint.unseen.map { UInt32(truncatingIfNeeded: $0.rawValue) }),
            lastJudged: checkpoint.passed, kind: try source.snapshotKind(),
            cascades: cascades)
        var tables = tables
        for index in tables.indices {
            if let load = loads[index] { tables[index].rowsCopied = load.rowsCopied }
        }
        return RunState(
            ledger: ledger, tables: tables, checkpoint: checkpoint,
            watch: FingerprintWatch(
                plan.routes, stored: tables.map(\.fingerprint), marks: plan.marksUnseen))
    }
}

extension TableProgress {
    fileprivate var isBeforeItsRows: Bool { state == .pending || state == .loading }
}
