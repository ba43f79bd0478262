package import ReplicationModel

/// Asks one table of a source several questions about its values, in SQL that every engine reads.
///
/// A table of up to twice `sampleRows` rows is read whole, as any other one if that is asked for.
/// Of a larger one the first and the last rows by key are looked at: the oldest values and the
/// newest ones, found by the key's index.
package struct ValueScan {
    package static let sampleRows = 50_000
    private static let exampleKeys = 5

    /// What stands behind FROM.
    private let origin: String
    /// The key's columns, quoted; empty for a table without one.
    private let key: [String]
    /// How the key is shown, in the same order.
    private let shownKey: [String]
    /// The columns that are asked about, quoted, and for each question its condition.
    private let columns: [String]
    private let conditions: [String]

    package init(
        origin: String, key: [String], shownKey: [String], columns: [String], conditions: [String]
    ) {
        self.origin = origin
        self.key = key
        self.shownKey = shownKey
        self.columns = columns
        self.conditions = conditions
    }

    /// - Parameters:
    ///   - whole: every row is read, however many there are.
    ///   - query: runs one statement, all columns as text.
    package func census(
        whole: Bool, sampleRows: Int = ValueScan.sampleRows,
        query: (String) throws -> [[String?]]
    ) throws -> ValueCensus {
        var census = ValueCensus(questions: conditions.count)
        census.isWhole = try whole || isSmall(sampleRows, query)
        for part in census.isWhole ? ["\(origin) AS x"] : ends(sampleRows) {
            try count(part, &census, query)
        }
        return census
    }

    private func isSmall(_ rows: Int, _ query: (String) throws -> [[String?]]) throws -> Bool {
        let some = "SELECT 1 AS one FROM \(origin) LIMIT \(2 * rows)"
        let found = try query("SELECT COUNT(*) FROM (\(some)) AS x").first?.first
        return found?.flatMap { Int($0) } ?? 0 < 2 * rows
    }

    private func ends(_ rows: Int) -> [String] {
        let listed = (columns + key.filter { !columns.contains($0) }).joined(separator: ", ")
        guard !key.isEmpty else { return ["(SELECT \(listed) FROM \(origin) LIMIT \(rows)) AS x"] }
        return ["ASC", "DESC"].map { direction in
            let order = key.map { "\($0) \(direction)" }.joined(separator: ", ")
            return "(SELECT \(listed) FROM \(origin) ORDER BY \(order) LIMIT \(rows)) AS x"
        }
    }

    private func count(
        _ part: String, _ census: inout ValueCensus, _ query: (String) throws -> [[String?]]
    ) throws {
        let counts = conditions.map { "COUNT(CASE WHEN \($0) THEN 1 END)" }
        let list = (["COUNT(*)"] + counts).joined(separator: ", ")
        let row = try query("SELECT \(list) FROM \(part)").first ?? []
        let numbers = row.map { $0.flatMap { Int64($0) } ?? 0 }
        guard numbers.count == conditions.count + 1 else {
            throw ReplicationError(
                .protocolViolation, "count values of \(origin)",
                why: "\(conditions.count + 1) counts were asked for and \(numbers.count) came")
        }
        census.rows += numbers[0]
        for index in conditions.indices where numbers[index + 1] > 0 {
            census.answers[index].rows += numbers[index + 1]
            let room = Self.exampleKeys - census.answers[index].keys.count
            guard room > 0, !key.isEmpty else { continue }
            let keys = try query(
                "SELECT \(shownKey.joined(separator: ", ")) FROM \(part)"
                    + " WHERE \(conditions[index]) LIMIT \(room)")
            census.answers[index].keys += keys.map { $0.map { $0 ?? "" } }
        }
    }
}
