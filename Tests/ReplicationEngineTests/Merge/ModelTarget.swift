import ReplicationEngine
import ReplicationModel

/// What made a schedule go wrong.
struct ModelFailure: Error, CustomStringConvertible {
    var description: String
    init(_ description: String) { self.description = description }
}

/// A table at the target. Strict: an INSERT of a present key, an UPDATE or DELETE of a missing row,
/// an INSERT that lacks a value is a failure.
struct ModelTable: Hashable, Sendable {
    var rows: [Int: ModelRow] = [:]
    /// Rows of a table without a key, with how often each is there.
    var bag: [ModelRow: Int] = [:]
    /// No two rows with a key have one value.
    var isUnique = false

    mutating func removeAll() { (rows, bag) = ([:], [:]) }

    mutating func insert(_ key: Int?, _ row: ModelRow) throws {
        guard let key else {
            bag[row, default: 0] += 1
            return
        }
        // The empty value is NULL.
        let isTaken = isUnique && !row.value.isEmpty
        guard !isTaken || !rows.values.contains(where: { $0.value == row.value }) else {
            throw ModelFailure("a unique value twice")
        }
        guard rows.updateValue(row, forKey: key) == nil else { throw ModelFailure("duplicate key") }
    }

    mutating func remove(_ key: Int?, _ row: ModelRow?) throws -> ModelRow {
        if let key {
            guard let old = rows.removeValue(forKey: key) else {
                throw ModelFailure("UPDATE or DELETE hit 0 rows")
            }
            return old
        }
        guard let row, let count = bag[row] else {
            throw ModelFailure("UPDATE or DELETE of a keyless row hit 0 rows")
        }
        bag[row] = count == 1 ? nil : count - 1
        return row
    }
}

/// The target: rows and Martlet's state; every mutating call of a transaction is all or nothing
/// because its caller works on a copy.
struct ModelTarget: Sendable {
    var tables = [ModelTable(), ModelTable()]
    /// By table id and chunk id, as the journal's key has it.
    var journal: [[Int64: ChunkRecord]] = [[:], [:]]
    /// The first table has its key.
    var hasKey = true
    /// Tables whose plain indexes are made.
    var indexed: Set<Int> = []
    var live: Set<Int> = []
    /// Transactions of the log that are applied.
    var applied = 0
    var commitPosition = LogPosition.zero
    var unseen: Set<UInt32> = []

    mutating func record(_ record: ChunkRecord) { journal[Int(record.table)][record.id] = record }

    mutating func record(_ merge: TableLoad.Merge) {
        for id in merge.removed { journal[Int(merge.record.table)][id] = nil }
        record(merge.record)
    }

    mutating func apply(
        _ batch: ChangeBatch, _ actions: [ChangeAction], _ range: Range<Int>
    ) throws {
        for index in range where actions[index] != .skip {
            let change = batch.changes[index]
            // It has no rows here.
            if batch.tables[Int(change.table)].name.name == "parent" { continue }
            guard hasKey || batch.tables[Int(change.table)].id != 0 else {
                throw ModelFailure("a change before the key")
            }
            try apply(change, actions[index], batch)
        }
    }

    /// Of the rows that refer to what is changed.
    func keys(_ hit: CascadeHit) -> [Key] {
        let values = hit.old.map { String(decoding: $0[0], as: UTF8.self) }
        return tables[0].rows.filter { values.contains($0.value.value) }.keys.sorted()
            .map { Key(number: $0) }
    }

    private mutating func apply(_ change: Change, _ action: ChangeAction, _ batch: ChangeBatch)
        throws
    {
        let table = Int(batch.tables[Int(change.table)].id)
        if change.operation == .truncate {
            tables[table].removeAll()
            return
        }
        let old = batch.image(change.oldRow, table)
        let new = batch.image(change.newRow, table)
        if action.clears.contains(.old), let key = old?.key ?? new?.key {
            tables[table].rows[key] = nil
        }
        if action.clears.contains(.new), let key = new?.key { tables[table].rows[key] = nil }
        var before: ModelRow?
        if action.step == .updateIfThere, tables[table].rows[new?.key ?? 0] == nil { return }
        if action.step != .nothing, action.step != .insertNew, change.operation != .insert {
            before = try tables[table].remove(old?.key ?? new?.key, old?.row)
        }
        if action.writesNew, change.operation != .delete, let new {
            guard let large = new.large ?? before?.large else {
                throw ModelFailure("INSERT of an incomplete image")
            }
            try tables[table].insert(new.key, ModelRow(value: new.value, large: large))
        }
    }
}

struct ModelImage {
    var key: Int?
    var value: String
    /// nil: unchanged or not sent.
    var large: String?

    var row: ModelRow? { large.map { ModelRow(value: value, large: $0) } }
}

extension ChangeBatch {
    func image(_ row: Int32, _ table: Int) -> ModelImage? {
        guard row >= 0 else { return nil }
        let first = Int(row)
        guard table == 0 else {
            return ModelImage(
                value: text(of: values[first]) ?? "", large: text(of: values[first + 1]))
        }
        return ModelImage(
            key: text(of: values[first]).flatMap(Int.init),
            value: text(of: values[first + 1]) ?? "",
            large: text(of: values[first + 2]))
    }
}
