import Foundation
import ReplicationEngine
import Testing

@Suite("Monitor")
struct MonitorTests {
    @Test("A waiter goes on as soon as another thread lets it")
    func wakes() async throws {
        let monitor = Monitor(0)
        let waiter = Task.detached {
            try await WorkerThread.run("waiter") {
                monitor.wait(timeout: 20) { $0 == 3 ? "three" : nil }
            }
        }
        for _ in 0..<3 { monitor.with { $0 += 1 } }
        #expect(try await waiter.value == "three")
    }

    @Test("Without a change it gives up after the timeout")
    func timesOut() {
        let began = ContinuousClock.now
        let result = Monitor(0).wait(timeout: 0.05) { $0 == 1 ? true : nil }
        #expect(result == nil)
        #expect(ContinuousClock.now - began >= .milliseconds(40))
    }

    @Test("What a waiting body changes is seen by other waiters")
    func passesOn() async throws {
        let monitor = Monitor(0)
        let results = try await withThrowingTaskGroup(of: Int?.self) { group in
            for turn in 0..<8 {
                group.addTask {
                    try await WorkerThread.run("turn-\(turn)") {
                        monitor.wait(timeout: 20) { state -> Int? in
                            guard state == turn else { return nil }
                            state += 1
                            return turn
                        }
                    }
                }
            }
            return try await group.reduce(into: [Int?]()) { $0.append($1) }
        }
        #expect(results.compactMap(\.self).sorted() == Array(0..<8))
    }

    @Test("Threads exclude each other, and an error leaves the lock free")
    func excludes() async throws {
        let monitor = Monitor(0)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<4 {
                group.addTask {
                    try await WorkerThread.run("count") {
                        for _ in 0..<1000 { monitor.with { $0 += 1 } }
                    }
                }
            }
            try await group.waitForAll()
        }
        #expect(throws: CancellationError.self) {
            try monitor.with { _ in throw CancellationError() }
        }
        #expect(monitor.with { $0 } == 4000)
    }
}
