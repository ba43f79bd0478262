import Foundation

/// State behind one lock with one condition: threads change it, or wait until it lets them go on.
///
/// Everything that load workers and the stream share is one such state, so that each rule of the
/// merge is one critical section.
package final class Monitor<State>: @unchecked Sendable {
    // Unchecked because `state` is only touched with `condition` locked.
    private let condition = NSCondition()
    private var state: State

    package init(_ state: State) { self.state = state }

    /// Runs `body` with the state locked, then lets every waiter look again.
    package func with<Result>(_ body: (inout State) throws -> Result) rethrows -> Result {
        condition.lock()
        defer {
            condition.broadcast()
            condition.unlock()
        }
        return try body(&state)
    }

    /// Runs `body` whenever the state may have changed, until it returns a value or throws; nil
    /// after `timeout` seconds.
    package func wait<Result>(
        timeout: Double, until body: (inout State) throws -> Result?
    ) rethrows -> Result? {
        let deadline = Date(timeIntervalSinceNow: timeout)
        condition.lock()
        defer {
            condition.broadcast()
            condition.unlock()
        }
        while true {
            if let result = try body(&state) { return result }
            if !condition.wait(until: deadline) { return try body(&state) }
        }
    }
}
