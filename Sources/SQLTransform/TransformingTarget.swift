package import ReplicationEngine
package import ReplicationModel

/// A target in front of the target: the engine hands it rows of the source, it hands on rows of its
/// transforms. Everything that is not about rows or their tables is the other one's.
///
/// Tables without a transform pass through it; their rows are not looked at.
package final class TransformingTarget: ReplicationTarget {
    private let target: any ReplicationTarget
    /// By id of the source's table.
    private let transforms: [UInt32: Transform]
    private let keys: TransformKeys
    private let sourceName: String

    package init(
        _ target: any ReplicationTarget, _ transforms: [Transform], keys: TransformKeys,
        sourceName: String
    ) {
        self.target = target
        self.transforms = Dictionary(
            transforms.map { ($0.source.source.id, $0) }, uniquingKeysWith: { first, _ in first })
        self.keys = keys
        self.sourceName = sourceName
    }

    private func made(_ routes: [TableRoute]) -> [TableRoute] {
        routes.map { transforms[$0.source.id]?.target ?? $0 }
    }

    // MARK: Tables

    package func schemaPlan(
        _ routes: [TableRoute], prerequisites: [SchemaObject]
    ) throws -> SchemaPlan {
        try target.schemaPlan(made(routes), prerequisites: prerequisites)
    }

    package func preflight(
        _ routes: [TableRoute], prerequisites: [SchemaObject]
    ) throws -> [Finding] {
        try target.preflight(made(routes), prerequisites: prerequisites)
    }

    /// Only of columns that are passed through: of an expression's values nobody knows before.
    package func questions(_ routes: [TableRoute]) throws -> [ValueQuestion] {
        let bySource = Dictionary(
            transforms.values.map { ($0.source.source.name, $0) }, uniquingKeysWith: { a, _ in a })
        return try target.questions(made(routes)).compactMap { question in
            guard let transform = bySource[question.table] else { return question }
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
        let applier = try target.openApplier(made(routes), label: label, staged: staged)
        return TransformingApplier(
            applier, transforms: routes.map { transforms[$0.source.id] }, keys: keys,
            sourceName: sourceName)
    }

    // MARK: As it is

    package func prepare() throws { try target.prepare() }

    package func load(pipeline: String) throws -> StoredPipeline? {
        try target.load(pipeline: pipeline)
    }

    package func acquire(
        pipeline: String, setup: PipelineSetup, holder: Holder, lease: Double
    ) throws -> StoredPipeline {
        try target.acquire(pipeline: pipeline, setup: setup, holder: holder, lease: lease)
    }

    package func renewLease(_ report: RunReport) throws { try target.renewLease(report) }
    package func release(_ report: RunReport) throws { try target.release(report) }

    package func store(
        setup: PipelineSetup, checkpoint: Checkpoint?, tables: [TableProgress]
    ) throws { try target.store(setup: setup, checkpoint: checkpoint, tables: tables) }

    package func shape(of table: TableName) throws -> TargetShape? { try target.shape(of: table) }

    package func run(_ statements: [String], tables: [TableProgress]) throws {
        try Array(transforms.values).explaining { try target.run(statements, tables: tables) }
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
