import Foundation

/// A named thread for blocking calls: libpq and SQLite block, and nothing that blocks may run on
/// the default executor (8 blocked tasks delayed a 20 ms timer to 1.2 s: DESIGN section 4).
package final class WorkerThread: Sendable {
    /// Runs `body` on a new thread and returns when it has ended.
    package static func run<Result: Sendable>(
        _ name: String, _ body: @escaping @Sendable () throws -> Result
    ) async throws -> Result {
        try await withCheckedThrowingContinuation { continuation in
            start(name) { continuation.resume(with: Swift.Result { try body() }) }
        }
    }

    /// Starts `body` on a new thread. Names are cut to 15 characters by the kernel.
    package static func start(_ name: String, _ body: @escaping @Sendable () -> Void) {
        let thread = Thread(block: body)
        thread.name = String(name.prefix(15))
        thread.stackSize = 2 << 20
        thread.start()
    }
}
