package import ReplicationEngine
package import ReplicationModel

/// What the pipeline file says of one transform.
package struct TransformDefinition: Sendable, Equatable {
    package var table: TableName
    package var target: TableName
    /// One SELECT over one row of the table.
    package var sql: String
    /// Outputs that are the target's key; nil: those that the source's key is passed through by.
    package var key: [String]?
    /// What an expression is at the target, by output.
    package var types: [String: OutputType] = [:]
    /// Outputs that may differ each time they are computed.
    package var nondeterministic: Set<String> = []
    package var mode: TableMode?
    /// Where it stands: `shop.yaml:12`.
    package var place = ""
    /// The SELECT stands there; otherwise it is made of rules for columns.
    package var isWritten = true

    package init(table: TableName, target: TableName, sql: String) {
        self.table = table
        self.target = target
        self.sql = sql
    }
}

/// A transform that was compiled against the table as it is: what load, stream and verify share.
///
/// Immutable; each session makes its own statement of it.
package struct Transform: Sendable {
    package struct Output: Sendable {
        package var column: Column
        /// The row's column that it is; nil for an expression.
        package var passes: Int?
        /// Indices of the row's columns that it is made of: these and no others.
        package var dependsOn: Set<Int>
        /// Names of lookups that it is made of too.
        package var lookups: Set<String> = []
        /// Empty for what passes, and for a column of the mode's own.
        var expression: String
        /// A SELECT of it alone, filtered: tells whether it is what fails.
        var alone = ""
        /// Of a column of the mode's own: what it is in a row of a snapshot; nil is NULL.
        var initial: [UInt8]?
        /// What it is in every row.
        var constant: Constant?
    }

    package enum Constant: Sendable, Equatable {
        /// Canonical text, of ASCII letters, digits and signs.
        case text(String)
        case sourceName
    }

    package let definition: TransformDefinition
    /// As the engine knows the table.
    package let source: TableRoute
    /// As the target does.
    package internal(set) var target: TableRoute
    package internal(set) var outputs: [Output]
    /// Columns that decide whether the row passes.
    package let filteredBy: Set<Int>
    /// Two source keys never have one target key, whatever they are.
    package let isOneToOne: Bool
    /// Other transforms go to its target, and nothing in the key tells whose a row is.
    package internal(set) var isGuarded = false
    /// Others go there, too.
    package internal(set) var isMerged = false
    /// Computes the expressions and the filter; nil if there are none.
    let statement: String?
    /// The same with no other expressions than the key's: what an old row is asked for.
    let keyStatement: String?
    /// Secrets that it uses, by name, with a few bits to know them again by.
    let secrets: [String: String]
    /// Those that it reads.
    package let usedLookups: [LookupTable]
    private let lookups: Lookups?

    /// - Parameter route: the table as the source has it.
    /// - Throws: `.configuration`, with file, line and column of the SQL.
    package init(
        compiling definition: TransformDefinition, _ route: TableRoute, keys: TransformKeys,
        lookups: Lookups? = nil
    ) throws {
        self = try TransformCompiler.compile(definition, route, keys: keys, lookups: lookups)
    }

    init(
        _ definition: TransformDefinition, source: TableRoute, target: TableRoute,
        outputs: [Output], filteredBy: Set<Int>, isOneToOne: Bool, statement: String?,
        keyStatement: String?, secrets: [String: String], usedLookups: [LookupTable],
        lookups: Lookups?
    ) {
        self.definition = definition
        self.source = source
        self.target = target
        self.outputs = outputs
        self.filteredBy = filteredBy
        self.isOneToOne = isOneToOne
        self.statement = statement
        self.keyStatement = keyStatement
        self.secrets = secrets
        self.usedLookups = usedLookups
        self.lookups = lookups
    }

    /// What must not change between two runs.
    package var outline: String {
        let columns = target.columns.map { "\($0.name) \($0.type.declaration)" }
        let key = target.keyColumns.map(\.name)
        let secrets = secrets.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }
        let mode = definition.mode.map { [$0.rawValue] } ?? []
        let lookups = usedLookups.map { "\($0.name) \($0.fingerprint)" }
        let parts = [columns, key, secrets] + (lookups.isEmpty ? [] : [lookups])
        return ([definition.sql] + mode + parts.map { $0.joined(separator: ", ") })
            .joined(separator: " | ")
    }

    /// Whether the before-image must be whole: its filter needs more than the key.
    package var needsWholeOldRow: Bool {
        source.isKeyless || definition.mode == .append || !filteredBy.isSubset(of: Set(source.key))
    }

    /// The columns as SQLite sees them.
    var rowColumns: [SourceRow.Column] {
        ExactColumns.columns(source)
    }

    func openSession(_ keys: TransformKeys) throws -> TransformSession {
        try TransformSession(
            table: source.source.name.name, row: SourceRow(rowColumns), keys: keys,
            hasClock: !definition.nondeterministic.isEmpty,
            lookups: usedLookups.isEmpty ? nil : lookups)
    }
}
