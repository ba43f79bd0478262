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

    /// - Parameter routes: every table of the pipeline.
    package init(
        _ target: any ReplicationTarget, _ transforms: [Transform], of routes: [TableRoute],
        keys: TransformKeys, sourceName: String
    ) {
        self.target = target
        self.transforms = transforms.bySource(besides: routes.map(\.source.id))
        self.keys = keys
        self.sourceName = sourceName
        progress = OutputProgress(self.transforms, OutputProgress.Counts())
    }

    package func tables(of route: TableRoute) -> [TableRoute] {
        transforms[route.source.id]?.map(\.target) ?? [route]
    }

    private func made(_ routes: [TableRoute]) -> [TableRoute] { routes.flatMap(tables) }

    // MARK: Tables

    package func schemaPlan(
        _ routes: [TableRoute], prerequisites: [SchemaObject]
    ) throws -> SchemaPlan {
        var plan = try target.schemaPlan(made(routes), prerequisites: prerequisites)
        for list in transforms.values {
            guard let first = list.first?.target.source.id else { continue }
            for output in list.dropFirst().map(\.target.source.id) {
                if let keys = plan.keys.removeValue(forKey: output) {
                    plan.keys[first, default: []] += keys
                }
                if plan.staged.remove(output) != nil { plan.staged.insert(first) }
            }
        }
        return plan
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

    package func shape(of table: TableName) throws -> TargetShape? { try target.shape(of: table) }

    package func run(_ statements: [String], tables: [TableProgress]) throws {
        try transforms.values.flatMap(\.self).explaining {
            try target.run(statements, tables: progress.tables(tables))
        }
    }

    package func empty(_ table: TableName) throws { try target.empty(table) }
    package func setAside(_ table: TableName) throws { try target.setAside(table) }
    package func drop(pipeline: String) throws { try target.drop(pipeline: pipeline) }
    package func close() { target.close() }
}

extension [Transform] {
    /// Two rows of one key are the transform's doing, where its key is not one to one.
    func explaining<Result>(_ body: () throws -> Result) throws -> Result {
        do { return try body() } catch var error as ReplicationError {
            let isLikely = contains { !$0.isOneToOne && $0.target.target == error.table }
            guard isLikely, error.kind == .rowConflict else { throw error }
            error.why += ": the transform's key is not one to one, so that two rows may have it"
            error.remedy = "pass the source's key through, or hash each column of it alone"
            throw error
        }
    }
}
