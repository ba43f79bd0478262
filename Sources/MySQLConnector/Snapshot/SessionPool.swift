internal import CMariaDB
import Foundation
internal import ReplicationModel
import Synchronization

/// Connections to one server for short questions; each call has one to itself.
///
/// A connection that died while idle (restarted server, cut link) is noticed before it is used and
/// replaced, so that the caller's statement is sent exactly once and never repeated after a
/// failure.
final class SessionPool: Sendable {
    /// A connection is used by one thread at a time: it leaves the list while it is used.
    private struct Idle: @unchecked Sendable { let connection: MySQLConnection }

    /// More than the engine's threads that ask at the same time would only cost sessions.
    private static let limit = 3

    private let url: String
    private let password: String?
    private let label: String
    private let idle = Mutex<[Idle]>([])

    init(url: String, password: String?, label: String) {
        self.url = url
        self.password = password
        self.label = label
    }

    /// Runs `body` on a connection that is alive and outside a transaction. A transaction left open
    /// by an error is rolled back. Errors come out as `ReplicationError`.
    func use<Result>(_ body: (MySQLConnection) throws -> Result) throws -> Result {
        let connection = try take()
        defer { give(connection) }
        do { return try body(connection) } catch { throw error.asReplicationError() }
    }

    private func take() throws -> MySQLConnection {
        while let found = idle.withLock({ $0.popLast() }) {
            if Self.isQuiet(found.connection) { return found.connection }
        }
        return try MySQLConnection(url: url, password: password, label: label, purpose: .source)
    }

    /// A server says nothing to an idle session unless it ends it: bytes to read, or the link's
    /// end, mean that the connection is not to be used again.
    private static func isQuiet(_ connection: MySQLConnection) -> Bool {
        let socket = mysql_get_socket(connection.handle)
        var descriptor = pollfd(fd: socket, events: Int16(POLLIN), revents: 0)
        return connection.isAlive && poll(&descriptor, 1, 0) == 0
    }

    private func give(_ connection: MySQLConnection) {
        guard connection.isAlive else { return }
        if connection.isInTransaction {
            guard (try? connection.run("ROLLBACK")) != nil else { return }
        }
        let returned = Idle(connection: connection)
        idle.withLock { if $0.count < Self.limit { $0.append(returned) } }
    }
}
