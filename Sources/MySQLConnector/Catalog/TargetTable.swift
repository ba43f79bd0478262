internal import ReplicationEngine
internal import ReplicationModel

/// A table as the target has it.
struct TargetTable: Sendable {
    struct Column: Sendable {
        var name: String
        /// `decimal`, `varchar`.
        var dataType: String
        /// `decimal(10,2)`, `int(10) unsigned`.
        var declaration: String
        var isNullable: Bool
        var hasDefault: Bool
        var isGenerated: Bool
        var isAutoIncrement: Bool
        var collation: String?
        var precision: Int?
        var scale: Int?
        /// Digits of a second's fraction.
        var fraction: Int?

        var isUnsigned: Bool { declaration.contains("unsigned") }
    }

    struct Index: Sendable {
        var name: String
        var isUnique: Bool
        /// In order; nil for an expression or a prefix of a column.
        var columns: [String?]

        var plainColumns: [String] { columns.compactMap { $0 } }
        var isPlain: Bool { !columns.contains(nil) }
    }

    var name: TableName
    var engine: String
    /// Not a view.
    var isTable: Bool
    var columns: [Column] = []
    var indexes: [Index] = []
    var foreignKeys: Set<String> = []
    var triggers: [String] = []

    /// The server does not tell column names by their case.
    func column(_ name: String) -> Column? {
        columns.first { $0.name == name }
            ?? columns.first { $0.name.lowercased() == name.lowercased() }
    }

    var primaryKey: [String] { indexes.first { $0.name == "PRIMARY" }?.plainColumns ?? [] }
    var uniqueKeys: [[String]] {
        indexes.filter { $0.isUnique && $0.name != "PRIMARY" && $0.isPlain }.map(\.plainColumns)
    }

    /// Whether rows are found by exactly these columns.
    func hasKey(_ names: [String]) -> Bool {
        let wanted = Set(names.map { $0.lowercased() })
        return indexes.contains {
            $0.isUnique && $0.isPlain && Set($0.plainColumns.map { $0.lowercased() }) == wanted
        }
    }

    /// A unique index other than on these columns.
    func hasOtherUnique(than names: [String]) -> Bool {
        let wanted = Set(names.map { $0.lowercased() })
        return indexes.contains {
            $0.isUnique && !($0.isPlain && Set($0.plainColumns.map { $0.lowercased() }) == wanted)
        }
    }
}
