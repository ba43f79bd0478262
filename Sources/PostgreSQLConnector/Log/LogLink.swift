import Foundation
internal import ReplicationModel
import Synchronization

/// What the reading thread and the consumer share: one slot for a batch, and the positions.
///
///     pg-log:   builds a batch --put--> [slot] --take--> consumer applies it
///
/// The thread builds the next batch while one waits in the slot: two batches at most wait, and when
/// both are there the thread receives no more. A consumer that finds the slot empty says so, and
/// gets what there is without waiting for more.
final class LogLink: @unchecked Sendable {  // `condition` guards the variables
    private let condition = NSCondition()
    private var slot: [ChangeBatch] = []
    private var failure: ReplicationError?
    private var isOver = false
    private var hasEnded = false
    private var threadWaitsForSlot = false
    private let wake: WakePipe

    let isConsumerWaiting = Atomic<Bool>(false)
    private let isClosed = Atomic<Bool>(false)
    private let isAbandoned = Atomic<Bool>(false)
    /// The server waits for an answer (P17): what is confirmed is passed on at once.
    let isConfirmationUrgent = Atomic<Bool>(false)
    private let confirmedPosition: Atomic<UInt64>
    private let receivedPosition: Atomic<UInt64>

    init(start: LogPosition) throws {
        wake = try WakePipe()
        confirmedPosition = Atomic(start.rawValue)
        receivedPosition = Atomic(start.rawValue)
    }

    var confirmed: LogPosition {
        LogPosition(rawValue: confirmedPosition.load(ordering: .acquiring))
    }

    var received: LogPosition {
        LogPosition(rawValue: receivedPosition.load(ordering: .acquiring))
    }
}

// MARK: The consumer's side

extension LogLink {
    func take(timeout: Double) throws -> ChangeBatch? {
        let deadline = Date().addingTimeInterval(timeout)
        condition.lock()
        defer { condition.unlock() }
        while slot.isEmpty {
            if let failure { throw failure }
            if isOver { return nil }
            isConsumerWaiting.store(true, ordering: .releasing)
            requestBatch()
            let inTime = condition.wait(until: deadline)
            isConsumerWaiting.store(false, ordering: .releasing)
            if !inTime && slot.isEmpty && failure == nil { return nil }
        }
        let batch = slot.removeFirst()
        requestBatch()
        return batch
    }

    /// The thread is woken only if it said that it has something for the slot.
    private func requestBatch() {
        guard threadWaitsForSlot else { return }
        threadWaitsForSlot = false
        wake.wake()
    }

    func confirm(_ position: LogPosition) {
        confirmedPosition.max(position.rawValue, ordering: .acquiringAndReleasing)
        let isUrgent = isConfirmationUrgent.exchange(false, ordering: .acquiringAndReleasing)
        if isUrgent || isClosed.load(ordering: .acquiring) { wake.wake() }
    }

    func close() {
        isClosed.store(true, ordering: .releasing)
        wake.wake()
    }

    /// Nobody will take or confirm anything more. Returns when the thread has ended, or after a
    /// while.
    func abandon() {
        isAbandoned.store(true, ordering: .releasing)
        close()
        let deadline = Date().addingTimeInterval(2)
        condition.lock()
        defer { condition.unlock() }
        while !hasEnded, condition.wait(until: deadline) {}
    }
}

// MARK: The thread's side

extension LogLink {
    var isClosing: Bool { isClosed.load(ordering: .relaxed) }
    var isLeftAlone: Bool { isAbandoned.load(ordering: .acquiring) }

    /// Whether `put` may be called now. If not, the thread is woken when it may.
    func hasRoom() -> Bool {
        condition.lock()
        defer { condition.unlock() }
        threadWaitsForSlot = !slot.isEmpty
        return slot.isEmpty
    }

    /// Only the thread puts, so that `hasRoom` stays true until it does. At the end a batch may be
    /// put beside the one that waits.
    func put(_ batch: ChangeBatch) {
        condition.lock()
        slot.append(batch)
        condition.signal()
        condition.unlock()
    }

    func fail(_ error: ReplicationError) {
        condition.lock()
        failure = error
        condition.broadcast()
        condition.unlock()
    }

    /// Nothing more is put.
    func endDeliveries(threadToo: Bool = true) {
        condition.lock()
        isOver = true
        hasEnded = threadToo
        condition.broadcast()
        condition.unlock()
    }

    func noteReceived(_ position: LogPosition) {
        receivedPosition.max(position.rawValue, ordering: .relaxed)
    }

    func wait(_ descriptor: Int32?, alsoWritable: Bool = false, milliseconds: Int32) {
        wake.wait(descriptor, alsoWritable: alsoWritable, milliseconds: milliseconds)
    }
}
