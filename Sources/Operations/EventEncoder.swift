import Foundation
package import ReplicationModel

/// Decoded transactions as lines of JSON (docs/reference/cli.md, "events").
///
/// Handed batches in order; hands on one line per transaction, or several with `part` and `last`
/// where the transaction came in parts or a line would become longer than `lineBytes`.
package struct EventEncoder {
    /// Where a transaction is cut. A line holds whole changes, so that it may be longer by one.
    package static let lineBytes = 1 << 20

    private let source: String
    private let lineBytes: Int
    private var directory: EventDirectory
    /// Number of the last line written of a transaction that has not ended.
    private var part = 0

    /// - Parameter source: the name that stands in every line.
    package init(source: String, directory: EventDirectory, lineBytes: Int = Self.lineBytes) {
        self.source = source
        self.directory = directory
        self.lineBytes = lineBytes
    }

    /// Calls `write` with each line, line break included, until `limit` transactions have ended;
    /// `limit` is lowered by as many as did.
    ///
    /// - Returns: the end of the last transaction that ended here; nil if none did.
    package mutating func encode(
        _ batch: ChangeBatch, limit: inout Int, write: (String) throws -> Void
    ) throws -> LogPosition? {
        let tables = try batch.tables.map { try directory.table($0) }
        var end: LogPosition?
        for transaction in batch.transactions where limit > 0 {
            let before = part
            try encode(transaction, batch, tables, write)
            guard transaction.isLastPart else { continue }
            if !transaction.changes.isEmpty || before > 0 { limit -= 1 }
            end = transaction.endPosition
        }
        return end
    }

    private mutating func encode(
        _ transaction: TransactionMark, _ batch: ChangeBatch, _ tables: [EventTable],
        _ write: (String) throws -> Void
    ) throws {
        if transaction.isFirstPart { part = 0 }
        var changes = ""
        for index in transaction.changes {
            if !changes.isEmpty { changes += "," }
            let change = batch.changes[index]
            tables[Int(change.table)].json(change, batch).write(to: &changes)
            if changes.utf8.count >= lineBytes, index + 1 < transaction.changes.upperBound {
                part += 1
                try write(line(transaction, changes, part: part, isLast: false))
                changes = ""
            }
        }
        // Nothing to tell: a heartbeat, or changes of tables that are not watched.
        if transaction.changes.isEmpty, part == 0 { return }
        if part > 0 || !transaction.isLastPart {
            part += 1
            try write(line(transaction, changes, part: part, isLast: transaction.isLastPart))
        } else {
            try write(line(transaction, changes, part: nil, isLast: true))
        }
    }

    private func line(
        _ transaction: TransactionMark, _ changes: String, part: Int?, isLast: Bool
    ) -> String {
        var head: [(String, JSONValue)] = [
            ("commit", .string(transaction.commitPosition.description)),
            ("xid", .string(transaction.gtid?.description ?? String(transaction.xid))),
            ("committed_at", .string(Units.time(microseconds: transaction.commitTime))),
            ("source", .string(source)),
        ]
        if let part { head += [("part", .integer(Int64(part))), ("last", .bool(isLast))] }
        return JSONValue.object(head).compact.dropLast() + ",\"changes\":[\(changes)]}\n"
    }
}

/// A table as the log describes it, with what the catalogue knows of its values.
package struct EventTable {
    let name: TableName
    let columns: [(name: String, kind: ValueKind)]
    /// Indices into `columns`.
    let key: [Int]

    func json(_ change: Change, _ batch: ChangeBatch) -> JSONValue {
        var entries: [(String, JSONValue)] = [
            ("op", .string(Self.word(change.operation))), ("table", .string(name.description)),
        ]
        let old = row(change.oldRow, batch)
        let new = row(change.newRow, batch)
        switch change.operation {
        case .insert: entries += [("key", keyJSON(new, batch)), ("after", json(new, batch))]
        case .update:
            entries.append(("key", keyJSON(old ?? new, batch)))
            if change.oldIsWhole { entries.append(("before", json(old, batch))) }
            entries += [("after", json(new, batch)), ("unchanged", unchanged(new))]
        case .delete:
            entries.append(("key", keyJSON(old, batch)))
            if change.oldIsWhole { entries.append(("before", json(old, batch))) }
        case .truncate:
            entries += [
                ("statement", .integer(Int64(change.statement))),
                ("cascade", .bool(change.cascades)),
                ("restart_identity", .bool(change.restartsIdentity)),
            ]
        }
        return .object(entries)
    }

    private static func word(_ operation: Change.Operation) -> String {
        switch operation {
        case .insert: "insert"
        case .update: "update"
        case .delete: "delete"
        case .truncate: "truncate"
        }
    }

    private func row(_ start: Int32, _ batch: ChangeBatch) -> ArraySlice<Value>? {
        start < 0 ? nil : batch.values[Int(start)..<Int(start) + columns.count]
    }

    /// Absent is not NULL: values that the log did not repeat are left out, not null.
    private func json(_ row: ArraySlice<Value>?, _ batch: ChangeBatch) -> JSONValue {
        guard let row else { return .object([]) }
        return .object(
            zip(columns, row).filter { !$1.isUnchanged }.map { column, value in
                (column.name, EventValue.json(value, column.kind, batch))
            })
    }

    private func keyJSON(_ row: ArraySlice<Value>?, _ batch: ChangeBatch) -> JSONValue {
        guard let row else { return .object([]) }
        return .object(
            key.map { index in
                let value = row[row.startIndex + index]
                return (columns[index].name, EventValue.json(value, columns[index].kind, batch))
            })
    }

    private func unchanged(_ row: ArraySlice<Value>?) -> JSONValue {
        .array(zip(columns, row ?? []).filter { $1.isUnchanged }.map { .string($0.0.name) })
    }
}
