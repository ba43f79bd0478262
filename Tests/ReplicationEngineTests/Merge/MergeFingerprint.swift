import ReplicationEngine
import ReplicationModel

/// Identity of a world for the exhaustive search: everything that may decide what happens later.
extension MergeWorld {
    var fingerprint: Int {
        var hasher = Hasher()
        hasher.combine(source.log.count)
        hasher.combine(source.visible)
        hasher.combine(source.readers)
        hasher.combine(source.replayed)
        target.hash(into: &hasher)
        ledger.hash(into: &hasher)
        stream.hash(into: &hasher)
        for worker in workers {
            worker.hash(into: &hasher)
            hasher.combine(worker.work.map(ledger.isValid))
        }
        hasher.combine(knownCommit)
        hasher.combine(becomingLive)
        hasher.combine(leftover)
        return hasher.finalize()
    }
}

extension ModelTarget {
    fileprivate func hash(into hasher: inout Hasher) {
        hasher.combine(tables)
        for chunks in journal {
            for (id, record) in chunks.sorted(by: { $0.key < $1.key }) {
                hasher.combine(id)
                record.hash(into: &hasher)
            }
        }
        hasher.combine(hasKey)
        hasher.combine(indexed)
        hasher.combine(live)
        hasher.combine(applied)
        hasher.combine(unseen)
    }
}

extension ChunkRecord {
    fileprivate func hash(into hasher: inout Hasher) {
        hasher.combine(range)
        hasher.combine(isKeyChunk)
        seal?.hash(into: &hasher)
    }
}

extension ChunkSeal {
    fileprivate func hash(into hasher: inout Hasher) {
        hasher.combine(snapshot)
        hasher.combine(position)
        hasher.combine(closedAt)
    }
}

extension MergeLedger {
    fileprivate func hash(into hasher: inout Hasher) {
        for load in tables { load?.hash(into: &hasher) }
        hasher.combine(unseen)
        hasher.combine(lastJudged)
        hasher.combine([isMidTransaction, isAhead])
        hasher.combine(streamed)
    }
}

extension TableLoad {
    fileprivate func hash(into hasher: inout Hasher) {
        for unit in chunks { unit.hash(into: &hasher) }
        for unit in keyChunks.values.sorted(by: { $0.id < $1.id }) { unit.hash(into: &hasher) }
        hasher.combine([isHeld, isIndexed, isCutting, isMerging, cutsAreFrozen])
        hasher.combine(targetKey)
        hasher.combine(generation)
        hasher.combine(located)
    }
}

extension TableLoad.Unit {
    fileprivate func hash(into hasher: inout Hasher) {
        hasher.combine(id)
        hasher.combine(range)
        switch state {
        case .pending, .copied: hasher.combine(isPending)
        case .copying(let readAt): hasher.combine(readAt)
        case .closing(let position): hasher.combine([position])
        }
        if case .copied(let seal) = state { seal.hash(into: &hasher) }
        parked.hash(into: &hasher)
    }
}

extension ParkedChanges {
    fileprivate func hash(into hasher: inout Hasher) {
        hasher.combine(tail.batch.bytes)
        for mark in tail.batch.transactions { hasher.combine(mark.commitPosition) }
        for side in tail.sides { hasher.combine(side.rawValue) }
    }
}

extension ModelStream {
    fileprivate func hash(into hasher: inout Hasher) {
        hasher.combine(phase)
        hasher.combine(position)
        hasher.combine(part)
        hasher.combine(parts.first?.transactions.first?.commitPosition)
        for kept in judged.kept {
            hasher.combine(kept.index)
            hasher.combine(kept.oldPlace)
            hasher.combine(kept.newPlace)
        }
        hasher.combine(judged.restarts)
        hasher.combine(plan.restarts)
        for records in plan.keyChunks.values { hasher.combine(Set(records.keys)) }
        for work in done {
            hasher.combine(work.range)
            hasher.combine(work.actions)
            hasher.combine(work.batch.bytes)
        }
        hasher.combine(steps.map(\.range))
        hasher.combine(steps.map(\.hits.count))
        hasher.combine(found)
    }
}

extension ModelWorker {
    fileprivate func hash(into hasher: inout Hasher) {
        switch self {
        case .idle: hasher.combine(0)
        case .cutting(let route, let lower, let generation):
            hasher.combine([1, route, generation])
            hasher.combine(lower)
        case .cut(let route, let upper, let generation):
            hasher.combine([2, route, generation])
            hasher.combine(upper)
        case .claimed(let work): hash(3, work, nil, [:], &hasher)
        case .positioned(let work, let low):
            hash(12, work, nil, [:], &hasher)
            hasher.combine(low)
        case .locked(let work, let low):
            hash(4, work, nil, [:], &hasher)
            hasher.combine(low)
        case .snapped(let work, let snapshot): hash(5, work, snapshot, [:], &hasher)
        case .leading(let work, let snapshot): hash(13, work, snapshot, [:], &hasher)
        case .helping(let part):
            hash(14, part.unit, nil, [:], &hasher)
            hasher.combine(part.index)
        case .part(let part):
            hash(15, part.work.unit, part.snapshot, [:], &hasher)
            hasher.combine(part.work.index)
            hasher.combine(part.isLeading)
            hasher.combine(String(describing: part.phase))
        case .read(let work, let snapshot, let rows): hash(6, work, snapshot, rows, &hasher)
        case .valid(let work, let snapshot, let rows): hash(7, work, snapshot, rows, &hasher)
        case .closing(let work, let snapshot, let rows, let plan):
            hash(8, work, snapshot, rows, &hasher)
            plan.parked.hash(into: &hasher)
            hasher.combine(plan.closedAt)
        case .committed(let work, let record, let keyChunks, let merge):
            hash(9, work, nil, [:], &hasher)
            record.hash(into: &hasher)
            hasher.combine(keyChunks.map(\.id))
            hasher.combine(merge?.removed)
        case .merging(let work, let merge):
            hash(10, work, nil, [:], &hasher)
            hasher.combine(merge.removed)
        case .indexing(let route): hasher.combine([11, route])
        case .indexed(let route): hasher.combine([16, route])
        }
    }

    private func hash(
        _ tag: Int, _ work: ChunkWork, _ snapshot: ModelSnapshot?, _ rows: [Int: ModelRow],
        _ hasher: inout Hasher
    ) {
        hasher.combine(tag)
        hasher.combine(work.id)
        hasher.combine(work.range)
        hasher.combine(work.unseen)
        hasher.combine(work.streamed)
        hasher.combine(work.generation)
        hasher.combine(snapshot?.visible)
        hasher.combine(snapshot?.chunk.position)
        hasher.combine(snapshot?.chunk.snapshot)
        hasher.combine(snapshot?.isSettled)
        hasher.combine(rows)
    }
}
