import Foundation
import Synchronization

/// Named crash windows and faults for the tests of debug builds; release builds have none.
///
/// `MARTLET_FAILPOINT=name[:n]` kills the process with SIGKILL when it comes by `name` for the n-th
/// time. `MARTLET_HOLD=name:seconds` waits at every point whose name begins so, before that.
/// `MARTLET_FAULT=rule` takes one rule of the merge away, to show that the tests notice.
package enum Failpoint: String, CaseIterable, Sendable {
    case streamBegun = "stream-begun"
    case streamApplied = "stream-applied"
    case streamCommitSent = "stream-commit-sent"
    case streamCommitted = "stream-committed"
    case streamConfirmed = "stream-confirmed"
    /// What is surely visible to the snapshot is known, and it is not yet taken.
    case snapshotAwaited = "snapshot-awaited"
    /// It is taken, and where the log's end is by now is not yet known.
    case snapshotTaken = "snapshot-taken"
    case chunkCopying = "chunk-copying"
    case partCommitted = "part-committed"
    case chunkRowsWritten = "chunk-rows-written"
    case chunkClosing = "chunk-closing"
    case chunkParkedApplied = "chunk-parked-applied"
    case chunkCommitSent = "chunk-commit-sent"
    case chunkCommitted = "chunk-committed"
    case slotAnnounced = "slot-announced"
    case slotCreated = "slot-created"
    case schemaMade = "schema-made"
    case keyMade = "key-made"
    case tableLive = "table-live"
    case consistencyMade = "consistency-made"

    /// One rule of the merge, taken away.
    package enum Fault: String, Sendable {
        case noVisibilityCheck = "no-visibility-check"
        case noClosingRule = "no-closing-rule"
        case noIdempotence = "no-idempotence"
        case noRowCountCheck = "no-row-count-check"
        case noStagingRule = "no-staging-rule"
    }

    #if DEBUG
        private static let wanted: (name: String, hit: Int)? = {
            guard let text = ProcessInfo.processInfo.environment["MARTLET_FAILPOINT"] else {
                return nil
            }
            let parts = text.split(separator: ":")
            return (String(parts[0]), parts.count > 1 ? Int(parts[1]) ?? 1 : 1)
        }()
        private static let held: (name: String, seconds: Double)? = {
            let parts = ProcessInfo.processInfo.environment["MARTLET_HOLD"]?.split(separator: ":")
            guard let parts, parts.count == 2, let seconds = Double(parts[1]) else { return nil }
            return (String(parts[0]), seconds)
        }()
        private static let hits = Atomic<Int>(0)
        private static let fault = ProcessInfo.processInfo.environment["MARTLET_FAULT"]
    #endif

    package static func hit(_ point: Failpoint) {
        #if DEBUG
            if let held, point.rawValue.hasPrefix(held.name) {
                Thread.sleep(forTimeInterval: held.seconds)
            }
            guard let wanted, wanted.name == point.rawValue else { return }
            if hits.add(1, ordering: .relaxed).newValue == wanted.hit {
                kill(getpid(), SIGKILL)
            }
        #endif
    }

    package static func isTakenAway(_ rule: Fault) -> Bool {
        #if DEBUG
            return fault == rule.rawValue
        #else
            return false
        #endif
    }
}
