package import ReplicationModel

/// What changes of one table do to rows of another, and the log does not say: a foreign key of a
/// source whose log has the referenced table's changes only
/// (docs/decisions/why-unlogged-cascades-are-followed).
package struct Cascade: Sendable, Equatable {
    /// Indices of routes.
    package let parent: Int
    package let child: Int
    /// Indices of columns of the two routes, side by side.
    package let parentColumns: [Int]
    package let childColumns: [Int]
    let actions: UnloggedActions

    package enum Effect: Sendable, Equatable {
        case delete
        /// These values, by `childColumns`; nil is NULL.
        case set([[UInt8]?])
    }
}

/// All cascades of a pipeline, by the table whose changes they come of.
package struct CascadeMap: Sendable {
    private var byParent: [Int: [Cascade]] = [:]
    /// By source id.
    private var places: [UInt32: Int] = [:]

    package var isEmpty: Bool { byParent.isEmpty }
    package subscript(parent: Int) -> [Cascade] { byParent[parent] ?? [] }

    package init() {}

    /// The routes of a batch's tables.
    package func routes(of tables: [LoggedTable]) -> [Int] { tables.map { places[$0.id] ?? -1 } }

    /// Those that change rows of this table.
    func only(_ child: Int) -> CascadeMap {
        var only = self
        only.byParent = byParent.mapValues { $0.filter { $0.child == child } }
            .filter { !$0.value.isEmpty }
        return only
    }

    /// Which of the keys can be followed, the source's preflight says (`ForeignKey.obstacle`).
    package init(_ routes: [TableRoute]) throws {
        places = Dictionary(
            routes.enumerated().map { ($1.source.id, $0) }, uniquingKeysWith: { first, _ in first })
        for (child, route) in routes.enumerated() {
            for key in route.source.foreignKeys {
                guard let actions = key.unlogged else { continue }
                guard
                    let parent = routes.firstIndex(where: { $0.source.name == key.referenced }),
                    let own = route.places(of: key.columns),
                    let referenced = routes[parent].places(of: key.referencedColumns)
                else {
                    throw ReplicationError(
                        .preflight, "follow foreign key \(key.name)", table: route.source.name,
                        why: "its columns or those it refers to do not travel",
                        try: "martlet check PIPELINE")
                }
                byParent[parent, default: []].append(
                    Cascade(
                        parent: parent, child: child, parentColumns: referenced, childColumns: own,
                        actions: actions))
            }
        }
    }
}

extension TableRoute {
    fileprivate func places(of names: [String]) -> [Int]? {
        let places = names.compactMap { name in columns.firstIndex { $0.name == name } }
        return places.count == names.count ? places : nil
    }
}

/// What one change, or several alike of one transaction, does to rows of a child: those whose
/// `cascade.childColumns` have one of the tuples in `old`.
package struct CascadeHit: Sendable {
    package let cascade: Cascade
    package let effect: Cascade.Effect
    package internal(set) var old: [[[UInt8]]]
    /// The transaction.
    package let mark: TransactionMark

    /// Tuples that one search of the target is for.
    private static let limit = 500

    /// Takes another hit in; false if it is not of the same kind. Whatever is set to NULL or
    /// deleted, order does not matter; values that are handed on from row to row do.
    mutating func merge(_ other: CascadeHit, acrossTransactions: Bool) -> Bool {
        guard cascade == other.cascade, effect == other.effect, !cascade.actions.follows,
            cascade.childColumns.count == 1, old.count < Self.limit,
            acrossTransactions || mark.commitPosition == other.mark.commitPosition
        else { return false }
        old += other.old
        return true
    }
}

extension ChangeBatch {
    /// What a change of the parent does to rows of the child; nil: nothing.
    package func hit(of change: Change, _ cascade: Cascade, in mark: TransactionMark) throws
        -> CascadeHit?
    {
        guard !change.isUnchecked,
            let old = try tuple(change.oldRow, cascade), !old.contains(nil)
        else { return nil }
        let action: UnloggedActions.Action
        var new: [[UInt8]?]?
        switch change.operation {
        // TRUNCATE of a table that others refer to is refused, or made without any checks.
        case .insert, .truncate: return nil
        case .delete: action = cascade.actions.onDelete
        case .update:
            action = cascade.actions.onUpdate
            new = try tuple(change.newRow, cascade)
            guard new != old else { return nil }
        }
        let effect: Cascade.Effect
        switch action {
        case .none, .setDefault: return nil
        case .setNull: effect = .set(old.map { _ in nil })
        case .cascade: effect = new.map { .set($0) } ?? .delete
        }
        return CascadeHit(
            cascade: cascade, effect: effect, old: [old.compactMap(\.self)], mark: mark)
    }

    private func tuple(_ row: Int32, _ cascade: Cascade) throws -> [[UInt8]?]? {
        guard row >= 0 else { return nil }
        return try cascade.parentColumns.map { column in
            let value = values[Int(row) + column]
            guard !value.isUnchanged else {
                throw ReplicationError(
                    .unsupported, "follow a foreign key",
                    why: "the log does not carry every value of the row that is referred to",
                    try: "SET GLOBAL binlog_row_image = FULL")
            }
            return value.isNull ? nil : withBytes(of: value) { [UInt8]($0) }
        }
    }
}

// MARK: In a batch

/// A range of a batch's changes, and what is to be done behind it to rows that the log does not
/// name.
package struct CascadeStep: Sendable {
    package var range: Range<Int>
    package var hits: [CascadeHit]

    package init(range: Range<Int>, hits: [CascadeHit]) {
        self.range = range
        self.hits = hits
    }
}

extension ChangeBatch {
    /// Cuts the batch where rows that the log does not name change. A hit on a child may wait for
    /// the next change of that child, not longer: tables are independent of each other otherwise.
    ///
    /// - Parameter isLive: of a route: all transactions concern all its rows.
    package func steps(
        _ cascades: CascadeMap, routes: [Int], isLive: (Int) -> Bool
    ) throws -> [CascadeStep] {
        var cutting = CascadeCutting()
        guard !cascades.isEmpty else {
            return [CascadeStep(range: changes.indices, hits: [])]
        }
        for mark in transactions {
            for index in mark.changes {
                let route = routes[Int(changes[index].table)]
                cutting.meet(route, at: index)
                for cascade in cascades[route] {
                    guard let hit = try hit(of: changes[index], cascade, in: mark) else { continue }
                    cutting.add(hit, behind: index, isLive: isLive(cascade.child))
                }
            }
        }
        cutting.cut(at: changes.count)
        return cutting.steps
    }
}

private struct CascadeCutting {
    private(set) var steps: [CascadeStep] = []
    private var start = 0
    private var waiting: [CascadeHit] = []

    /// A change of this route comes: what waits for it goes first.
    mutating func meet(_ route: Int, at index: Int) {
        if waiting.contains(where: { $0.cascade.child == route }) { cut(at: index) }
    }

    mutating func add(_ hit: CascadeHit, behind index: Int, isLive: Bool) {
        if let place = waiting.firstIndex(where: { $0.cascade == hit.cascade }) {
            if waiting[place].merge(hit, acrossTransactions: isLive) { return }
            cut(at: index + 1)
        }
        waiting.append(hit)
    }

    mutating func cut(at index: Int) {
        guard start < index || !waiting.isEmpty else { return }
        steps.append(CascadeStep(range: start..<index, hits: waiting))
        (start, waiting) = (index, [])
    }
}

// MARK: Rows

extension CascadeHit {
    /// The changes of these rows as the log would have them.
    package func changes(of keys: [Key], _ route: TableRoute) -> ChangeBatch {
        var batch = ChangeBatch()
        batch.tables = [LoggedTable(of: route)]
        var row = [Value](
            repeating: effect == .delete ? .null : .unchanged, count: route.columns.count)
        if case .set(let new) = effect {
            for (column, value) in zip(cascade.childColumns, new) {
                row[column] = value.map { $0.withUnsafeBytes { batch.append($0) } } ?? .null
            }
        }
        for key in keys {
            var change = Change(operation: effect == .delete ? .delete : .update, table: 0)
            let start = Int32(batch.values.count)
            if effect == .delete { change.oldRow = start } else { change.newRow = start }
            for (column, value) in zip(route.key, key.values) {
                row[column] = value.withUnsafeBytes { batch.append($0) }
            }
            batch.values += row
            batch.changes.append(change)
        }
        var mark = mark
        mark.changes = batch.changes.indices
        // The source's transaction goes on.
        mark.isLastPart = false
        batch.transactions = [mark]
        return batch
    }
}

extension LoggedTable {
    fileprivate init(of route: TableRoute) {
        self.init(
            id: route.source.id, name: route.source.name,
            columns: route.columns.enumerated().map { index, column in
                Column(
                    name: column.name, typeID: column.type.id, modifier: column.type.modifier,
                    isIdentity: route.key.contains(index))
            }, isFull: false)
    }
}

/// Changes the rows of a child at the target that a hit is about.
///
/// The rows are found at the target by their old values, in the target transaction, behind
/// everything that comes before in the log; each then is a change of its key, judged like any
/// other. Why that finds the right rows: docs/decisions/why-unlogged-cascades-are-followed.
struct CascadeApply {
    let applier: any ChangeApplier
    let routes: [TableRoute]
    /// Which of the keys found the transaction is still to be applied to.
    let pick: ([Key], CascadeHit) throws -> [Key]

    /// Keys that are held at a time.
    static let pageRows = 20_000

    func run(_ hit: CascadeHit, counts: inout [ChangeCounts]) throws {
        let child = hit.cascade.child
        var last: Key?
        while true {
            let keys = try applier.keys(
                route: child, where: hit.cascade.childColumns, among: hit.old, after: last,
                limit: Self.pageRows)
            let mine = try pick(keys, hit)
            if !mine.isEmpty {
                let batch = hit.changes(of: mine, routes[child])
                try applier.apply(
                    batch, range: batch.changes.indices, actions: nil, routes: [child],
                    counts: &counts)
            }
            guard keys.count == Self.pageRows else { return }
            last = keys.last
        }
    }
}
