import ReplicationEngine
import ReplicationModel

/// Writes what the transforms make of rows and changes, in the target transaction that the engine
/// opened for these. One object serves load and stream: it is the same transform.
final class TransformingApplier: ChangeApplier {
    private let applier: any ChangeApplier
    private let layout: RouteLayout
    private let known: [Transform]
    private let keys: TransformKeys
    private let sourceName: String
    /// By route of the target's.
    private var evaluators: [RowEvaluator?]
    private var rows: RowFanOut?
    private let ordinals = ChangeOrdinals()
    private var progress: OutputProgress

    init(
        _ applier: any ChangeApplier, _ layout: RouteLayout, _ progress: OutputProgress,
        keys: TransformKeys, sourceName: String
    ) {
        self.applier = applier
        self.layout = layout
        self.progress = progress
        known = layout.transforms.compactMap(\.self)
        self.keys = keys
        self.sourceName = sourceName
        evaluators = Array(repeating: nil, count: layout.routes.count)
    }

    /// By route of the target's. A connection to SQLite is made when the first row comes: tables
    /// may be many.
    private func evaluator(_ route: Int) throws -> RowEvaluator? {
        guard let transform = layout.transforms[route] else { return nil }
        if let known = evaluators[route] { return known }
        let made = try RowEvaluator(transform, keys: keys, sourceName: sourceName)
        evaluators[route] = made
        return made
    }

    /// The target's routes for one of the engine's; none for a table that is not carried.
    private func outputs(_ route: Int) -> Range<Int> { route < 0 ? 0..<0 : layout.outputs[route] }

    func begin() throws {
        ordinals.forget()
        progress.begin()
        try applier.begin()
    }

    func apply(
        _ batch: ChangeBatch, range: Range<Int>, actions: [ChangeAction]?, routes: [Int],
        counts: inout [ChangeCounts]
    ) throws {
        let evaluators = try routes.map { try outputs($0).map(evaluator) }
        let routes = routes.flatMap { $0 < 0 ? [-1] : Array(outputs($0)) }
        var made = Array(repeating: ChangeCounts(), count: layout.routes.count)
        defer { progress.count(made, layout, &counts) }
        guard evaluators.joined().contains(where: { $0 != nil }) else {
            return try applier.apply(
                batch, range: range, actions: actions, routes: routes, counts: &made)
        }
        var start = range.lowerBound
        var transform = ChangeTransform(batch, evaluators, ordinals)
        while start < range.upperBound {
            start = try transform.run(start..<range.upperBound, actions)
            let changes = transform.batch
            guard !changes.changes.isEmpty else { continue }
            try known.explaining {
                try applier.apply(
                    changes, range: changes.changes.indices, actions: transform.actions,
                    routes: routes, counts: &made)
            }
        }
    }

    /// Rows of a transform's table are not there as the foreign key knows them; `check` refuses it.
    func keys(
        route: Int, where columns: [Int], among tuples: [[[UInt8]]], after: Key?, limit: Int
    ) throws -> [Key] {
        let output = layout.outputs[route].lowerBound
        if let transform = layout.transforms[output] {
            throw ReplicationError(
                .unsupported, "follow a foreign key", table: transform.source.source.name,
                why: TransformCheck.unfollowed, try: TransformCheck.withoutTransform)
        }
        return try applier.keys(
            route: output, where: columns, among: tuples, after: after, limit: limit)
    }

    func wipe(route: Int) throws {
        for output in outputs(route) {
            if let transform = layout.transforms[output], transform.isGuarded {
                throw transform.cannotEmpty(at: nil)
            }
            try applier.wipe(route: output)
        }
    }

    // MARK: Rows of a snapshot

    func beginRows(route: Int, format: RowFormat, isMore: Bool) throws {
        rows?.close()
        rows = nil
        let evaluators = try outputs(route).compactMap { output in
            try evaluator(output).map { (route: output, evaluator: $0) }
        }
        guard !evaluators.isEmpty else {
            return try applier.beginRows(
                route: layout.outputs[route].lowerBound, format: format, isMore: isMore)
        }
        rows = try RowFanOut(applier, evaluators, format: format)
    }

    func writeRows(_ block: UnsafeRawBufferPointer) throws {
        guard rows != nil else { return try applier.writeRows(block) }
        try known.explaining { try rows?.take(block) }
    }

    func endRows() throws -> Int64 {
        defer {
            rows?.close()
            rows = nil
        }
        return try known.explaining { try rows?.end() ?? applier.endRows() }
    }

    func moveStaged(route: Int) throws {
        try known.explaining { try outputs(route).forEach(applier.moveStaged) }
    }

    func rowFormats(route: Int) -> [RowFormat] {
        let output = layout.outputs[route].lowerBound
        return layout.transforms[output] == nil
            ? applier.rowFormats(route: output) : [.copyText]
    }

    // MARK: State

    func record(_ entries: [JournalEntry]) throws {
        try applier.record(progress.entries(entries))
    }

    func commit(_ checkpoint: Checkpoint?, durable: Bool) throws {
        try applier.commit(progress.checkpoint(checkpoint), durable: durable)
        progress.committed(checkpoint)
    }

    func rollback() {
        rows?.close()
        rows = nil
        applier.rollback()
    }

    func close() {
        rows?.close()
        rows = nil
        applier.close()
    }
}
