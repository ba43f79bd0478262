import Foundation
internal import ReplicationModel
import Synchronization

/// Connections to one server for short questions; each call has one to itself.
///
/// A connection that died while idle (restarted server, cut link) is noticed before it is used and
/// replaced, so that the caller's statement is sent exactly once and never repeated after a
/// failure.
package final class SessionPool<Session: DatabaseSession>: Sendable {
    /// A connection is used by one thread at a time: it leaves the list while it is used.
    private struct Idle: @unchecked Sendable { let connection: Session }

    /// More than the engine's threads that ask at the same time would only cost sessions.
    private let limit = 3

    private let open: @Sendable () throws -> Session
    private let idle = Mutex<[Idle]>([])

    /// - Parameter open: makes a connection that is ready for use.
    package init(open: @escaping @Sendable () throws -> Session) { self.open = open }

    /// Runs `body` on a connection that is alive and outside a transaction. A transaction left open
    /// by an error is rolled back. Errors come out as `ReplicationError`.
    package func use<Result>(_ body: (Session) throws -> Result) throws -> Result {
        let connection = try take()
        defer { give(connection) }
        do { return try body(connection) } catch { throw Session.replicationError(error) }
    }

    private func take() throws -> Session {
        while let found = idle.withLock({ $0.popLast() }) {
            if found.connection.isQuiet { return found.connection }
        }
        do { return try open() } catch { throw Session.replicationError(error) }
    }

    private func give(_ connection: Session) {
        guard connection.isAlive else { return }
        if connection.isInTransaction {
            guard (try? connection.rollback()) != nil else { return }
        }
        let returned = Idle(connection: connection)
        idle.withLock { if $0.count < limit { $0.append(returned) } }
    }
}
