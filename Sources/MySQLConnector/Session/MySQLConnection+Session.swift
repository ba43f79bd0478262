internal import CMariaDB
import Foundation
internal import ReplicationEngine
package import ReplicationModel

extension MySQLConnection: DatabaseSession {
    package var isQuiet: Bool {
        var descriptor = pollfd(fd: mysql_get_socket(handle), events: Int16(POLLIN), revents: 0)
        return isAlive && poll(&descriptor, 1, 0) == 0
    }

    package func rollback() throws { try run("ROLLBACK") }

    package static func replicationError(_ error: any Error) -> ReplicationError {
        error.asReplicationError()
    }
}
