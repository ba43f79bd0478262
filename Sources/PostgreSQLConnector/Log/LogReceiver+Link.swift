import Foundation
internal import ReplicationEngine
internal import ReplicationModel
import Synchronization

extension LogReceiver {
    var millisecondsToStatus: Int32 {
        let left = statusSeconds - (Clock.seconds - lastStatus)
        return Int32(min(statusSeconds, max(0, left)) * 1000) + 1
    }

    func sendStatusIfDue() throws {
        let isUrgent = serverWaits && link.confirmed > lastSent
        if isUrgent || Clock.seconds - lastStatus >= statusSeconds { try sendStatus() }
    }

    func sendStatus() throws {
        let position = link.confirmed
        let silence = Clock.seconds - lastHeard
        try session.sendStatus(position, asksForReply: silence > deadLinkSeconds / 4)
        lastSent = position
        lastStatus = Clock.seconds
        if position >= keepalive { serverWaits = false }
    }

    /// P17: a server that shuts down waits until all it has sent is confirmed.
    func reply() throws {
        serverWaits = true
        link.isConfirmationUrgent.store(true, ordering: .releasing)
        try sendStatus()
    }

    /// A server that does not even answer when asked is not there any more.
    func checkLink() throws {
        guard Clock.seconds - lastHeard < deadLinkSeconds else {
            throw ReplicationError(
                .connectionLost, "read the log",
                why: "nothing came from the server for \(Int(deadLinkSeconds)) s")
        }
    }

    /// After `close`: the consumer may still apply what it has, and confirm it.
    func linger() throws {
        link.endDeliveries(threadToo: false)
        let deadline = Clock.seconds + Self.lingerSeconds
        while !link.isLeftAlone, link.confirmed < lastQueued, Clock.seconds < deadline {
            try sendStatusIfDue()
            link.wait(nil, milliseconds: millisecondsToStatus)
        }
        try sendStatus()
    }
}
