import Configuration
import ReplicationEngine
import ReplicationModel
import SQLTransform

/// `transform`: a table's transform on some of its rows, before and after side by side. Reads the
/// source only.
package struct TransformReport: Report {
    let pipeline: String
    let transform: Transform
    let rows: [TransformTrial.Row]
    /// Values are shown to somebody who looks, not to a file (I9).
    let showsValues: Bool

    /// - Parameter table: `schema.name`.
    package init(
        _ scope: PipelineScope, table: String, limit: Int, showsValues: Bool
    ) throws {
        let names = scope.transforms.map(\.source.source.name.description)
        guard let index = names.firstIndex(of: table) else {
            throw ReplicationError(
                .usage, "try the transform of \(table)", place: "option --table",
                why: "no table of that name has a transform",
                try: Suggestion.nearest(to: table, among: names).map { "did you mean '\($0)'?" }
                    ?? "tables with one: " + names.joined(separator: ", "))
        }
        pipeline = scope.configuration.name
        transform = scope.transforms[index]
        self.showsValues = showsValues
        rows = try Self.rows(transform, scope, limit)
    }

    private struct Enough: Error {}

    /// The first rows by key, or any of a table without one.
    private static func rows(
        _ transform: Transform, _ scope: PipelineScope, _ limit: Int
    ) throws -> [TransformTrial.Row] {
        var trial = try TransformTrial(
            transform, keys: Transforming.keys(scope.configuration),
            sourceName: scope.configuration.name, limit: limit)
        defer { trial.close() }
        let reader = try scope.source.openReader(label: "transform")
        defer { reader.close() }
        let route = transform.source
        let last = route.isKeyless ? nil : try reader.cut(route, after: nil, rows: limit)
        _ = try reader.begin(route)
        do {
            _ = try reader.copy(
                route, KeyRange(after: nil, through: last), format: .copyText
            ) { block in
                try trial.take(block)
                if trial.isFull { throw Enough() }
            }
        } catch is Enough {}
        return trial.rows
    }

    package var exitCode: Int32 { 0 }

    private func shown(_ value: String?) -> JSONValue {
        value.map { .string(showsValues ? $0 : "***") } ?? .null
    }

    private func object(_ values: [String?], _ columns: [Column]) -> JSONValue {
        .object(zip(columns, values).map { ($0.name, shown($1)) })
    }

    package var json: JSONValue {
        .object([
            ("schema", .integer(1)), ("pipeline", .string(pipeline)),
            ("source", .string(transform.source.source.name.description)),
            ("target", .string(transform.target.target.description)),
            (
                "rows",
                .array(
                    rows.map { row in
                        .object([
                            ("before", object(row.before, transform.source.columns)),
                            (
                                "after",
                                row.after.map { object($0, transform.target.columns) } ?? .null
                            ),
                        ])
                    })
            ),
        ])
    }

    package var lines: [String] {
        let passed = rows.count { $0.after != nil }
        let title =
            "\(transform.source.source.name) -> \(transform.target.target): "
            + "\(passed) of \(rows.count) rows pass"
        let hint = showsValues ? [] : ["values are shown on a terminal, or with --show-values"]
        return [title] + hint + rows.flatMap(lines)
    }

    private func lines(_ row: TransformTrial.Row) -> [String] {
        let after = row.after.map { text($0, transform.target.columns) } ?? "(does not pass)"
        return [
            "", "  before  " + text(row.before, transform.source.columns), "  after   " + after,
        ]
    }

    private func text(_ values: [String?], _ columns: [Column]) -> String {
        zip(columns, values).map { column, value in
            "\(column.name): \(value.map { showsValues ? Self.printable($0) : "***" } ?? "NULL")"
        }.joined(separator: " | ")
    }

    /// On one line, and nothing that moves the cursor.
    private static func printable(_ text: String) -> String {
        let start = String(
            text.unicodeScalars.prefix(60).map {
                $0.properties.generalCategory == .control ? "\u{FFFD}" : Character($0)
            })
        return text.unicodeScalars.count > 60 ? start + "..." : start
    }
}
