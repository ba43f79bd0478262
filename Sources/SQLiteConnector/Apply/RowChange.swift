internal import CSQLite
internal import ReplicationEngine
internal import ReplicationModel

/// One change with its row images. Values are ranges of `bytes`, which outlive it.
struct RowChange {
    let change: Change
    let values: [Value]
    let bytes: UnsafeRawBufferPointer
    let position: LogPosition?

    var hasOld: Bool { change.oldRow >= 0 }
    var hasNew: Bool { change.newRow >= 0 }

    func old(_ column: Int) -> Value { values[Int(change.oldRow) + column] }
    func new(_ column: Int) -> Value { values[Int(change.newRow) + column] }

    /// The value that named the row before the change: the log sends the old one if it differs.
    func locating(_ column: Int) -> Value { hasOld ? old(column) : new(column) }

    /// The value that names the row after the change. A key that is kept out of line and did not
    /// change is in the old image only.
    func locatingNew(_ column: Int) -> Value {
        let value = new(column)
        return value.isUnchanged && hasOld ? old(column) : value
    }

    func bytes(of value: Value) -> UnsafeRawBufferPointer {
        let start = Int(value.offset)
        return UnsafeRawBufferPointer(rebasing: bytes[start..<start + Int(value.length)])
    }

    /// Whether the key differs between the images. An unchanged value did not change.
    func changesKey(_ key: [Int]) -> Bool {
        guard hasOld, hasNew else { return false }
        return key.contains { column in
            let (old, new) = (old(column), new(column))
            guard new.isPresent, old.isPresent else { return new.isNull != old.isNull }
            return old.length != new.length
                || !bytes(of: old).elementsEqual(bytes(of: new))
        }
    }

    /// The after-image's value; what the log did not repeat, a whole before-image has (P04).
    func complete(_ column: Int) -> Value {
        let value = new(column)
        return value.isUnchanged && hasOld && change.oldIsWhole ? old(column) : value
    }
}

/// A value that does not fit its column.
struct ColumnFault: Error {
    var fault: ValueFault
    var column: Int

    func replicationError(
        _ what: String, position: LogPosition?, route: TableRoute
    ) -> ReplicationError {
        ReplicationError(
            fault.kind, what, position: position, table: route.target,
            column: route.columns[column].name, why: fault.reason, try: fault.remedy)
    }
}

extension RowStatements {
    /// Binds the row that an INSERT makes.
    func bindNew(_ row: RowChange, to statement: SQLiteStatement) throws(ColumnFault) {
        for column in 0..<columnCount {
            let value = row.complete(column)
            if value.isNull, table.isKey[column] {
                throw ColumnFault(fault: .missingKey, column: column)
            }
            try bind(value, column, row, statement)
        }
    }

    /// Binds the values that an UPDATE sets.
    func bindSet(
        _ columns: [Int], _ row: RowChange, to statement: SQLiteStatement
    ) throws(ColumnFault) {
        for column in columns {
            if table.isKey[column], row.new(column).isNull {
                throw ColumnFault(fault: .missingKey, column: column)
            }
            try bind(row.new(column), column, row, statement)
        }
    }

    /// Binds the values that name the row, from the old or from the new image.
    func bindLocation(
        _ row: RowChange, newKey: Bool = false, to statement: SQLiteStatement
    ) throws(ColumnFault) {
        for (place, column) in locating.enumerated() {
            let value = newKey ? row.locatingNew(column) : row.locating(column)
            if value.isNull, !table.route.isKeyless {
                throw ColumnFault(fault: .missingKey, column: column)
            }
            try bind(value, column, row, statement, at: columnCount + place + 1)
        }
    }

    private func bind(
        _ value: Value, _ column: Int, _ row: RowChange, _ statement: SQLiteStatement,
        at parameter: Int? = nil
    ) throws(ColumnFault) {
        let index = Int32(parameter ?? column + 1)
        do throws(ValueFault) {
            if value.isPresent {
                try ValueBinder.bind(
                    row.bytes(of: value), as: table.storages[column], to: statement.handle, index)
            } else if value.isNull {
                try ValueBinder.bindNull(statement.handle, index)
            } else {
                throw .unchangedWithoutImage
            }
        } catch {
            throw ColumnFault(fault: error, column: column)
        }
    }
}
