package import ReplicationModel

/// Changes that wait for the chunk they belong to, in log order, with the sides that concern it.
///
/// Needs no durability: until the chunk is in the journal it is read again after a crash, and the
/// later snapshot contains them (DESIGN 6.5). Full pieces may move to a spool file (I6).
package struct ParkedChanges: Sendable {
    /// Copies of changes; one transaction mark per run of changes of one transaction.
    package struct Piece: Sendable {
        package var batch = ChangeBatch()
        /// Which rows of each change concern the chunk: key changes may concern two chunks.
        package var sides: [ChangeSides] = []
        package init() {}
    }

    /// Pieces that are full, oldest first.
    package enum Stored: Sendable {
        case memory(Piece)
        /// Being written by the stream's thread: nobody may take the list meanwhile.
        case moving
        case file(ParkedSpool.Entry)
    }

    package private(set) var stored: [Stored] = []
    package private(set) var tail = Piece()
    package private(set) var count = 0

    /// Bytes after which a piece is full.
    static let pieceBytes = 1 << 20

    package init() {}

    package mutating func park(
        _ change: Change, sides side: ChangeSides, of mark: TransactionMark, in other: ChangeBatch
    ) {
        tail.batch.append(change, of: mark, from: other)
        tail.sides.append(side)
        count += 1
        if tail.batch.bytes.count > Self.pieceBytes {
            stored.append(.memory(tail))
            tail = Piece()
        }
    }

    /// Bytes of full pieces in memory.
    package var spillable: Int {
        stored.reduce(0) { sum, piece in
            if case .memory(let piece) = piece { sum + piece.batch.footprint } else { sum }
        }
    }

    package var isMoving: Bool {
        stored.contains { if case .moving = $0 { true } else { false } }
    }

    /// Hands out the oldest full piece in memory, to be written; `settle` gives its place back.
    package mutating func takeForSpool() -> (index: Int, piece: Piece)? {
        for (index, piece) in stored.enumerated() {
            if case .memory(let piece) = piece {
                stored[index] = .moving
                return (index, piece)
            }
        }
        return nil
    }

    package mutating func settle(_ index: Int, _ entry: ParkedSpool.Entry) {
        stored[index] = .file(entry)
    }
}

extension ChangeBatch {
    /// Copies one change of another batch to the end of this one.
    package mutating func append(
        _ change: Change, of mark: TransactionMark, from other: ChangeBatch
    ) {
        let table = other.tables[Int(change.table)]
        var copy = change
        copy.table = Int32(index(of: table))
        copy.oldRow = appendRow(change.oldRow, table.columns.count, from: other)
        copy.newRow = appendRow(change.newRow, table.columns.count, from: other)
        changes.append(copy)
        if transactions.last?.commitPosition == mark.commitPosition {
            let first = transactions[transactions.count - 1].changes.lowerBound
            transactions[transactions.count - 1].changes = first..<changes.count
        } else {
            var run = mark
            run.changes = changes.count - 1..<changes.count
            run.isFirstPart = true
            run.isLastPart = true
            transactions.append(run)
        }
    }

    private mutating func index(of table: LoggedTable) -> Int {
        if let found = tables.lastIndex(of: table) { return found }
        tables.append(table)
        return tables.count - 1
    }

    private mutating func appendRow(_ row: Int32, _ columns: Int, from other: ChangeBatch) -> Int32
    {
        guard row >= 0 else { return -1 }
        let start = Int32(values.count)
        for value in other.values[Int(row)..<Int(row) + columns] {
            values.append(value.isPresent ? other.withBytes(of: value) { append($0) } : value)
        }
        return start
    }
}

// MARK: Keys of a change

extension ChangeBatch {
    /// The key before the change: the old tuple's if the log sent one, else the new tuple's.
    package func oldKey(of change: Change, _ route: TableRoute) -> Key? {
        key(change.oldRow >= 0 ? change.oldRow : change.newRow, route)
    }

    package func newKey(of change: Change, _ route: TableRoute) -> Key? {
        key(change.newRow, route, orFrom: change.oldRow)
    }

    /// nil if a key column is NULL or missing. An unchanged out-of-line key value is the old one.
    /// In the form that equal keys share.
    private func key(_ row: Int32, _ route: TableRoute, orFrom old: Int32 = -1) -> Key? {
        guard row >= 0 else { return nil }
        var parts: [[UInt8]] = []
        for column in route.key {
            var value = values[Int(row) + column]
            if value.isUnchanged, old >= 0 { value = values[Int(old) + column] }
            guard value.isPresent else { return nil }
            let text = withBytes(of: value) { [UInt8]($0) }
            parts.append(route.columns[column].keyForm.canonical(text))
        }
        return Key(parts)
    }

    /// The after-image lacks values that the log did not repeat (P01).
    package func isIncomplete(_ change: Change, columns: Int) -> Bool {
        guard change.newRow >= 0 else { return false }
        return values[Int(change.newRow)..<Int(change.newRow) + columns]
            .contains(where: \.isUnchanged)
    }
}

extension ChangeBatch {
    /// The transactions that are committed at or before `last`, and parts of which it is not known.
    package func through(_ last: LogPosition) -> ChangeBatch {
        part(0..<transactions.prefix { $0.committedAt <= last }.count)
    }

    /// Some of its transactions, with what is theirs.
    package func part(_ range: Range<Int>) -> ChangeBatch {
        guard range != transactions.indices else { return self }
        var part = self
        part.transactions = Array(transactions[range])
        let start = part.transactions.first?.changes.lowerBound ?? 0
        part.changes = Array(changes[start..<(part.transactions.last?.changes.upperBound ?? start)])
        for index in part.transactions.indices {
            let own = part.transactions[index].changes
            part.transactions[index].changes = own.lowerBound - start..<own.upperBound - start
        }
        part.messages.removeAll { !range.contains($0.transaction) }
        part.definitions.removeAll { !range.contains($0.transaction) }
        for index in part.messages.indices { part.messages[index].transaction -= range.lowerBound }
        for index in part.definitions.indices {
            part.definitions[index].transaction -= range.lowerBound
        }
        return part
    }
}
