package import ReplicationEngine
package import ReplicationModel

extension PGApplier {
    package func apply(
        _ batch: ChangeBatch, range: Range<Int>, actions: [ChangeAction]?, routes: [Int],
        counts: inout [ChangeCounts]
    ) throws {
        let route = tablesByRoute(of: batch, routes)
        let work = Work(range: range, actions: actions)
        try lookForKeys(work, of: batch, route)
        let batch = try converted(batch, work, route)
        let tally = try batch.bytes.withUnsafeBytes { bytes in
            try batch.values.withUnsafeBufferPointer { values in
                try batch.changes.withUnsafeBufferPointer { changes in
                    let view = BatchView(
                        bytes: bytes, values: values, changes: changes, tables: route)
                    let tally = try apply(work, of: view, in: batch)
                    note(work, of: view)
                    return tally
                }
            }
        }
        for (index, count) in tally.enumerated() {
            counts[index].inserts += count.inserts
            counts[index].updates += count.updates
            counts[index].deletes += count.deletes
        }
    }

    /// What of a batch is to be applied.
    struct Work {
        var range: Range<Int>
        var actions: [ChangeAction]?

        @inline(__always)
        func action(_ index: Int) -> ChangeAction { actions?[index] ?? .whole }
    }

    private func lookForKeys(
        _ work: Work, of batch: ChangeBatch, _ route: [AppliedTable?]
    ) throws {
        for (index, table) in route.enumerated() {
            guard let table, table.awaitsKey else { continue }
            let isChanged = work.range.contains {
                work.action($0) != .skip && batch.changes[$0].table == Int32(index)
            }
            guard isChanged else { continue }
            do { try table.lookForKey(on: connection) } catch { throw error.asReplicationError() }
        }
    }

    private func tablesByRoute(of batch: ChangeBatch, _ routes: [Int]) -> [AppliedTable?] {
        batch.tables.indices.map { index -> AppliedTable? in
            guard tables.indices.contains(routes[index]) else { return nil }
            let table = tables[routes[index]]
            let names = batch.tables[index].columns.lazy.map(\.name)
            return names.elementsEqual(table.route.columns.lazy.map(\.name)) ? table : nil
        }
    }

    private func apply(
        _ work: Work, of view: BatchView, in batch: ChangeBatch
    ) throws -> [ChangeCounts] {
        let mayNet = view.tables.contains { $0.map { $0.mode != .sequential } ?? false }
        if mayNet, backOff.mayTry() {
            do {
                let tally = try applyNet(work, of: view)
                backOff.worked()
                return tally
            } catch  where isWorthRepeating(error) {
                try returnToSavepoint()
                fallbacks += 1
                backOff.fellBack()
            } catch {
                throw placed(error, in: batch, view)
            }
        }
        do {
            return try applySequentially(work, of: view)
        } catch { throw placed(error, in: batch, view) }
    }

    private func applyNet(_ work: Work, of view: BatchView) throws -> [ChangeCounts] {
        defer { clearNets() }
        var gathering = NetApply(applier: self, view: view)
        try inFlight {
            if hasSavepoint { try pipeline.send("RELEASE SAVEPOINT martlet", tag: Self.fenceTag) }
            try pipeline.send("SAVEPOINT martlet", tag: Self.fenceTag)
            hasSavepoint = true
            try gathering.run(work)
        }
        return gathering.tally
    }

    private func applySequentially(_ work: Work, of view: BatchView) throws -> [ChangeCounts] {
        var sequence = SequentialApply(applier: self, view: view)
        try inFlight { try sequence.run(work) }
        return sequence.tally
    }

    private func returnToSavepoint() throws {
        do { try connection.run("ROLLBACK TO SAVEPOINT martlet") } catch {
            throw error.asReplicationError()
        }
    }
}
