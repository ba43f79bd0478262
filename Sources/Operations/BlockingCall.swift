import ReplicationEngine
import Synchronization

/// Blocking work on threads of its own, for callers that are asynchronous.
package enum BlockingCall {
    /// - Parameter name: of the thread, cut to 15 characters.
    package static func run<Value: Sendable>(
        _ name: String, _ body: @escaping @Sendable () throws -> Value
    ) async throws -> Value {
        try await WorkerThread.run(name, body)
    }

    package static func start(_ name: String, _ body: @escaping @Sendable () -> Void) {
        WorkerThread.start(name, body)
    }
}

/// A result that several threads may deliver and one waits for: the first delivery counts.
package final class FirstResult<Value: Sendable>: Sendable {
    private struct State {
        var result: Result<Value, any Error>?
        var waiting: [CheckedContinuation<Void, Never>] = []
    }

    private let state = Mutex(State())

    package init() {}

    package func deliver(_ result: Result<Value, any Error>) {
        let waiting = state.withLock { state in
            if state.result == nil { state.result = result }
            defer { state.waiting = [] }
            return state.waiting
        }
        for continuation in waiting { continuation.resume() }
    }

    package func wait() async {
        await withCheckedContinuation { continuation in
            let isThere = state.withLock { state in
                if state.result == nil { state.waiting.append(continuation) }
                return state.result != nil
            }
            if isThere { continuation.resume() }
        }
    }

    /// nil until something was delivered.
    package var result: Result<Value, any Error>? { state.withLock(\.result) }
}
