internal import CMariaDB
internal import ReplicationEngine
package import ReplicationModel

extension MySQLConnection: DatabaseSession {
    package var descriptor: Int32 { mysql_get_socket(handle) }
    package func rollback() throws { try run("ROLLBACK") }

    package static func replicationError(_ error: any Error) -> ReplicationError {
        error.asReplicationError()
    }
}
