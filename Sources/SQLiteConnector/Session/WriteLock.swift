import Foundation

/// The right to write, for the sessions of one target in this process, given in the order asked.
///
/// SQLite has one writer, and its own waiting is a race of sleeping retries: under load one thread
/// can lose it for seconds. With this lock, load workers and the stream take turns.
///
/// `@unchecked Sendable`: every field is read and written under `condition`.
final class WriteLock: @unchecked Sendable {
    private let condition = NSCondition()
    private var isHeld = false
    private var waiting: [UInt64] = []
    private var lastTicket: UInt64 = 0

    /// Waits for its turn, however long the transactions before it take.
    func lock() { _ = lock(within: nil) }

    /// - Returns: false if the turn did not come within `seconds`.
    func lock(within seconds: Double?) -> Bool {
        let deadline = seconds.map { Date(timeIntervalSinceNow: $0) }
        condition.lock()
        defer { condition.unlock() }
        lastTicket += 1
        let ticket = lastTicket
        waiting.append(ticket)
        while isHeld || waiting.first != ticket {
            if !wait(until: deadline), isHeld || waiting.first != ticket {
                waiting.removeAll { $0 == ticket }
                condition.broadcast()
                return false
            }
        }
        waiting.removeFirst()
        isHeld = true
        return true
    }

    /// Without a deadline `wait(until:)` must not be used: it traps on the distant future.
    private func wait(until deadline: Date?) -> Bool {
        if let deadline { return condition.wait(until: deadline) }
        condition.wait()
        return true
    }

    func unlock() {
        condition.lock()
        defer { condition.unlock() }
        isHeld = false
        condition.broadcast()
    }

    /// How many wait for their turn.
    var waitingCount: Int {
        condition.lock()
        defer { condition.unlock() }
        return waiting.count
    }
}
