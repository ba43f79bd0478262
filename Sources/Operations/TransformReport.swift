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

    package init(
        _ scope: PipelineScope, table: String, limit: Int, showsValues: Bool
    ) throws {
        pipeline = scope.configuration.name
        transform = try Self.transform(named: table, scope.transforms)
        self.showsValues = showsValues
        rows = try Self.rows(transform, scope, limit)
    }

    /// - Parameter name: of the source's table, of the target's, or `SOURCE -> TARGET`.
    private static func transform(
        named name: String, _ transforms: [Transform]
    ) throws -> Transform {
        func refusal(_ why: String, try remedy: String) -> ReplicationError {
            ReplicationError(
                .usage, "try the transform of \(name)", place: "option --table", why: why,
                try: remedy)
        }
        let pairs = transforms.map { "\($0.source.source.name) -> \($0.target.target)" }
        let names: [(Int) -> String] = [
            { transforms[$0].source.source.name.description },
            { transforms[$0].target.target.description }, { pairs[$0] },
        ]
        let found = names.lazy.map { text in transforms.indices.filter { text($0) == name } }
            .first { !$0.isEmpty }
        guard let found else {
            let known = transforms.indices.map(names[0])
            throw refusal(
                "no table of that name has a transform",
                try: Suggestion.nearest(to: name, among: known).map { "did you mean '\($0)'?" }
                    ?? "tables with one: " + known.joined(separator: ", "))
        }
        guard found.count == 1 else {
            throw refusal(
                "it has several",
                try: found.map { "--table '\(pairs[$0])'" }.joined(separator: ", or "))
        }
        return transforms[found[0]]
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
