package import ReplicationEngine
package import ReplicationModel

/// A target in front of the target: the engine hands it rows of the source, it hands on rows of its
/// transforms. Everything that is not about rows or their tables is the other one's.
///
/// Tables without a transform pass through it; their rows are not looked at.
package final class TransformingTarget: ReplicationTarget {
    private let target: any ReplicationTarget
    /// By id of the source's table.
    private let transforms: [UInt32: [Transform]]
    private let keys: TransformKeys
    private let sourceName: String
    private let progress: OutputProgress

    /// - Parameter transforms: `combined`.
    package init(
        _ target: any ReplicationTarget, _ transforms: [Transform], keys: TransformKeys,
        sourceName: String
    ) {
        self.target = target
        self.transforms = Dictionary(grouping: transforms, by: \.source.source.id)
        self.keys = keys
        self.sourceName = sourceName
        progress = OutputProgress(self.transforms, OutputProgress.Counts())
    }

    package func tables(of route: TableRoute) -> [TableRoute] {
        transforms[route.source.id]?.map(\.target) ?? [route]
    }

    /// One for each table, of those that go there one that is not in yet.
    private func made(_ routes: [TableRoute]) -> [TableRoute] {
        var (result, places) = ([TableRoute](), [TableName: Int]())
        for route in routes {
            for table in tables(of: route) {
                guard let place = places[table.target] else {
                    places[table.target] = result.count
                    result.append(withoutReferences(table))
                    continue
                }
                if progress.isLive(result[place]) { result[place] = table }
            }
        }
        return result
    }

    /// A foreign key says that its row's parent is in one table, and the parents may be in several,
    /// among others.
    private func withoutReferences(_ route: TableRoute) -> TableRoute {
        guard !route.source.foreignKeys.isEmpty else { return route }
        var route = route
        route.source.foreignKeys.removeAll { key in
            let made = transforms.values.first { $0[0].source.source.name == key.referenced }
            return made.map { $0.count > 1 || $0[0].isMerged } ?? false
        }
        return route
    }

    // MARK: Tables

    package func schemaPlan(
        _ routes: [TableRoute], prerequisites: [SchemaObject]
    ) throws -> SchemaPlan {
        var plan = try target.schemaPlan(made(routes), prerequisites: prerequisites)
        let all = transforms.values.flatMap(\.self)
        let groups = Dictionary(grouping: all, by: \.target.target)
        for (_, group) in groups.sorted(by: { $0.key < $1.key }) { hand(group, in: &plan) }
        return plan
    }

    /// What is planned for a table is handed to the source's tables that go there.
    private func hand(_ group: [Transform], in plan: inout SchemaPlan) {
        let sources = Set(group.map(\.source.source.id))
        let made = Set(group.map(\.target.source.id))
        let keys = made.flatMap { plan.keys.removeValue(forKey: $0) ?? [] }
        // Others write there, whenever they come: their rows are found by the key.
        if group.contains(where: { $0.isMerged || $0.target.share != nil }) {
            plan.beforeRows += keys
        } else if let source = sources.first, !keys.isEmpty {
            plan.keys[source, default: []] += keys
        }
        let isStaged = made.contains { plan.staged.remove($0) != nil }
        // Rows of two tables that want one key are told from rows of two moments.
        if isStaged || group.contains(where: \.isGuarded) { plan.staged.formUnion(sources) }
    }

    package func preflight(
        _ routes: [TableRoute], prerequisites: [SchemaObject]
    ) throws -> [Finding] {
        try target.preflight(made(routes), prerequisites: prerequisites)
    }

    /// Only of columns that are passed through: of an expression's values nobody knows before.
    package func questions(_ routes: [TableRoute]) throws -> [ValueQuestion] {
        let straight = try target.questions(routes.filter { transforms[$0.source.id] == nil })
        return try routes.flatMap { transforms[$0.source.id] ?? [] }.reduce(into: straight) {
            $0 += try questions($1)
        }
    }

    private func questions(_ transform: Transform) throws -> [ValueQuestion] {
        try target.questions([transform.target]).compactMap { question in
            guard
                let output = transform.outputs.first(where: {
                    $0.column.name == question.column.name
                }), let column = output.passes
            else { return nil }
            var asked = question
            asked.column = transform.source.columns[column]
            return asked
        }
    }

    package func grantStatements(_ routes: [TableRoute]) throws -> [String] {
        try target.grantStatements(made(routes))
    }

    package func openApplier(
        _ routes: [TableRoute], label: String, staged: Set<Int>
    ) throws -> any ChangeApplier {
        let layout = RouteLayout(routes, transforms)
        let applier = try target.openApplier(
            layout.routes, label: label, staged: layout.outputs(of: staged))
        return TransformingApplier(
            applier, layout, progress, keys: keys, sourceName: sourceName)
    }

    // MARK: As it is

    package func prepare() throws { try target.prepare() }

    package func load(pipeline: String) throws -> StoredPipeline? {
        try target.load(pipeline: pipeline)
    }

    package func acquire(
        pipeline: String, setup: PipelineSetup, holder: Holder, lease: Double
    ) throws -> StoredPipeline {
        let stored = try target.acquire(
            pipeline: pipeline, setup: setup, holder: holder, lease: lease)
        progress.begin(stored)
        return stored
    }

    package func renewLease(_ report: RunReport) throws { try target.renewLease(report) }
    package func release(_ report: RunReport) throws { try target.release(report) }

    package func store(
        setup: PipelineSetup, checkpoint: Checkpoint?, tables: [TableProgress]
    ) throws {
        try target.store(
            setup: setup, checkpoint: checkpoint, tables: progress.tables(tables))
    }

    package func shape(of table: TableName, share: RowShare?) throws -> TargetShape? {
        try target.shape(of: table, share: share)
    }

    package func run(_ statements: [String], tables: [TableProgress]) throws {
        try transforms.values.flatMap(\.self).explaining {
            try target.run(statements, tables: progress.tables(tables))
        }
    }

    package func empty(_ table: TableName, share: RowShare?) throws {
        try target.empty(table, share: share)
    }

    package func setAside(_ table: TableName) throws { try target.setAside(table) }
    package func drop(pipeline: String) throws { try target.drop(pipeline: pipeline) }
    package func close() { target.close() }
}

extension [Transform] {
    /// Two rows of one key are the transform's doing, where its key is not one to one.
    func explaining<Result>(_ body: () throws -> Result) throws -> Result {
        do { return try body() } catch var error as ReplicationError {
            let likely = filter { $0.target.target == error.table }
            guard error.kind == .rowConflict, let transform = likely.first else { throw error }
            if transform.isGuarded {
                let key = transform.target.keyColumns.map(\.name).joined(separator: ", ")
                error.why +=
                    ": several tables go there, and two of their rows have one key (\(key))"
                error.remedy =
                    "a constant in the key, another in each SELECT; then martlet run --fresh"
            } else if likely.contains(where: { !$0.isOneToOne }) {
                error.why += ": the transform's key is not one to one, so that two rows may have it"
                error.remedy = "pass the source's key through, or hash each column of it alone"
            }
            throw error
        }
    }
}
