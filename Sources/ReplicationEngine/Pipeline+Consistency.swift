import Foundation
import Logging
internal import ReplicationModel

extension Pipeline {
    /// Secondary unique indexes and foreign keys, between two stream transactions, once every table
    /// is live: only then the target is a state that the source had (DESIGN 6.11).
    ///
    /// - Parameters:
    ///   - again: rows that do not fit may be mended at the source since, and no run that ends here
    ///     would come to that: it is tried once more behind the log's end of now.
    ///   - mended: where.
    func makeConsistent(
        _ start: Preparation.Start, _ state: Monitor<RunState>, again: Bool,
        _ mended: inout LogMark?
    ) throws -> Bool {
        state.with { $0.note("target: making unique indexes and foreign keys", by: "stream") }
        defer { state.with { $0.note(nil, by: "stream") } }
        let schema = try target.schemaPlan(plan.routes, prerequisites: plan.prerequisites)
        do {
            try target.run(schema.whenConsistent, tables: [])
        } catch let error as ReplicationError {
            guard error.kind == .rowConflict, again, mended == nil else {
                throw UnkeptConstraint.told(error, plan.routes)
            }
            mended = try source.mark("mended:" + UUID().uuidString)
            return false
        }
        var setup = start.setup
        setup.isConsistent = true
        try target.store(setup: setup, checkpoint: nil, tables: [])
        Failpoint.hit(.consistencyMade)
        logger.notice("all tables are live")
        return true
    }
}
