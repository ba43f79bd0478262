package import ReplicationModel

package struct TargetShape: Sendable {
    package struct Column: Sendable {
        package var name: String
        package var declaration: String
        package var isNullable: Bool
        package var isGenerated: Bool
        package var hasDefault: Bool

        package init(
            name: String, declaration: String, isNullable: Bool, isGenerated: Bool, hasDefault: Bool
        ) {
            self.name = name
            self.declaration = declaration
            self.isNullable = isNullable
            self.isGenerated = isGenerated
            self.hasDefault = hasDefault
        }
    }

    package var columns: [Column]
    package var hasRows: Bool
    /// Columns of the primary key and of every other unique key.
    package var primaryKey: [String]
    package var uniqueKeys: [[String]]

    package init(
        columns: [Column], hasRows: Bool, primaryKey: [String], uniqueKeys: [[String]]
    ) {
        self.columns = columns
        self.hasRows = hasRows
        self.primaryKey = primaryKey
        self.uniqueKeys = uniqueKeys
    }
}

/// Something the tables need before they can be made: schema, extension, enum, domain, composite
/// type, sequence. In the source's dialect, in an order in which they can be made.
package struct SchemaObject: Sendable, Equatable {
    package enum Kind: String, Sendable {
        case schema, `extension`, collation, enumeration, domain, composite, range, sequence
    }

    package var kind: Kind
    package var name: TableName
    /// The CREATE statement in the source's dialect.
    package var definition: String
    /// The column that a sequence goes with (PostgreSQL: OWNED BY).
    package var owner: Owner?

    package struct Owner: Sendable, Equatable {
        package var table: TableName
        package var column: String

        package init(table: TableName, column: String) {
            self.table = table
            self.column = column
        }
    }

    package init(kind: Kind, name: TableName, definition: String) {
        self.kind = kind
        self.name = name
        self.definition = definition
    }
}

/// Statements for the target, by when they run (DESIGN 6.11).
package struct SchemaPlan: Sendable {
    /// Before the rows: types, tables, checks, and keys where the table is stored by them.
    package var beforeRows: [String] = []
    /// The key that rows are found by, of each table that they go to, where it need not be there
    /// before the rows, by source table id: made behind them, or before the first change of one.
    package var keys: [UInt32: [String]] = [:]
    /// Right after the rows of a table: plain indexes, by source table id.
    package var afterRows: [UInt32: [String]] = [:]
    /// When the target is consistent: secondary unique indexes, foreign keys.
    package var whenConsistent: [String] = []
    /// Source ids of tables that are there already with unique keys besides the one that rows are
    /// found by: they are loaded through a staging table.
    package var staged: Set<UInt32> = []
    /// Per column: how a type is mapped, where it is not itself.
    package var mappings: [String] = []
    /// What does not fit: table there already and different, type that cannot be held.
    package var problems: [ReplicationError] = []

    package init() {}
}
