import Foundation
import ReplicationEngine
import ReplicationModel

/// Random schedules: source, stream, workers and kills in any order, then all runs to its end.
enum MergeSchedules {
    /// Schedules per configuration: enough to find each broken rule; campaigns ask for more.
    static let runs = ProcessInfo.processInfo.environment["MARTLET_MODEL_RUNS"].flatMap { Int($0) }

    struct Wrong: CustomStringConvertible {
        var seed: UInt64
        var why: String
        var trace: [String]
        var description: String {
            "seed \(seed): \(why)\n" + trace.joined(separator: "\n")
        }
    }

    /// Why the schedule went wrong; nil if it did not.
    static func run(_ options: ModelOptions, seed: UInt64, traced: Bool = false) -> Wrong? {
        var random = SeededGenerator(seed: seed)
        let source = ModelSource(options, rows: ModelSource.randomRows(options, &random))
        var world = MergeWorld(options, source: source, seed: random.next())
        if traced { world.trace = Trace() }
        do {
            try traffic(&world)
            try drain(&world)
            try world.checkOutcome()
            return nil
        } catch {
            return Wrong(seed: seed, why: "\(error)", trace: world.trace?.lines ?? [])
        }
    }

    private static func traffic(_ world: inout MergeWorld) throws {
        _ = try world.perform(.commit)
        _ = try world.perform(.commit)
        world.createSlot()
        for _ in 0..<(10 + world.random.below(110)) {
            guard let step = randomStep(&world) else { continue }
            _ = try world.perform(step)
        }
    }

    private static func randomStep(_ world: inout MergeWorld) -> ModelStep? {
        let worker = world.random.below(world.options.workers)
        switch world.random.below(100) {
        case 0..<14: return world.source.log.count < 10 ? .commit : nil
        case 14..<26: return world.random.pick(world.source.hidden).map { .show($0) }
        case 26..<32: return .receive(1 + world.random.below(3))
        case 32..<54: return .stream
        case 54..<58: return .live(world.random.below(world.routes.count))
        case 58..<60: return .workerFails(worker)
        case 60..<62 where world.options.source == .standby: return .replay
        case 60..<(world.options.isMoveHeavy ? 93 : 97): return .worker(worker)
        default: return .kill
        }
    }

    /// Runs everything to its end: nothing fails any more. A few transactions still come, so that
    /// some meet live tables; empty ones move the stream past the chunk positions.
    static func drain(_ world: inout MergeWorld) throws {
        var extra = 3
        for round in 0..<2000 {
            for xid in world.source.hidden { _ = try world.perform(.show(xid)) }
            _ = try world.perform(.replay)
            if world.isDone, world.stream.phase == .idle, world.becomingLive.isEmpty { return }
            if extra > 0, world.random.chance(2) {
                extra -= 1
                _ = try world.perform(.commit)
            }
            for worker in 0..<world.options.workers { _ = try world.perform(.worker(worker)) }
            if !(try world.perform(.receive(1 + world.random.below(3)))), round % 8 == 7 {
                beatIfIdle(&world)
            }
            for _ in 0..<2 { _ = try world.perform(.stream) }
            for route in world.routes.indices { _ = try world.perform(.live(route)) }
        }
        throw ModelFailure("stuck")
    }

    private static func beatIfIdle(_ world: inout MergeWorld) {
        guard world.stream.phase == .idle, world.stream.position == world.source.log.count else {
            return
        }
        world.source.commit(SourceTransaction(xid: world.source.takeXID(), changes: []))
    }

    /// The first schedule that goes wrong among `count` seeds from `start` on.
    static func firstWrong(_ options: ModelOptions, from start: UInt64, count: Int) -> Wrong? {
        for seed in start..<start + UInt64(count) {
            if let wrong = run(options, seed: seed) { return wrong }
        }
        return nil
    }

    /// Among all wrong schedules the one with the fewest events: for a person to read.
    static func shortestWrong(_ options: ModelOptions, count: Int) -> (Wrong?, Int) {
        var best: Wrong?
        var wrong = 0
        for seed in 0..<UInt64(count) where run(options, seed: seed) != nil {
            wrong += 1
            guard wrong < 300, let traced = run(options, seed: seed, traced: true) else { continue }
            if traced.trace.count < best?.trace.count ?? Int.max { best = traced }
        }
        return (best, wrong)
    }
}
