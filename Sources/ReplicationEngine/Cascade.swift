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
    /// Of a table that others change: itself, and all whose rows change with its own.
    private var reach: [Int: Set<Int>] = [:]
    /// Of a table: those between it and tables further up.
    private var between: [Int: Set<Int>] = [:]

    package var isEmpty: Bool { byParent.isEmpty }
    /// Some table is between two others.
    var goesFurther: Bool { reach.keys.contains(where: isBetween) }
    package subscript(parent: Int) -> [Cascade] { byParent[parent] ?? [] }

    package init() {}

    /// Its rows change with others', or with others of its own.
    func changes(_ route: Int) -> Bool { reach[route] != nil }

    /// Its rows change with others', and others' with its own.
    func isBetween(_ route: Int) -> Bool { reach[route] != nil && byParent[route] != nil }

    /// What a change of the table's rows changes, directly or not, and the table.
    func reach(of route: Int) -> Set<Int> { reach[route] ?? [route] }

    /// Tables that must have all rows at the target before the first of this one is copied: which
    /// of their rows the log left out is found there, and with them which of this one's.
    func tables(between route: Int) -> Set<Int> { between[route] ?? [] }

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
                let isOwn = key.referenced == route.source.name
                guard let actions = key.unlogged?.effective(isOwn: isOwn) else { continue }
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
        let children = Set(byParent.values.joined().map(\.child))
        for child in children { reach[child] = closure(of: child) }
        for cascade in byParent.values.joined()
        where children.contains(cascade.parent) && cascade.parent != cascade.child {
            between[cascade.child, default: []].insert(cascade.parent)
        }
    }

    private func closure(of route: Int) -> Set<Int> {
        var (found, next): (Set<Int>, [Int]) = ([route], [route])
        while let table = next.popLast() {
            next += self[table].map(\.child).filter { found.insert($0).inserted }
        }
        return found
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

    /// Rows get values that their own changes in the log do not have.
    var handsOn: Bool {
        guard case .set(let values) = effect else { return false }
        return values.contains { $0 != nil }
    }

    /// Tuples that one search of the target is for.
    private static let limit = 500

    /// Takes another hit in; false if it is not of the same kind. Whatever is set to NULL or
    /// deleted, order does not matter; values that are handed on from row to row do.
    mutating func merge(_ other: CascadeHit, acrossTransactions: Bool) -> Bool {
        guard cascade == other.cascade, effect == other.effect, !handsOn,
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
