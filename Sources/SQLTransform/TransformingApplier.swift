import ReplicationEngine
import ReplicationModel

/// Writes what the transforms make of rows and changes, in the target transaction that the engine
/// opened for these. One object serves load and stream: it is the same transform.
final class TransformingApplier: ChangeApplier {
    private let applier: any ChangeApplier
    /// By route.
    private let transforms: [Transform?]
    private let known: [Transform]
    private let keys: TransformKeys
    private let sourceName: String
    private var evaluators: [RowEvaluator?]
    private var copy: RowCopyTransform?
    private let ordinals = ChangeOrdinals()

    init(
        _ applier: any ChangeApplier, transforms: [Transform?], keys: TransformKeys,
        sourceName: String
    ) {
        self.applier = applier
        self.transforms = transforms
        known = transforms.compactMap(\.self)
        self.keys = keys
        self.sourceName = sourceName
        evaluators = Array(repeating: nil, count: transforms.count)
    }

    /// A connection to SQLite is made when the first row comes: tables may be many.
    private func evaluator(_ route: Int) throws -> RowEvaluator? {
        guard transforms.indices.contains(route), let transform = transforms[route] else {
            return nil
        }
        if let known = evaluators[route] { return known }
        let made = try RowEvaluator(transform, keys: keys, sourceName: sourceName)
        evaluators[route] = made
        return made
    }

    func begin() throws {
        ordinals.forget()
        try applier.begin()
    }

    func apply(
        _ batch: ChangeBatch, range: Range<Int>, actions: [ChangeAction]?, routes: [Int],
        counts: inout [ChangeCounts]
    ) throws {
        let evaluators = try routes.map(evaluator)
        guard evaluators.contains(where: { $0 != nil }) else {
            return try applier.apply(
                batch, range: range, actions: actions, routes: routes, counts: &counts)
        }
        var start = range.lowerBound
        while start < range.upperBound {
            var transform = ChangeTransform(batch, evaluators, ordinals)
            start = try transform.run(start..<range.upperBound, actions)
            let made = transform.batch
            guard !made.changes.isEmpty else { continue }
            try known.explaining {
                try applier.apply(
                    made, range: 0..<made.changes.count, actions: transform.actions,
                    routes: routes, counts: &counts)
            }
        }
    }

    /// Rows of a transform's table are not there as the foreign key knows them; `check` refuses it.
    func keys(
        route: Int, where columns: [Int], among tuples: [[[UInt8]]], after: Key?, limit: Int
    ) throws -> [Key] {
        if let transform = transforms[route] {
            throw ReplicationError(
                .unsupported, "follow a foreign key", table: transform.source.source.name,
                why: TransformCheck.unfollowed, try: TransformCheck.withoutTransform)
        }
        return try applier.keys(
            route: route, where: columns, among: tuples, after: after, limit: limit)
    }

    func wipe(route: Int) throws { try applier.wipe(route: route) }

    // MARK: Rows of a snapshot

    func beginRows(route: Int, format: RowFormat) throws {
        copy?.close()
        copy = try evaluator(route).map { RowCopyTransform($0) }
        try applier.beginRows(route: route, format: format)
    }

    func writeRows(_ block: UnsafeRawBufferPointer) throws {
        guard copy != nil else { return try applier.writeRows(block) }
        try copy?.take(block) { rows in try known.explaining { try applier.writeRows(rows) } }
    }

    /// How many rows of the source there were: those that do not pass count as stored.
    func endRows() throws -> Int64 {
        let stored = try known.explaining { try applier.endRows() }
        guard let copy else { return stored }
        defer {
            copy.close()
            self.copy = nil
        }
        return copy.rowsRead - copy.rowsWritten + stored
    }

    func moveStaged(route: Int) throws {
        try known.explaining { try applier.moveStaged(route: route) }
    }

    func rowFormats(route: Int) -> [RowFormat] {
        transforms[route] == nil ? applier.rowFormats(route: route) : [.copyText]
    }

    // MARK: As it is

    func record(_ entries: [JournalEntry]) throws { try applier.record(entries) }

    func commit(_ checkpoint: Checkpoint?, durable: Bool) throws {
        try applier.commit(checkpoint, durable: durable)
    }

    func rollback() {
        copy?.close()
        copy = nil
        applier.rollback()
    }

    func close() {
        copy?.close()
        copy = nil
        applier.close()
    }
}
