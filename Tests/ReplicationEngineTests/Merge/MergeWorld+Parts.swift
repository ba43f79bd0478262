import ReplicationEngine
import ReplicationModel

/// One part of the keyless table, in the hands of a worker.
struct ModelPart: Sendable {
    enum Phase: Sendable {
        case joined
        case read([Int: ModelRow])
        /// May commit, with this journal row.
        case allowed([Int: ModelRow], ChunkRecord)
        /// Committed at the target; the ledger does not know.
        case committed
    }

    var work: PartWork
    /// The one that is shared.
    var snapshot: ModelSnapshot
    var isLeading: Bool
    var phase = Phase.joined
}

/// A table without a key in two parts under one snapshot: rows with even ids, rows with odd ones.
extension MergeWorld {
    /// Windows are a standby's, which refuses such tables, or MySQL's, which shares no snapshot.
    func isShared(_ work: ChunkWork) -> Bool {
        routes[work.route].isKeyless && options.source == .visibility
    }

    mutating func share(_ index: Int, _ work: ChunkWork, _ snapshot: ModelSnapshot) {
        ledger.share(work, SharedRead(snapshot: "\(index)", pages: 2, partPages: 1))
        workers[index] = .leading(work, snapshot)
        note("worker \(index): shares the snapshot of unit \(work.id)")
    }

    mutating func lead(_ index: Int, _ work: ChunkWork, _ snapshot: ModelSnapshot) -> Bool {
        guard ledger.isValid(work) else {
            endLead(index, work)
            return true
        }
        switch ledger.nextPart(of: work) {
        case nil: return false
        case .copy(let part):
            workers[index] = .part(ModelPart(work: part, snapshot: snapshot, isLeading: true))
        case .finished:
            unlock(work)
            workers[index] = .read(work, snapshot, [:])
        }
        return true
    }

    /// The snapshot ends with the transaction that shares it.
    mutating func join(_ index: Int, _ part: PartWork) {
        let snapshot = workers.lazy.compactMap { worker -> ModelSnapshot? in
            switch worker {
            case .leading(let work, let snapshot) where work.isSame(part.unit): snapshot
            case .part(let other) where other.isLeading && other.work.unit.isSame(part.unit):
                other.snapshot
            default: nil
            }
        }.first
        guard let snapshot else {
            ledger.giveBack(part)
            workers[index] = .idle
            return
        }
        let taken = takesAway(.oneSnapshot) ? source.snapshot() : snapshot
        workers[index] = .part(ModelPart(work: part, snapshot: taken, isLeading: false))
        note("worker \(index): joins for part \(part.index)")
    }

    mutating func advance(_ index: Int, _ part: ModelPart) throws {
        var part = part
        switch part.phase {
        case .joined:
            let rows = source.rows(part.work.unit.route, seenBy: part.snapshot.visible)
                .filter { $0.key % 2 == part.work.index }
            part.phase = .read(rows)
        case .read(let rows):
            guard let record = mayCommit(part.work, rows: rows.count) else {
                return giveUp(index, part)
            }
            part.phase = .allowed(rows, record)
        case .allowed(let rows, let record):
            try commit(part, rows, record)
            part.phase = .committed
        case .committed:
            if takesAway(.partsWaited) { _ = ledger.commit(part.work, rows: 0) }
            ledger.partCommitted(part.work)
            let unit = part.work.unit
            workers[index] = part.isLeading ? .leading(unit, part.snapshot) : .idle
            return
        }
        workers[index] = .part(part)
    }

    private mutating func mayCommit(_ part: PartWork, rows: Int) -> ChunkRecord? {
        guard takesAway(.partsWaited) else { return ledger.commit(part, rows: Int64(rows)) }
        var other = ledger
        return other.commit(part, rows: Int64(rows))
    }

    private mutating func commit(
        _ part: ModelPart, _ rows: [Int: ModelRow], _ record: ChunkRecord
    ) throws {
        var after = target
        for row in rows.values { try after.tables[part.work.unit.route].insert(nil, row) }
        after.record(record)
        target = after
        note("part \(part.work.index) commits \(rows.keys.sorted()): \(target.brief)")
    }

    private mutating func giveUp(_ index: Int, _ part: ModelPart) {
        if part.isLeading { return endLead(index, part.work.unit) }
        workers[index] = .idle
    }

    private mutating func endLead(_ index: Int, _ work: ChunkWork) {
        unlock(work)
        workers[index] = .idle
        note("worker \(index): unit \(work.id) is gone")
    }

    /// A start that finds a table copied in part begins it again.
    mutating func emptyParts() {
        guard !takesAway(.partsEmptied) else { return }
        for route in routes.indices
        where target.journal[route].values.contains(where: \.isCopiedInPart) {
            target.tables[route].removeAll()
            target.journal[route] = [:]
            note("table \(route) was copied in part: emptied")
        }
    }
}

extension ChunkWork {
    fileprivate func isSame(_ other: ChunkWork) -> Bool {
        route == other.route && generation == other.generation && id == other.id
    }
}
