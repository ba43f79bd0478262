package import Configuration
package import Logging
import MySQLConnector
import PostgreSQLConnector
package import ReplicationEngine
import ReplicationModel
import SQLiteConnector

/// Makes what belongs to an engine from a URL: the one place that knows the connectors by name.
package enum Connectors {
    package static func source(_ configuration: PipelineConfiguration) throws
        -> any ReplicationSource
    {
        let url = configuration.source
        let memoryShare = Int(configuration.memoryLimit.bytes / 6)
        switch url.engine {
        case .postgres:
            return PostgreSQLSource(
                url: url.address, password: url.password?.text,
                primaryURL: configuration.sourcePrimary?.address,
                spoolDirectory: configuration.spoolPath, spoolMax: configuration.spoolMax.bytes,
                memoryShare: memoryShare, lease: configuration.lease.seconds)
        case .mysql:
            return MySQLSource(
                url: url.address, password: url.password?.text, memoryShare: memoryShare)
        case .sqlite: throw missing("the connector of a sqlite source")
        }
    }

    package static func target(_ configuration: PipelineConfiguration) throws
        -> any ReplicationTarget
    {
        let url = configuration.target
        switch url.engine {
        case .postgres:
            return PostgreSQLTarget(
                url: url.address, password: url.password?.text, lossy: configuration.lossy)
        case .sqlite: return SQLiteTarget(path: url.address)
        case .mysql: throw missing("the connector of a mysql target")
        }
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
