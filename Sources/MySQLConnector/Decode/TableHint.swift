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
    }

    /// Types that the log shows as BINARY.
    enum Special: Sendable { case uuid, inet6, inet4 }
}

/// What to do with the rows of a table.
enum TableChoice: Sendable, Equatable {
    case pass
    /// - hint: nil if the log says all.
    case decode(TableHint?)
}
