internal import ReplicationModel

/// What the catalogue says of a table where the log does not: names and signs under
/// `binlog_row_metadata = MINIMAL`, and types that are bytes to the log (B57).
struct TableHint: Sendable, Equatable {
    /// The table's identity in the pipeline: the log's own changes all the time (B15).
    var id: UInt32
    var columns: [Column]

    struct Column: Sendable, Equatable {
        var name: String
        var isUnsigned = false
        /// MySQL's name; nil for columns without one, `binary` for bytes.
        var characterSet: String?
        /// Labels of ENUM and SET.
        var labels: [String] = []
        var isKey = false
        var special: Special?
        /// `ColumnTypeID`.
        var typeID: UInt32 = 0
        /// Its values are delivered; those of others are passed over.
        var isCarried = true
    }

    /// Types that the log shows as BINARY.
    enum Special: Sendable { case uuid, inet6, inet4 }

    /// For what the log says of the table as a whole.
    func description(_ name: TableName) -> LoggedTable {
        LoggedTable(
            id: id, name: name,
            columns: columns.filter(\.isCarried).map {
                LoggedTable.Column(
                    name: $0.name, typeID: $0.typeID, modifier: -1, isIdentity: $0.isKey)
            }, isFull: true)
    }
}

/// What to do with the rows of a table.
enum TableChoice: Sendable, Equatable {
    case pass
    /// - hint: nil if the log says all.
    case decode(TableHint?)
}

/// The tables whose rows and definitions matter.
struct FollowedTables: Sendable {
    /// nil: every table, and the log says all of it.
    private let hints: [TableName: TableHint]?
    /// By the names as statements write them, which may be in other letters than the table's.
    private let written: [TableName: TableName]
    private let foldsNames: Bool

    static let all = FollowedTables(nil)

    /// - Parameter foldsNames: statements may name tables in any case (`lower_case_table_names`).
    init(_ hints: [TableName: TableHint]?, foldsNames: Bool = false) {
        self.hints = hints
        self.foldsNames = foldsNames
        written =
            foldsNames
            ? Dictionary(
                (hints ?? [:]).keys.map { (Self.folded($0), $0) },
                uniquingKeysWith: { first, _ in first }) : [:]
    }

    /// As a row event names it.
    func choice(_ name: TableName) -> TableChoice {
        guard let hints else { return .decode(nil) }
        return hints[name].map { .decode($0) } ?? .pass
    }

    /// The table that a statement names, as the log describes it; nil: nobody's.
    func described(_ name: TableName) -> LoggedTable? {
        guard let hints else { return LoggedTable(id: 0, name: name, columns: [], isFull: true) }
        let own = foldsNames ? written[Self.folded(name)] ?? name : name
        return hints[own]?.description(own)
    }

    func described(in schema: String) -> [LoggedTable] {
        let wanted = foldsNames ? schema.lowercased() : schema
        return (hints ?? [:]).filter {
            (foldsNames ? $0.key.schema.lowercased() : $0.key.schema) == wanted
        }.sorted { $0.key < $1.key }.map { $0.value.description($0.key) }
    }

    private static func folded(_ name: TableName) -> TableName {
        TableName(schema: name.schema.lowercased(), name: name.name.lowercased())
    }
}
