internal import ReplicationModel

/// A relation that is at the target already, as its catalogue describes it.
struct ExistingTable {
    var oid: UInt32
    var name: TableName
    var kind: Kind
    /// UNLOGGED: a crash of the target empties it (A07).
    var isUnlogged: Bool
    /// The role is the owner, or a member: may alter it and make indexes.
    var isOwned: Bool
    var hasRules: Bool
    /// Row-level security would hide rows from, or refuse them to, this role.
    var hasRowSecurity: Bool
    /// Rows of before the load are set aside (TargetKeptRows).
    var hasKeptRows: Bool
    var columns: [Column] = []
    var indexes: [Index] = []
    var foreignKeys: [ForeignKey] = []
    var checks: Set<String> = []

    enum Kind: String {
        case table = "r", partitioned = "p", view = "v", materializedView = "m", foreign = "f"
        case other = ""
    }

    struct Column {
        var name: String
        var declaration: String
        var isNullable: Bool
        /// The expression of a generated column.
        var generated: String?
        /// `a` always, `d` by default, empty: none.
        var identity: String
        var hasDefault: Bool
        /// Values that differ may be equal (case-insensitive collations).
        var isNondeterministic: Bool
    }

    struct Index {
        var name: String
        /// Key columns in order; empty if one is an expression.
        var columns: [String]
        var isUnique: Bool
        var isPrimary: Bool
        var isExclusion: Bool
        /// The index belongs to a constraint, and is dropped with it.
        var isConstraint: Bool
        /// Valid, immediate, not partial, no expression.
        var isPlain: Bool
        /// Checked when the transaction ends, by triggers.
        var isDeferrable: Bool
    }

    struct ForeignKey {
        var name: String
        var columns: [String]
        var referenced: TableName
        var referencedColumns: [String]
        /// ON DELETE or ON UPDATE changes rows.
        var changesRows: Bool
        var isDeferrable: Bool
        /// `FOREIGN KEY (a) REFERENCES ...`
        var definition: String
        /// Whether the role may make it again.
        var mayBeMade: Bool
        /// Not there now: Martlet puts it back (TargetForeignKeys).
        var isTakenOff = false
    }

    /// A unique key by which single rows can be found: exactly these columns, in any order.
    func hasKey(_ columns: [String]) -> Bool {
        indexes.contains { $0.isUnique && $0.isPlain && Set($0.columns) == Set(columns) }
    }

    /// Unique keys and exclusion constraints besides the one that rows are found by.
    func secondaryKeys(besides key: [String]) -> [Index] {
        indexes.filter { index in
            guard index.isUnique || index.isExclusion else { return false }
            return key.isEmpty || !(index.isPlain && Set(index.columns) == Set(key))
        }
    }

    func dropStatement(_ index: Index) -> String {
        guard index.isConstraint else {
            let full = TableName(schema: name.schema, name: index.name)
            return "DROP INDEX \(full.quoted);"
        }
        return "ALTER TABLE \(name.quoted) DROP CONSTRAINT \(index.name.quotedIdentifier);"
    }
}
