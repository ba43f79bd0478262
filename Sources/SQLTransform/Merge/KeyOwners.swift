import ReplicationEngine
import ReplicationModel

/// Which source table each key of a guarded target belongs to, among the changes of one batch.
///
/// A target applies the net of each table's changes, one table after the other. Where one table's
/// INSERT and another's DELETE are of one key, that order decides whether the row that is there too
/// early is seen, or a row that came in its turn is refused. So no batch has a key of two tables:
/// they are applied in the order of the log, and what is at the target decides.
struct KeyOwners {
    private struct Place: Hashable {
        var target: TableName
        var key: Key
    }

    private var owners: [Place: UInt32] = [:]

    /// - Returns: false if another table has had one of the change's keys.
    mutating func take(
        _ change: Change, in batch: ChangeBatch, _ transform: Transform
    ) -> Bool {
        let route = transform.target
        let keys = [
            change.oldRow >= 0 ? batch.oldKey(of: change, route) : nil,
            change.newRow >= 0 ? batch.newKey(of: change, route) : nil,
        ].compactMap(\.self)
        let owner = transform.source.source.id
        for key in keys {
            let place = Place(target: route.target, key: key)
            guard owners[place] ?? owner == owner else { return false }
            owners[place] = owner
        }
        return true
    }
}

extension Transform {
    func cannotEmpty(at position: LogPosition?) -> ReplicationError {
        ReplicationError(
            .unsupported, "empty the table", position: position, table: source.source.name,
            why: "other tables go to \(target.target), too, and nothing in the key tells whose a "
                + "row is",
            try:
                "martlet run --fresh, which loads all of them again; a constant in the key, "
                + "another in each SELECT, lets TRUNCATE empty one of them")
    }
}

extension ChangeBatch {
    /// How much there is of what changes are made of.
    struct Size {
        var changes, values, bytes: Int
    }

    var size: Size { Size(changes: changes.count, values: values.count, bytes: bytes.count) }

    mutating func shrink(to size: Size) {
        changes.removeLast(changes.count - size.changes)
        values.removeLast(values.count - size.values)
        bytes.removeLast(bytes.count - size.bytes)
    }
}
