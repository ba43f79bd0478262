import Foundation
internal import ReplicationModel

/// What happens by the clock beside the stream: the heartbeat at the source, the lease at the
/// target, the comparison of fingerprints. Each on its own thread, so that one end that hangs does
/// not silence the other.
enum Pulse {
    /// Content of the heartbeat message; its time is its transaction's commit time.
    static let heartbeat = "heartbeat"
    static let heartbeatSeconds = 1.0
    static let fingerprintSeconds = 10.0

    /// Marks this moment in the source's log; the stream tells when it has passed it.
    static func beat(_ source: any ReplicationSource, _ state: Monitor<RunState>) throws {
        switch try source.mark(heartbeat) {
        case .message: break
        case .position(let position, let time): state.with { $0.beats.add(position, time) }
        }
    }

    /// Runs `beat` every `seconds` until the attempt ends; a failure ends the attempt.
    static func every(
        _ seconds: Double, _ state: Monitor<RunState>, _ beat: () throws -> Void
    ) {
        while !state.with(\.isStopping) {
            do { try beat() } catch {
                state.with { $0.fail(error.asReplicationError) }
                return
            }
            _ = state.wait(timeout: seconds) { $0.isStopping ? true : nil }
        }
    }
}

/// Heartbeats that are positions, oldest first, which the stream has not passed yet.
struct PositionBeats: Sendable {
    private var waiting: [(position: LogPosition, time: Int64)] = []
    /// A backlog of hours would pile them up: of so many one is kept, evenly, more in a row as the
    /// list fills, fewer again once it has been passed.
    private var spacing = 1
    private var skipped = 0
    private static let limit = 1000
    var count: Int { waiting.count }

    mutating func add(_ position: LogPosition, _ time: Int64) {
        skipped += 1
        guard skipped >= spacing else { return }
        skipped = 0
        if waiting.count >= Self.limit {
            waiting = waiting.enumerated().filter { !$0.offset.isMultiple(of: 2) }.map(\.element)
            spacing *= 2
        }
        waiting.append((position, time))
    }

    /// The time of the newest one at or before `position`, which are forgotten; nil if none is.
    mutating func pass(_ position: LogPosition) -> Int64? {
        let passed = waiting.prefix { $0.position <= position }
        defer {
            waiting.removeFirst(passed.count)
            if waiting.isEmpty { spacing = 1 }
        }
        return passed.last?.time
    }
}

extension Error {
    var asReplicationError: ReplicationError {
        (self as? ReplicationError)
            ?? ReplicationError(.internalFault, "run the pipeline", why: String(describing: self))
    }
}
