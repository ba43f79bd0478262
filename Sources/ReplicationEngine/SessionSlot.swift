import Foundation
internal import ReplicationModel
import Synchronization

/// One connection that is opened when it is needed, opened again when it is dead, and used by one
/// thread at a time.
///
/// @unchecked: `turn` lets one thread at a time at `connection`; `close` alone comes from outside
/// and only interrupts it, which any thread may.
package final class SessionSlot<Session: DatabaseSession>: @unchecked Sendable {
    private let label: String
    private let open: @Sendable (String) throws -> Session
    private let turn = NSLock()
    private var connection: Session?
    private let interruptible = Mutex<Interruptible>(Interruptible())

    private struct Interruptible {
        var connection: UncheckedReference?
        var isClosed = false
    }

    /// `interrupt` is safe from any thread; nothing else is called through this.
    private struct UncheckedReference: @unchecked Sendable { let connection: Session }

    package init(label: String, open: @escaping @Sendable (String) throws -> Session) {
        self.label = label
        self.open = open
    }

    /// Runs `body` on the connection. `repeats`: once more on a new connection when this one turns
    /// out to be lost; only for what may run twice.
    package func with<Result>(
        repeats: Bool = false, _ body: (Session) throws -> Result
    ) throws -> Result {
        turn.lock()
        defer { turn.unlock() }
        let isFresh = connection?.isAlive != true
        do { return try body(try current()) } catch {
            let failure = Session.replicationError(error)
            if connection?.isAlive != true { forget() }
            guard repeats, !isFresh, failure.kind == .connectionLost, !isClosed else {
                throw failure
            }
        }
        do { return try body(try current()) } catch { throw Session.replicationError(error) }
    }

    private func current() throws -> Session {
        if let connection, connection.isAlive { return connection }
        forget()
        let opened = try open(label)
        let isClosed = interruptible.withLock {
            $0.connection = UncheckedReference(connection: opened)
            return $0.isClosed
        }
        guard !isClosed else { throw closed }
        connection = opened
        return opened
    }

    private func forget() {
        interruptible.withLock { $0.connection = nil }
        connection = nil
    }

    private var isClosed: Bool { interruptible.withLock { $0.isClosed } }

    private var closed: ReplicationError {
        ReplicationError(
            .connectionLost, "use the target connection '\(label)'", why: "Martlet is closing it")
    }

    /// Breaks a call that is blocked; the connection is not opened again.
    package func close() {
        interruptible.withLock {
            $0.isClosed = true
            $0.connection?.connection.interrupt()
            $0.connection = nil
        }
        guard turn.try() else { return }
        connection = nil
        turn.unlock()
    }
}
