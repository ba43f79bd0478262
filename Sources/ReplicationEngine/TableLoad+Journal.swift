package import ReplicationModel

/// What the journal keeps of a load, and how it stays small.
extension TableLoad {
    /// As the journal has it. Chunk ids ascend with the keys, and holes belong to chunks that were
    /// in flight: each becomes one pending chunk. Its id is one that no key-chunk of the journal
    /// has, else its row would replace the key-chunk's; the lost chunk's own id is always left.
    package init(route: TableRoute, journal: [ChunkRecord]) {
        self.init(route: route)
        let keyChunkIDs = Set(journal.filter(\.isKeyChunk).map(\.id))
        var upper: Key?
        for record in journal.filter({ !$0.isKeyChunk }).sorted(by: { $0.id < $1.id }) {
            if record.range.lower != upper {
                while keyChunkIDs.contains(nextID) { nextID += 1 }
                append(Unit(id: nextID, range: KeyRange(after: upper, through: record.range.lower)))
            }
            var unit = Unit(id: record.id, range: record.range)
            if let seal = record.seal { unit.state = .copied(seal) }
            unit.rows = record.rows
            append(unit)
            upper = record.range.upper
        }
        for record in journal where record.isKeyChunk {
            guard let key = record.range.upper else { continue }
            var unit = Unit(id: record.id, range: record.range)
            if let seal = record.seal { unit.state = .copied(seal) }
            unit.rows = record.rows
            keyChunks[key] = unit
            nextID = max(nextID, record.id + 1)
        }
    }

    // MARK: What is known of many neighbours becomes one row (DESIGN 6.2)

    /// Neighbours of which nothing needs to be remembered but that they are copied.
    package struct Merge: Sendable {
        package var record: ChunkRecord
        package var removed: [Int64]
        var indices: Range<Int>
    }

    /// The longest run of at least `least` neighbours that are copied and whose chunk position the
    /// applied stream has passed: every later transaction applies to all of them.
    package func mergeable(applied: LogPosition, least: Int = 16) -> Merge? {
        var best = 0..<0
        var first = 0
        for index in 0...chunks.count {
            if index < chunks.count, chunks[index].isPassed(by: applied) { continue }
            if index - first > best.count { best = first..<index }
            first = index + 1
        }
        guard best.count >= least else { return nil }
        return Merge(
            record: merged(best), removed: chunks[best].dropFirst().map(\.id), indices: best)
    }

    private func merged(_ run: Range<Int>) -> ChunkRecord {
        var seal = ChunkSeal(snapshot: nil, position: .zero, closedAt: .zero)
        for unit in chunks[run] {
            guard case .copied(let one) = unit.state else { continue }
            seal.position = max(seal.position, one.position)
            seal.closedAt = max(seal.closedAt, one.closedAt)
        }
        let first = chunks[run.lowerBound]
        return ChunkRecord(
            table: route.source.id, id: first.id,
            range: KeyRange(
                after: first.range.lower, through: chunks[run.upperBound - 1].range.upper),
            isKeyChunk: false, seal: seal, rows: chunks[run].reduce(0) { $0 + $1.rows })
    }

    /// Carries out a merge that the journal has; only while cuts are not frozen.
    package mutating func carryOut(_ merge: Merge) {
        guard let seal = merge.record.seal else { return }
        var unit = Unit(id: merge.record.id, range: merge.record.range, state: .copied(seal))
        unit.rows = merge.record.rows
        chunks.replaceSubrange(merge.indices, with: [unit])
        guard !sortableCuts.isEmpty else { return }
        // The cut of the run's last chunk stays; a last chunk that is open has none.
        sortableCuts.removeSubrange(merge.indices.lowerBound..<merge.indices.upperBound - 1)
    }
}
