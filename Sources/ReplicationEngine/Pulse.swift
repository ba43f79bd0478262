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

extension Error {
    var asReplicationError: ReplicationError {
        (self as? ReplicationError)
            ?? ReplicationError(.internalFault, "run the pipeline", why: String(describing: self))
    }
}
