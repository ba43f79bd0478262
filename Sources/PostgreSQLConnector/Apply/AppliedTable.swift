internal import ReplicationEngine
internal import ReplicationModel

/// One route's table as the target's catalogue has it when the applier opens, and how changes of it
/// are applied.
///
/// Columns are matched by name: order and extra columns may differ (P50).
final class AppliedTable {
    enum Mode {
        /// The net change per key of many transactions at once.
        case netKeyed
        /// No key: inserts are gathered, an update or delete is a barrier.
        case netKeyless
        /// One statement per change, in order.
        case sequential
    }

    let index: Int
    let route: TableRoute
    private(set) var mode: Mode
    /// The key may be made after the rows (`SchemaPlan.keys`); what can be done with it is decided
    /// before the first change.
    private(set) var awaitsKey: Bool
    private let mayNet: Bool
    /// As long as `route.columns`.
    let columns: [AppliedColumn]
    /// `ONLY "s"."t"`, or without ONLY for a partitioned root, which holds no rows itself (P41,
    /// P42).
    let relation: String
    /// Where rows are inserted: the table's name, quoted.
    let place: String
    /// Plain columns of the target that the route does not carry.
    let extraColumns: [String]
    let isBinaryCopyable: Bool
    /// nil: every value of the source's fits.
    let foreignValues: ForeignValues?
    /// Columns of deferrable unique keys, which a replica session does not check.
    let deferredKeys: [[String]]

    private var statements: [Statement: PGPrepared] = [:]
    /// Which columns an UPDATE of this table sets; an entry per distinct pattern seen.
    private(set) var shapes: [[Bool]] = []

    /// What a prepared statement of this table does.
    enum Statement: Hashable {
        case insert, delete
        /// `keys`: also the key's columns. Index into `shapes`.
        case update(shape: Int, keys: Bool)
        /// Deletes the row and inserts it again with the old row's values where there is no new
        /// one.
        case replace(shape: Int)
        case netInsert, netDelete
        case netUpdate(shape: Int)
        case updateWholeRow(shape: Int)
        case deleteWholeRow
    }

    /// `place`: a staging table instead of the route's own.
    init(
        index: Int, route: TableRoute, catalogue: AppliedCatalogue, mayNet: Bool,
        lossy: LossyConversions, place: String? = nil
    ) throws {
        self.index = index
        foreignValues = ForeignValues(route, lossy)
        let isForeign = route.source.dialect != .postgresql
        let route = route.withOwnTypes()
        self.route = route
        columns = try route.columns.map { try Self.column($0, route, catalogue) }
        self.place = place ?? route.target.quoted
        relation = (catalogue.isPartitioned ? "" : "ONLY ") + self.place
        let carried = Set(route.columns.map(\.name))
        extraColumns = catalogue.columns.values
            .filter { !$0.isGenerated && !carried.contains($0.name) }.map(\.name).sorted()
        isBinaryCopyable =
            !isForeign
            && zip(route.columns, columns).allSatisfy { $1.hasSameBinaryForm(as: $0.type) }
        deferredKeys = catalogue.deferredKeys
        self.mayNet = mayNet
        mode = Self.mode(route, columns, catalogue, mayNet: mayNet)
        let keys = catalogue.uniqueKeys + catalogue.deferredKeys.map { Set($0) }
        awaitsKey = !route.isKeyless && !keys.contains { Set(route.keyColumns.map(\.name)) == $0 }
    }

    /// Looks once more for the key that was not there when the applier opened.
    func lookForKey(on connection: PGConnection) throws {
        awaitsKey = false
        let catalogue = try AppliedCatalogue(route.target, on: connection)
        mode = Self.mode(route, columns, catalogue, mayNet: mayNet)
    }

    private static func column(
        _ column: Column, _ route: TableRoute, _ catalogue: AppliedCatalogue
    ) throws -> AppliedColumn {
        guard let found = catalogue.columns[column.name] else {
            throw ReplicationError(
                .unfitSchema, "open the target table", table: route.target, column: column.name,
                why: "the column is at the source, but not at the target",
                try: "add the column at the target, or take the table out of the pipeline")
        }
        guard !found.isGenerated else {
            throw ReplicationError(
                .unfitSchema, "open the target table", table: route.target, column: column.name,
                why: "the column is generated at the target, but not at the source",
                try: "make it a plain column at the target")
        }
        return found
    }

    /// NET needs: keys whose bytes are equal exactly when their values are; no trigger that would
    /// see the difference; a unique index, so that counting rows in total counts them per key.
    private static func mode(
        _ route: TableRoute, _ columns: [AppliedColumn], _ catalogue: AppliedCatalogue, mayNet: Bool
    ) -> Mode {
        guard mayNet, !route.columns.isEmpty, !catalogue.firesTriggers else { return .sequential }
        guard !route.isKeyless else { return .netKeyless }
        let keysAreExact = route.key.allSatisfy {
            columns[$0].hasExactBytes(as: route.columns[$0].type)
        }
        let key = Set(route.keyColumns.map(\.name))
        let isUnique = catalogue.uniqueKeys.contains { key.isSuperset(of: $0) }
        // An UPDATE cannot set such a column, and a batch cannot tell whether it changed.
        let isMovable = columns.indices.allSatisfy {
            !columns[$0].isAlwaysIdentity || route.key.contains($0)
        }
        return keysAreExact && isUnique && isMovable ? .netKeyed : .sequential
    }

    var name: TableName { route.target }

    /// Index of the pattern of columns that the image at `start` holds (not unchanged, P01).
    func shape(_ isPresent: (Int) -> Bool) -> Int {
        for (index, shape) in shapes.enumerated() {
            if shape.indices.allSatisfy({ shape[$0] == isPresent($0) }) { return index }
        }
        shapes.append(columns.indices.map(isPresent))
        return shapes.count - 1
    }

    /// The statement, made when it is used first. `number` names it at the server.
    func prepared(_ statement: Statement, number: () -> Int) -> PGPrepared {
        if let known = statements[statement] { return known }
        let (sql, types) = text(of: statement)
        let made = PGPrepared(sql, name: "martlet_\(number())", types: types)
        statements[statement] = made
        return made
    }

    /// After DEALLOCATE ALL.
    func forgetStatements() {
        statements.removeAll()
        shapes.removeAll()
    }
}
