/// A table as the source's catalogue describes it.
package struct TableSchema: Sendable, Equatable {
    /// The source's own identity of the table (PostgreSQL: `pg_class.oid`); survives renames (P48).
    /// MySQL has none that lasts: CRC-32 of `schema.name`, unique within a pipeline.
    package var id: UInt32
    package var name: TableName
    /// In which definitions, defaults and declarations are written.
    package var dialect = Dialect.postgresql
    /// Partitioned root: read through the root (`FROM t`); any other table is read with `ONLY`
    /// (P41).
    package var isPartitioned = false
    /// Columns in catalogue order, generated ones included.
    package var columns: [Column]
    package var replicaIdentity: ReplicaIdentity
    package var primaryKey: Index?
    /// Every other valid index; unique ones must wait until the target is consistent (DESIGN 6.11).
    package var indexes: [Index] = []
    package var foreignKeys: [ForeignKey] = []
    package var checks: [CheckConstraint] = []
    /// Users' functions that defaults, checks, indexes and the types' domains call: qualified,
    /// quoted, with argument types.
    package var functions: [String] = []
    package var estimatedRows: Int64 = 0
    package var estimatedBytes: Int64 = 0
    /// Changes when anything that decides how rows are read or decoded changes (DESIGN section 5).
    package var fingerprint = ""

    package init(
        id: UInt32, name: TableName, columns: [Column], replicaIdentity: ReplicaIdentity,
        primaryKey: Index? = nil
    ) {
        self.id = id
        self.name = name
        self.columns = columns
        self.replicaIdentity = replicaIdentity
        self.primaryKey = primaryKey
    }

    /// The columns whose values travel: generated ones are computed at the target (P65).
    package var carriedColumns: [Column] { columns.filter { $0.generated == nil } }
}

package struct Column: Sendable, Equatable {
    package var name: String
    package var type: ColumnType
    package var isNullable: Bool
    /// The default as an expression of the source's dialect.
    package var defaultExpression: String?
    /// The expression of a generated column; nil for a plain one.
    package var generated: String?
    /// A generated column that is computed when read (PostgreSQL 18), not stored.
    package var isVirtual = false
    package var identity: Identity?
    /// The identity's sequence where it is not the default one: `START WITH 1000 ...`.
    package var identityOptions: String?
    /// Name of the collation if it is not the type's default one, quoted and qualified.
    package var collation: String?
    /// The collation calls different texts equal: by case, accents or blanks at the end.
    package var isFolding = false
    /// Values that the server tells apart may have one text: their character set has two codes for
    /// some character.
    package var isAmbiguous = false

    package enum Identity: String, Sendable { case always, byDefault }

    package init(
        name: String, type: ColumnType, isNullable: Bool = true, defaultExpression: String? = nil,
        generated: String? = nil, identity: Identity? = nil, collation: String? = nil
    ) {
        self.name = name
        self.type = type
        self.isNullable = isNullable
        self.defaultExpression = defaultExpression
        self.generated = generated
        self.identity = identity
        self.collation = collation
    }
}

/// Whose SQL a definition is. A target of the same dialect takes it as it is, any other one
/// translates it or leaves it out and says so.
package enum Dialect: String, Sendable, Hashable, Codable {
    case postgresql, mysql, mariadb

    /// MySQL and MariaDB read each other's column types where both have them.
    package var isMySQLFamily: Bool { self != .postgresql }
}

/// A column's type: the source's own name for it, and what kind of value that is for other engines.
package struct ColumnType: Sendable, Hashable {
    /// As the source writes it, with modifiers: `numeric(10,2)`, `character varying(30)[]`.
    package var declaration: String
    /// Schema-qualified and quoted, without modifiers: `pg_catalog."int4"`; safe in a cast, because
    /// a cast that carries a length or scale truncates without a word.
    package var castName: String
    /// The source's own identity of the type (PostgreSQL: `pg_type.oid`), as the log names it.
    package var id: UInt32
    package var modifier: Int32
    package var kind: ValueKind
    package var size = TypeSize()

    package init(
        declaration: String, castName: String, id: UInt32, modifier: Int32, kind: ValueKind
    ) {
        self.declaration = declaration
        self.castName = castName
        self.id = id
        self.modifier = modifier
        self.kind = kind
    }
}

/// How large values of a type may be, for engines other than its own; nil is without limit.
package struct TypeSize: Sendable, Hashable {
    /// Characters of a text, bytes of binary data, bits of a bit string.
    package var length: Int?
    /// Digits of a decimal, in total and behind the point; `scale` alone: of a second's fraction.
    package var precision: Int?
    package var scale: Int?
    /// The labels of an enumeration or set, in their order.
    package var labels: [String] = []

    package init() {}
}

/// What a value is, independent of any engine. A domain has its base type's kind.
///
/// Between any source and any target a value travels as its *canonical text*: what PostgreSQL
/// prints for the kind with ISO dates, UTC, hexadecimal bytea and shortest exact floats. Kinds that
/// PostgreSQL does not have say theirs below.
package enum ValueKind: String, Sendable, Hashable, CaseIterable {
    case boolean, int16, int32, int64, oid, float32, float64, numeric, money
    case text, fixedText, bytes, uuid, date, time, timeWithZone, timestamp, timestampWithZone
    case interval, json, jsonBinary, xml, bits, network, enumeration, array, range, composite
    case caseInsensitiveText
    /// `bigint unsigned`: 0 to 2^64 - 1, in digits.
    case unsigned64
    /// MySQL's TIME, a signed span: `-838:59:59.5`, at least two digits of hours.
    case duration
    /// `2024`; 0 is `0000`.
    case year
    /// MySQL's SET: labels in the order of the type, with commas between.
    case labelSet
    /// MySQL's internal form, SRID in four bytes before the WKB, as hexadecimal bytea.
    case geometry
    /// Four-byte floats of a vector, as hexadecimal bytea.
    case vector
    /// Carried as the source's text.
    case other
}

/// How the log identifies the row that an UPDATE or DELETE changed.
package enum ReplicaIdentity: Sendable, Equatable {
    /// The primary key.
    case primaryKey
    /// The columns of this index.
    case index(String)
    /// The whole old row.
    case full
    /// Nothing usable: only INSERT and TRUNCATE can be followed.
    case nothing
}

package struct Index: Sendable, Equatable {
    package var name: String
    /// Key columns in index order; empty for an expression index.
    package var columns: [String]
    package var isUnique: Bool
    /// The constraint behind it, if any: `DEFERRABLE` and the like are in `definition`.
    package var isConstraint: Bool
    package var isDeferrable = false
    /// Usable as a key: valid, immediate, not partial, no expression.
    package var isPlain = true
    /// The body of the definition in the source's dialect: for a constraint what follows
    /// `ADD CONSTRAINT name`, for an index what follows `CREATE [UNIQUE] INDEX name ON table`.
    package var definition: String

    package init(
        name: String, columns: [String], isUnique: Bool, isConstraint: Bool, definition: String
    ) {
        self.name = name
        self.columns = columns
        self.isUnique = isUnique
        self.isConstraint = isConstraint
        self.definition = definition
    }
}

package struct ForeignKey: Sendable, Equatable {
    package var name: String
    package var columns: [String]
    package var referenced: TableName
    package var referencedColumns: [String]
    /// What follows `ADD CONSTRAINT name` in the source's dialect.
    package var definition: String
    /// ON DELETE / ON UPDATE does something to rows (CASCADE, SET NULL, SET DEFAULT).
    package var changesRows: Bool
    /// What of that is not in the log; nil: nothing.
    package var unlogged: UnloggedActions?
    package var isDeferrable: Bool

    package init(
        name: String, columns: [String], referenced: TableName, referencedColumns: [String],
        definition: String, changesRows: Bool, isDeferrable: Bool
    ) {
        self.name = name
        self.columns = columns
        self.referenced = referenced
        self.referencedColumns = referencedColumns
        self.definition = definition
        self.changesRows = changesRows
        self.isDeferrable = isDeferrable
    }
}

package struct CheckConstraint: Sendable, Equatable {
    package var name: String
    /// `CHECK (...)` in the source's dialect.
    package var definition: String

    package init(name: String, definition: String) {
        self.name = name
        self.definition = definition
    }
}

extension TableSchema {
    /// The columns by which the table is cut into chunks and its changes are judged (DESIGN 6.2):
    /// the primary key under DEFAULT, the index's columns under USING INDEX, any plain key of NOT
    /// NULL columns under FULL. Empty for a table without one: such a table is a single chunk.
    package var chunkKey: [String] {
        switch replicaIdentity {
        case .primaryKey: primaryKey.map { $0.isPlain ? $0.columns : [] } ?? []
        case .index(let name): (allKeys.first { $0.name == name })?.columns ?? []
        case .full: allKeys.first { isUsable($0) }?.columns ?? []
        case .nothing: []
        }
    }

    private var allKeys: [Index] { (primaryKey.map { [$0] } ?? []) + indexes.filter(\.isUnique) }

    private func isUsable(_ key: Index) -> Bool {
        key.isPlain && !key.isDeferrable && !key.columns.isEmpty
            && key.columns.allSatisfy { name in
                columns.contains { $0.name == name && !$0.isNullable && $0.generated == nil }
            }
    }
}
