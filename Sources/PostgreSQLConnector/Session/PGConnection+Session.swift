internal import ReplicationEngine
package import ReplicationModel

extension PGConnection: DatabaseSession {
    package func rollback() throws { try run("ROLLBACK") }

    package static func replicationError(_ error: any Error) -> ReplicationError {
        error.asReplicationError()
    }
}
