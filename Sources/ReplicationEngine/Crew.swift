import Foundation

/// The threads of one attempt, so that it ends only when they have.
final class Crew: Sendable {
    private let group = DispatchGroup()

    func start(_ name: String, _ body: @escaping @Sendable () -> Void) {
        group.enter()
        WorkerThread.start(name) { [group] in
            body()
            group.leave()
        }
    }

    func join() { group.wait() }
}
