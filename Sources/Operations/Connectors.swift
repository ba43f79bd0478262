package import Configuration
package import Logging
package import ReplicationEngine
import ReplicationModel

/// Makes what belongs to an engine from a URL: the one place that knows the connectors by name.
package enum Connectors {
    package static func source(_ configuration: PipelineConfiguration) throws
        -> any ReplicationSource
    {
        throw missing("the connector of a \(configuration.source.engine.rawValue) source")
    }

    package static func target(_ configuration: PipelineConfiguration) throws
        -> any ReplicationTarget
    {
        throw missing("the connector of a \(configuration.target.engine.rawValue) target")
    }

    /// The flow itself, ready to run.
    package static func pipeline(_ preparation: RunPreparation, logger: Logger) throws
        -> any PipelineRun
    {
        try EngineRun(preparation, logger: logger)
    }

    /// An executable that is built without a part says so instead of doing something else.
    private static func missing(_ part: String) -> ReplicationError {
        ReplicationError(
            .unsupported, "set up the pipeline", why: "\(part) is not part of this build")
    }
}
