/// A run of whole transactions, or a part of one large transaction, decoded from the log.
///
/// One byte buffer holds all values; a value is a range into it (no per-row object, no per-value
/// `String`: DESIGN section 4). Batches cross threads; rows never do.
///
/// - A batch holds `transactions` in commit order; each covers `changes[first ..< end]`.
/// - Only the last transaction of a batch may lack its end, only the first may lack its begin: a
///   transaction too large for one batch is delivered in consecutive batches that hold nothing else
///   but it (`isFirstPart`, `isLastPart`).
package struct ChangeBatch: Sendable {
    package var bytes: [UInt8] = []
    package var values: [Value] = []
    package var changes: [Change] = []
    package var transactions: [TransactionMark] = []
    /// The tables as the log described them where the changes were made; `Change.table` indexes it.
    package var tables: [LoggedTable] = []
    /// Martlet's own logical messages in this batch, in order.
    package var messages: [LogicalMessage] = []
    /// MySQL and MariaDB: what was done to the tables themselves in this batch, in order.
    package var definitions: [LoggedDefinition] = []

    package init() {}

    package var isEmpty: Bool { transactions.isEmpty }

    /// Memory held, in bytes, for the limits of I6.
    package var footprint: Int {
        bytes.capacity + values.capacity * MemoryLayout<Value>.stride
            + changes.capacity * MemoryLayout<Change>.stride
    }

    /// Calls `body` with the bytes of a value that is present.
    @inlinable
    package func withBytes<R>(of value: Value, _ body: (UnsafeRawBufferPointer) throws -> R)
        rethrows -> R
    {
        try bytes.withUnsafeBytes { all in
            let start = Int(value.offset)
            return try body(
                UnsafeRawBufferPointer(rebasing: all[start..<start + Int(value.length)]))
        }
    }

    /// The text of a value; nil if it is NULL or unchanged.
    package func text(of value: Value) -> String? {
        guard value.isPresent else { return nil }
        return withBytes(of: value) { String(decoding: $0, as: UTF8.self) }
    }

    /// Appends a value's bytes and returns the value.
    package mutating func append(_ source: UnsafeRawBufferPointer) -> Value {
        let value = Value(offset: UInt32(bytes.count), length: Int32(source.count))
        bytes.append(contentsOf: source)
        return value
    }
}

/// A column's value in one row image, in the source's text form. Three states (P01): present, NULL,
/// and unchanged (an out-of-line value that the log did not repeat). Absent is not NULL.
package struct Value: Sendable, Equatable {
    package var offset: UInt32
    /// Byte count; -1 for NULL, -2 for unchanged.
    package var length: Int32

    package static let null = Value(offset: 0, length: -1)
    package static let unchanged = Value(offset: 0, length: -2)

    @inlinable
    package init(offset: UInt32, length: Int32) {
        self.offset = offset
        self.length = length
    }

    package var isPresent: Bool { length >= 0 }
    package var isNull: Bool { length == -1 }
    package var isUnchanged: Bool { length == -2 }
}

/// One row change, or one table's share of a TRUNCATE.
package struct Change: Sendable {
    package enum Operation: UInt8, Sendable { case insert, update, delete, truncate }

    package var operation: Operation
    /// What `oldRow` holds: only the key's columns (others are NULL), or the whole row.
    package var oldIsWhole = false
    /// TRUNCATE: consecutive changes with the same statement number are one statement (P52).
    package var statement: UInt32 = 0
    package var restartsIdentity = false
    package var cascades = false
    /// No foreign key did anything for it: made with `foreign_key_checks = 0`.
    package var isUnchecked = false
    /// Index into `ChangeBatch.tables`.
    package var table: Int32
    /// Start in `values` of the before-image, -1 if the log sent none; as many values as columns.
    package var oldRow: Int32 = -1
    /// Start in `values` of the after-image, -1 for DELETE and TRUNCATE.
    package var newRow: Int32 = -1

    package init(operation: Operation, table: Int32) {
        self.operation = operation
        self.table = table
    }
}

/// Where one source transaction lies in a batch.
package struct TransactionMark: Sendable, Equatable {
    /// 0 in a mark without changes that stands for no transaction: it only says that the log is
    /// read up to `endPosition` (P15).
    package var xid: UInt32
    /// LSN of the commit record: what transactions are ordered and deduplicated by (I4).
    package var commitPosition: LogPosition
    /// The next byte after the commit record: what is confirmed to the source (P13). Known from
    /// the first part on for streamed transactions, only in the last part for others (else zero).
    package var endPosition: LogPosition
    /// Microseconds since 1970-01-01 UTC, by the source's clock.
    package var commitTime: Int64
    package var changes: Range<Int>
    /// MySQL and MariaDB: what the transaction is called on every server, if the source gives ids.
    package var gtid: GTID?
    /// `LogPlace.readFrom` behind it.
    package var readFrom: GTIDSet?
    package var isFirstPart = true
    package var isLastPart = true

    /// Where it is committed to somebody who names a position of the log: at its commit record, or
    /// where it ends in a binlog, whose commit positions are of the first event. Zero in a binlog's
    /// part that is not the last one: nobody knows yet.
    package var committedAt: LogPosition {
        switch commitPosition.form {
        case .lsn: commitPosition
        case .binlog: endPosition
        }
    }

    package init(
        xid: UInt32, commitPosition: LogPosition, endPosition: LogPosition, commitTime: Int64,
        changes: Range<Int>
    ) {
        self.xid = xid
        self.commitPosition = commitPosition
        self.endPosition = endPosition
        self.commitTime = commitTime
        self.changes = changes
    }
}

/// A table as the log itself describes it (PostgreSQL: a Relation message).
package struct LoggedTable: Sendable, Equatable {
    package struct Column: Sendable, Equatable {
        package var name: String
        package var typeID: UInt32
        package var modifier: Int32
        /// Part of the replica identity. Under FULL every column is (P10).
        package var isIdentity: Bool

        package init(name: String, typeID: UInt32, modifier: Int32, isIdentity: Bool) {
            self.name = name
            self.typeID = typeID
            self.modifier = modifier
            self.isIdentity = isIdentity
        }
    }

    package var id: UInt32
    package var name: TableName
    package var columns: [Column]
    /// Replica identity FULL: before-images are whole rows.
    package var isFull: Bool

    package init(id: UInt32, name: TableName, columns: [Column], isFull: Bool) {
        self.id = id
        self.name = name
        self.columns = columns
        self.isFull = isFull
    }
}

/// A logical message of Martlet's own (prefix `martlet`), delivered inside its transaction.
package struct LogicalMessage: Sendable, Equatable {
    package var content: String
    /// Index into `ChangeBatch.transactions`.
    package var transaction: Int

    package init(content: String, transaction: Int) {
        self.content = content
        self.transaction = transaction
    }
}

/// A statement that changes what a table is, or rows of it without naming them: DDL, as the log of
/// MySQL and MariaDB has it.
package struct LoggedDefinition: Sendable, Equatable {
    /// `LoggedTable.id`.
    package var table: UInt32
    package var name: TableName
    /// Its first words: `DROP TABLE`, `ALTER TABLE ... TRUNCATE PARTITION`.
    package var what: String
    /// Index into `ChangeBatch.transactions`.
    package var transaction: Int

    package init(table: UInt32, name: TableName, what: String, transaction: Int) {
        self.table = table
        self.name = name
        self.what = what
        self.transaction = transaction
    }
}
