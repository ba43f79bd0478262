/// One result of a preflight: what was looked at and what came of it. Its words never hold a row
/// value.
package struct Finding: Sendable, Equatable {
    package enum Severity: String, Sendable {
        case ok, warning
        /// `run` would fail or lose something: it refuses to start.
        case refused
    }

    package var severity: Severity
    /// What was checked, in few words: "wal_level", "replica identity of public.orders".
    package var check: String
    package var detail: String
    package var table: TableName?
    package var column: String?
    /// The statement or command that mends it.
    package var remedy: String?
    /// How many rows it is about, and the keys of some: for `check` to show, for nobody to log.
    package var rows: Int64?
    package var keys: [[String]] = []

    package init(
        _ severity: Severity, _ check: String, _ detail: String, table: TableName? = nil,
        column: String? = nil, try remedy: String? = nil
    ) {
        self.severity = severity
        self.check = check
        self.detail = detail
        self.table = table
        self.column = column
        self.remedy = remedy
    }
}
