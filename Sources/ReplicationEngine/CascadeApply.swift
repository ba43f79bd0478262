package import ReplicationModel

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
        let renames = effect != .delete && !Set(route.key).isDisjoint(with: cascade.childColumns)
        for key in keys {
            var change = Change(operation: effect == .delete ? .delete : .update, table: 0)
            var old = Array(repeating: Value.null, count: row.count)
            for (column, value) in zip(route.key, key.values) {
                old[column] = value.withUnsafeBytes { batch.append($0) }
                if !cascade.childColumns.contains(column) { row[column] = old[column] }
            }
            if effect == .delete || renames { change.oldRow = batch.append(old) }
            if effect != .delete { change.newRow = batch.append(row) }
            batch.changes.append(change)
        }
        var mark = mark
        mark.changes = batch.changes.indices
        // The source's transaction goes on.
        mark.isLastPart = false
        batch.transactions = [mark]
        return batch
    }

    /// InnoDB goes 15 levels down, and did 255 before.
    private static let deepest = 255

    func require(_ level: Int, _ child: TableRoute) throws {
        guard level > Self.deepest else { return }
        throw ReplicationError(
            .internalFault, "follow a foreign key", position: mark.commitPosition,
            table: child.source.name, why: "rows change over more than \(Self.deepest) levels")
    }
}

extension ChangeBatch {
    /// What changes that were found at the target do in turn: all are of one table.
    func hits(_ cascades: CascadeMap, _ route: Int) throws -> [CascadeHit] {
        guard !cascades[route].isEmpty else { return [] }
        return try steps(cascades, routes: [route], isLive: { _ in true }).flatMap(\.hits)
    }
}

extension ChangeBatch {
    fileprivate mutating func append(_ row: [Value]) -> Int32 {
        defer { values += row }
        return Int32(values.count)
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

/// Looks for the rows of a child at the target that a hit is about, a page at a time, by their old
/// values, in the target transaction, behind everything that comes before in the log; each then is
/// a change of its key, judged like any other. Why that finds the right rows:
/// docs/decisions/why-unlogged-cascades-are-followed.
struct KeySearch {
    private let hit: CascadeHit
    private var last: Key?
    private var isDone = false

    init(_ hit: CascadeHit) { self.hit = hit }

    /// Keys that are held at a time.
    private static let pageRows = 20_000

    /// nil: that was all.
    mutating func next(_ applier: any ChangeApplier) throws -> [Key]? {
        guard !isDone else { return nil }
        let keys = try applier.keys(
            route: hit.cascade.child, where: hit.cascade.childColumns, among: hit.old, after: last,
            limit: Self.pageRows)
        isDone = keys.count < Self.pageRows
        last = keys.last
        return keys
    }
}
