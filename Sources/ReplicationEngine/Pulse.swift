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

/// Compares the tables' fingerprints with those the pipeline was made for (DESIGN section 5).
///
/// A new shape stops at once. A new file alone is TRUNCATE, VACUUM FULL, CLUSTER, or a rewrite that
/// changed values without events (P45): it is accepted only when the stream has brought a TRUNCATE
/// of the table since, or brings one while it passes the next heartbeats.
struct FingerprintWatch {
    let routes: [TableRoute]
    private var accepted: [Fingerprint]
    /// Route -> (file seen, TRUNCATEs passed then, looks left).
    private var doubts: [Int: (file: Substring, looks: Int)] = [:]
    private var truncates: [Int: Int] = [:]

    /// Looks in a row, 10 s apart, after which a new file without TRUNCATE is an unseen rewrite.
    private static let patience = 3

    /// - Parameter stored: as the target has them: what changed while nothing ran counts as well.
    init(_ routes: [TableRoute], stored: [String]) {
        self.routes = routes
        accepted = stored.map { Fingerprint($0) }
    }

    /// The fingerprints that are explained up to now, by route.
    var current: [String] { accepted.map(\.description) }

    /// The last look of a run that ends: what is not explained by now is not going to be.
    mutating func conclude(_ found: [UInt32: String], truncates now: [Int: Int]) throws {
        for _ in 0...Self.patience { try look(found, truncates: now) }
    }

    mutating func look(_ found: [UInt32: String], truncates now: [Int: Int]) throws {
        for (index, route) in routes.enumerated() {
            guard let text = found[route.source.id] else {
                throw ReplicationError.unseenChange(route.source.name, position: nil)
            }
            try look(index, Fingerprint(text), now[index] ?? 0)
        }
    }

    private mutating func look(_ index: Int, _ found: Fingerprint, _ passed: Int) throws {
        guard found.shape == accepted[index].shape else {
            throw ReplicationError.unseenChange(routes[index].source.name, position: nil)
        }
        if found.file == accepted[index].file {
            doubts[index] = nil
            return
        }
        if passed > truncates[index] ?? 0 {
            truncates[index] = passed
            accepted[index] = found
            doubts[index] = nil
            return
        }
        let looks = doubts[index].map { $0.looks - 1 } ?? Self.patience
        guard looks > 0 else {
            throw ReplicationError.unseenChange(routes[index].source.name, position: nil)
        }
        doubts[index] = (found.file, looks)
    }
}

extension Error {
    var asReplicationError: ReplicationError {
        (self as? ReplicationError)
            ?? ReplicationError(.internalFault, "run the pipeline", why: String(describing: self))
    }
}
