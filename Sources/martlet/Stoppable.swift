import Dispatch
import Foundation
import Logging
import Operations
import ServiceLifecycle
import Synchronization
import UnixSignals

/// Blocking work as a service: the first SIGINT or SIGTERM asks it to stop, the second ends the
/// process at once with 130 or 143.
struct Stoppable<Value: Sendable>: Service {
    /// Delivers the result, unless the body does first.
    typealias Deliver = @Sendable (Result<Value, any Error>) -> Void

    let outcome = FirstResult<Value>()
    let stop: @Sendable (@escaping Deliver) -> Void
    let body: @Sendable () throws -> Value

    func run() async throws {
        BlockingCall.start("martlet") { [outcome, body] in outcome.deliver(Result(catching: body)) }
        await withGracefulShutdownHandler {
            await outcome.wait()
        } onGracefulShutdown: {
            stop(outcome.deliver)
        }
    }

    /// Runs `body` on a thread of its own until it returns or throws.
    static func run(
        _ logger: Logger, stop: @escaping @Sendable (@escaping Deliver) -> Void,
        body: @escaping @Sendable () throws -> Value
    ) async throws -> Value {
        let service = Stoppable(stop: stop, body: body)
        let second = SecondSignal()
        defer { second.cancel() }
        // The group's own lines about starting and stopping say nothing to an operator.
        var quiet = logger
        quiet.logLevel = .critical
        let group = ServiceGroup(
            configuration: .init(
                services: [
                    .init(
                        service: service, successTerminationBehavior: .gracefullyShutdownGroup)
                ],
                gracefulShutdownSignals: [.sigint, .sigterm], logger: quiet))
        try await group.run()
        guard let result = service.outcome.result else { throw CancellationError() }
        return try result.get()
    }
}

/// Counts signals beside the service group, which hears the first one only.
final class SecondSignal {
    private let sources: [any DispatchSourceSignal]

    init() {
        let counter = SignalCounter()
        sources = [SIGINT, SIGTERM].map { number in
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(
                signal: number, queue: .global(qos: .userInteractive))
            source.setEventHandler { if counter.next() > 1 { _exit(128 + number) } }
            source.resume()
            return source
        }
    }

    func cancel() { for source in sources { source.cancel() } }
}

private final class SignalCounter: Sendable {
    private let count = Atomic(0)

    func next() -> Int { count.add(1, ordering: .relaxed).newValue }
}
