package import Configuration
package import ReplicationEngine
package import ReplicationModel
package import SQLTransform

/// Both ends of a pipeline and the tables between them, as they are now.
package struct PipelineScope: Sendable {
    package let configuration: PipelineConfiguration
    package let source: any ReplicationSource
    /// Takes rows of `routes`, whatever transforms make of them.
    package let target: any ReplicationTarget
    package let capture: CaptureNames
    package let tables: [TableSchema]
    package let routes: [TableRoute]
    package let transforms: [Transform]
    package let lookups: Lookups?

    /// Reads the source's catalogue; changes nothing.
    ///
    /// - Throws: `.configuration` for patterns and names, and whatever the source throws.
    package init(
        _ configuration: PipelineConfiguration, source: any ReplicationSource,
        target: any ReplicationTarget
    ) throws {
        self.configuration = configuration
        self.source = source
        capture = configuration.capture
        let names = try configuration.tables.select(from: source.listTables())
        tables = try source.describe(names)
        let definitions = try Transforming.definitions(tables, configuration)
        let routes = try Routing.routes(tables, configuration, definitions)
        let keys = Transforming.keys(configuration)
        let lookups = try LookupFiles.load(configuration)
        self.lookups = lookups
        transforms = try definitions.compactMap { definition in
            let route = routes.first { $0.source.name == definition.table }
            return try route.map {
                try Transform(compiling: definition, $0, keys: keys, lookups: lookups)
            }
        }.combined(besides: routes.map(\.source.id), sourceName: configuration.name)
        self.routes = routes
        self.target =
            transforms.isEmpty
            ? target
            : TransformingTarget(
                target, transforms, keys: keys, sourceName: configuration.name)
    }

    package func close() {
        target.close()
        lookups?.close()
    }

    /// Opens both ends for `body` and closes them.
    package static func with<Result>(
        _ configuration: PipelineConfiguration, _ body: (PipelineScope) throws -> Result
    ) throws -> Result {
        let scope = try open(configuration)
        defer { scope.close() }
        return try body(scope)
    }

    /// Connects to both ends; the target first, so that a wrong one is told before work is done.
    package static func open(_ configuration: PipelineConfiguration) throws -> PipelineScope {
        let target = try Connectors.target(configuration)
        return try PipelineScope(
            configuration, source: try Connectors.source(configuration), target: target)
    }
}
