internal import ReplicationEngine
internal import ReplicationModel

/// A deferrable unique key of the target, checked before COMMIT by Martlet itself.
///
/// Handed: the after-images that a target transaction wrote. Hands on: one query that finds a value
/// which two rows have.
///
/// Why: PostgreSQL checks a deferrable key by triggers of its own, and in a session that is a
/// replica they do not fire. An insert that doubles a row would be stored without a word (I5).
/// Why at the end: until then two rows may have the same value, that is what deferring is for.
final class DeferredKeyCheck {
    let table: AppliedTable
    /// Indices into the route's columns.
    private let key: [Int]
    private let arrays = ArrayParameters()
    private let someValues: PGPrepared
    private let wholeTable: PGPrepared
    private(set) var isTouched = false
    /// The values are too many, or not all in the log: the whole table is looked at.
    private var isWhole = false

    /// Values kept until COMMIT, in bytes (I6).
    private static let byteLimit = 4 << 20

    /// `names`: the key's columns. One that the route does not carry has its default everywhere:
    /// such a key is looked at as a whole.
    init(_ table: AppliedTable, names: [String], number: () -> Int) {
        self.table = table
        let columns = names.compactMap { name in
            table.columns.firstIndex { $0.name == name }
        }
        key = columns.count == names.count ? columns : []
        someValues = PGPrepared(
            table.duplicatesText(of: key), name: "martlet_\(number())",
            types: key.map { table.columns[$0].lane.arrayType })
        let list = names.map { "t.\($0.quotedIdentifier)" }
        wholeTable = PGPrepared(
            "SELECT 1 FROM \(table.relation) AS t WHERE "
                + list.map { "\($0) IS DISTINCT FROM NULL" }.joined(separator: " AND ")
                + " GROUP BY \(list.joined(separator: ", ")) HAVING count(*) > 1 LIMIT 1",
            name: "martlet_\(number())", types: [])
        reset()
    }

    func reset() {
        isTouched = false
        isWhole = key.isEmpty
        arrays.begin(key.map { table.columns[$0].lane })
    }

    /// After DEALLOCATE ALL.
    func forgetStatements() {
        someValues.isPrepared = false
        wholeTable.isPrepared = false
    }

    /// Notes a row that was written. NULLs never collide.
    func note(_ row: UnsafePointer<Value>, in batch: BatchView) {
        isTouched = true
        guard !isWhole, key.allSatisfy({ row[$0].length != -1 }) else { return }
        guard key.allSatisfy({ row[$0].length != -2 }) else {
            // All unchanged: this row cannot have come to collide.
            isWhole = !key.allSatisfy { row[$0].length == -2 }
            return
        }
        do {
            for (index, column) in key.enumerated() {
                try arrays.append(row[column], to: index, in: batch)
            }
            arrays.endRow()
            isWhole = arrays.byteCount > Self.byteLimit
        } catch { isWhole = true }
    }

    /// Sends the query; it must find no row.
    func send(on pipeline: PGPipeline) throws {
        if isWhole {
            try pipeline.send(
                wholeTable, values: nil, lengths: nil, formats: nil, bytes: 0, rows: 0,
                tag: table.index)
        } else if arrays.rows > 0 {
            try arrays.withParameters { values, lengths, formats in
                try pipeline.send(
                    someValues, values: values, lengths: lengths, formats: formats,
                    bytes: arrays.byteCount, rows: 0, tag: table.index)
            }
        }
    }
}

extension PGApplier {
    func note(_ work: Work, of view: BatchView) {
        guard !deferredKeys.isEmpty else { return }
        for index in work.range where work.action(index).writesNew {
            let change = view.changes[index]
            guard let table = view.tables[Int(change.table)],
                let row = view.row(change.newRow, width: table.columns.count)
            else { continue }
            for check in deferredKeys where check.table === table { check.note(row, in: view) }
        }
    }

    /// Throws `.rowConflict` if two rows of a table have the same deferrable key.
    func checkDeferredKeys() throws {
        let touched = deferredKeys.filter(\.isTouched)
        guard !touched.isEmpty else { return }
        do {
            try inFlight { for check in touched { try check.send(on: pipeline) } }
        } catch let failure as PGPipeline.Failure {
            guard case .rows = failure.cause else { throw placed(failure, tables[failure.tag]) }
            throw ReplicationError(
                .rowConflict, "commit a transaction", table: tables[failure.tag].name,
                why: "two rows would have the same value of a deferrable unique key",
                try: "something else writes to the target: stop it, mend the rows or load the "
                    + "table again")
        }
        for check in touched { check.reset() }
    }
}
