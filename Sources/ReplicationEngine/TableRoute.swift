package import ReplicationModel

/// One table on its way: what it is at the source, where it goes, which of its values travel.
package struct TableRoute: Sendable, Equatable {
    package var source: TableSchema
    package var target: TableName
    /// The columns that travel, in the order of the log's tuples and of the COPY column list.
    /// `values[row + i]` of a change belongs to `columns[i]`.
    package var columns: [Column]
    /// Indices into `columns` of the chunk key, in key order; empty for a table without a key.
    package var key: [Int]
    /// nil: every row of the target's table is this route's.
    package var share: RowShare?

    package init(source: TableSchema, target: TableName, columns: [Column], key: [Int]) {
        self.source = source
        self.target = target
        self.columns = columns
        self.key = key
    }

    package var isKeyless: Bool { key.isEmpty }
    package var keyColumns: [Column] { key.map { columns[$0] } }
    /// Equal keys may differ in text, and no form is known that they share: such a table is one
    /// chunk (`TableReader.cut` gives no cut), so that a key changed in writing only stays in it.
    /// MySQL and MariaDB place any writing of a key in one chunk, and log whole rows, so that none
    /// is ever looked for by its text. But for a text that stands for two keys they know one place.
    /// Rows that change with others of the same table are of one copy, too.
    package var isOneChunk: Bool {
        source.dialect.isMySQLFamily
            ? source.changesItself || keyColumns.contains(where: \.isAmbiguous)
            : keyColumns.contains { $0.keyForm == .unknown }
    }
}

/// Rows of a table that other routes or pipelines write to, too: those with this value are ours.
package struct RowShare: Sendable, Equatable {
    package var column: String
    /// Canonical text, of ASCII letters, digits and signs.
    package var value: String

    package init(column: String, value: String) {
        (self.column, self.value) = (column, value)
    }
}
