import Foundation
package import ReplicationModel

/// A connector's connection to a server, as far as keeping it needs to know: what `SessionSlot` and
/// `SessionPool` ask of it. Used by one thread at a time; only `interrupt` may come from another.
package protocol DatabaseSession: AnyObject {
    /// Neither the server nor the link is known to be gone.
    var isAlive: Bool { get }
    var isInTransaction: Bool { get }

    /// The descriptor of the link.
    var descriptor: Int32 { get }

    func rollback() throws

    /// Breaks whatever call is blocked on the connection. Safe from any thread.
    func interrupt()

    /// Any error of the connector as the engine's.
    static func replicationError(_ error: any Error) -> ReplicationError
}

extension DatabaseSession {
    /// Whether nothing has come from the server while nobody asked it. A server says nothing to an
    /// idle session unless it ends it: bytes to read, or the link's end, mean that the connection
    /// is not to be used again.
    var isQuiet: Bool {
        var question = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        return isAlive && poll(&question, 1, 0) == 0
    }
}
