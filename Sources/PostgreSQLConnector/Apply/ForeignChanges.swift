internal import ReplicationEngine
internal import ReplicationModel

/// Changes of foreign tables as the target takes them.
struct ForeignChanges {
    /// As it was given, or a copy with other values.
    private(set) var batch: ChangeBatch
    private(set) var isConverted = false
    private(set) var counts: [LossyConversions.Kind: Int64] = [:]

    init(_ batch: ChangeBatch) { self.batch = batch }

    /// Both images: the row of the old one was converted when it came.
    mutating func convert(_ index: Int, _ values: ForeignValues) throws(ReplicationError) {
        let change = batch.changes[index]
        if change.newRow >= 0 { try convertRow(change.newRow, values, counted: true) }
        if change.oldRow >= 0, change.oldRow != change.newRow {
            try convertRow(change.oldRow, values, counted: false)
        }
    }

    private mutating func convertRow(
        _ start: Int32, _ values: ForeignValues, counted: Bool
    ) throws(ReplicationError) {
        for (column, rule) in values.rules {
            let place = Int(start) + column
            guard batch.values.indices.contains(place), batch.values[place].isPresent else {
                continue
            }
            let value = batch.values[place]
            let verdict = try Self.judge(value, batch, values, rule, column)
            guard verdict != .fits else { continue }
            isConverted = true
            if case .bytes(let bytes, _) = verdict {
                batch.values[place] = bytes.withUnsafeBytes { batch.append($0) }
            } else {
                batch.values[place] = .null
            }
            if counted, let kind = verdict.kind { counts[kind, default: 0] += 1 }
        }
    }

    private static func judge(
        _ value: Value, _ batch: ChangeBatch, _ values: ForeignValues, _ rule: ForeignValues.Rule,
        _ column: Int
    ) throws(ReplicationError) -> ForeignValues.Verdict {
        let judged = batch.withBytes(of: value) { bytes in
            Result { () throws(ReplicationError) in
                try values.judge(bytes, rule, column: column)
            }
        }
        return try judged.get()
    }
}

extension PGApplier {
    /// The batch with values that the target takes; the same one where all of them do.
    func converted(
        _ batch: ChangeBatch, _ work: Work, _ tables: [AppliedTable?]
    ) throws -> ChangeBatch {
        guard tables.contains(where: { $0?.foreignValues != nil }) else { return batch }
        var changes = ForeignChanges(batch)
        for index in work.range where work.action(index) != .skip {
            guard let values = tables[Int(batch.changes[index].table)]?.foreignValues else {
                continue
            }
            do { try changes.convert(index, values) } catch {
                var error = error
                error.position = position(of: index, in: batch)
                throw error
            }
        }
        lossyCounts.merge(changes.counts, uniquingKeysWith: +)
        return changes.isConverted ? changes.batch : batch
    }
}
