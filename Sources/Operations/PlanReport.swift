import Configuration
import ReplicationEngine
import ReplicationModel
import SQLTransform

/// What `run` would do, without doing it.
package struct PlanReport: Report {
    package struct NotCarried: Sendable {
        package var kind: String
        package var count: Int
    }

    let configuration: PipelineConfiguration
    let routes: [TableRoute]
    /// By route.
    let targets: [[TableName]]
    let transforms: [Transform]
    let schema: SchemaPlan
    let notCarried: [NotCarried]

    package init(_ scope: PipelineScope) throws {
        configuration = scope.configuration
        routes = scope.routes
        targets = scope.routes.map { scope.target.tables(of: $0).map(\.target) }
        transforms = scope.transforms
        schema = try scope.target.schemaPlan(
            scope.routes, prerequisites: try scope.source.prerequisites(of: scope.tables))
        notCarried = try scope.source.notCarried().map {
            NotCarried(kind: $0.kind, count: $0.count)
        }
    }

    /// A plan that cannot be carried out is a failed preflight.
    package var exitCode: Int32 { schema.problems.isEmpty ? 0 : 3 }

    func chunks(_ route: TableRoute) -> Int64 {
        guard !route.isKeyless, !route.isOneChunk else { return 1 }
        let perChunk = Int64(configuration.chunkRows)
        return max(1, (max(0, route.source.estimatedRows) + perChunk - 1) / perChunk)
    }

    /// One command per half of a schema that holds something not carried.
    var dumpCommands: [String] {
        guard configuration.source.engine == .postgres, configuration.target.engine == .postgres
        else { return [] }
        let url = configuration.source.redacted
        return ["pre-data", "post-data"].filter { section in
            notCarried.contains { $0.count > 0 && Self.section(of: $0.kind) == section }
        }.map { "pg_dump --schema-only --section=\($0) --dbname='\(url)'" }
    }

    /// Where pg_dump puts objects of a kind: what hangs on tables comes after the data.
    static func section(of kind: String) -> String {
        let kind = kind.lowercased()
        return ["trigger", "rule", "polic", "statistics", "publication", "subscription"]
            .contains(where: kind.contains) ? "post-data" : "pre-data"
    }

    // MARK: JSON

    package var json: JSONValue {
        .object([
            ("schema", .integer(1)), ("pipeline", .string(configuration.name)),
            ("source", .string(configuration.source.redacted)),
            ("target", .string(configuration.target.redacted)),
            ("tables", .array(zip(routes, targets).map(json))),
            ("transforms", .array(transforms.map(Self.json))),
            ("ddl", ddl), ("mappings", .array(schema.mappings.map(JSONValue.string))),
            ("problems", .array(schema.problems.map { ErrorText($0.description).json })),
            ("not_carried", .array(notCarried.map(Self.json))),
            ("commands", .array(dumpCommands.map(JSONValue.string))),
        ])
    }

    private static func json(_ item: NotCarried) -> JSONValue {
        .object([("kind", .string(item.kind)), ("count", .integer(Int64(item.count)))])
    }

    private func json(_ route: TableRoute, _ targets: [TableName]) -> JSONValue {
        .object([
            ("source", .string(route.source.name.description)),
            ("target", .string(route.target.description)),
            ("targets", .array(targets.map { .string($0.description) })),
            ("key", .array(route.keyColumns.map { .string($0.name) })),
            ("columns", .array(route.columns.map(Self.json))),
            ("rows_estimated", .integer(max(0, route.source.estimatedRows))),
            ("bytes_estimated", .integer(max(0, route.source.estimatedBytes))),
            ("chunks_estimated", .integer(chunks(route))),
        ])
    }

    static func json(_ column: Column) -> JSONValue {
        .object([("name", .string(column.name)), ("type", .string(column.type.declaration))])
    }

    private var ddl: JSONValue {
        let after = afterRows.map { route, statements in
            JSONValue.object([
                ("table", .string(route.source.name.description)),
                ("statements", .array(statements.map(JSONValue.string))),
            ])
        }
        return .object([
            ("before_rows", .array(schema.beforeRows.map(JSONValue.string))),
            ("after_rows", .array(after)),
            ("when_consistent", .array(schema.whenConsistent.map(JSONValue.string))),
        ])
    }

    private var afterRows: [(TableRoute, [String])] {
        routes.compactMap { route in
            let id = route.source.id
            let key = schema.keys[id] ?? []
            let statements = key + (schema.afterRows[id] ?? [])
            return statements.isEmpty ? nil : (route, statements)
        }
    }

    // MARK: Text

    package var lines: [String] {
        var lines = ["pipeline \(configuration.name)"]
        lines += ["  from \(configuration.source)", "  to   \(configuration.target)", ""]
        lines += tableLines
        lines += Self.section("transforms", transforms.flatMap(Self.lines))
        lines += Self.section("types that change", schema.mappings)
        lines += Self.section("before the rows", schema.beforeRows.map(Self.statement))
        for (route, statements) in afterRows {
            lines += Self.section(
                "after the rows of \(route.source.name)", statements.map(Self.statement))
        }
        lines += Self.section(
            "when the target is consistent", schema.whenConsistent.map(Self.statement))
        let left = notCarried.filter { $0.count > 0 }.map { "\($0.kind): \($0.count)" }
        lines += Self.section("not carried", left + dumpCommands)
        lines += Self.section("problems", schema.problems.map(\.description))
        return lines
    }

    private var tableLines: [String] {
        let header = Self.row("table", "target", "key", "~rows", "~chunks")
        return [header]
            + zip(routes, targets).flatMap { route, targets in
                targets.map { target in
                    Self.row(
                        route.source.name.description, target.description,
                        route.isKeyless
                            ? "(none)" : route.keyColumns.map(\.name).joined(separator: ","),
                        Units.count(max(0, route.source.estimatedRows)), Units.count(chunks(route)))
                }
            }
    }

    private static func row(_ cells: String...) -> String {
        cells[0].padded(to: 22) + " " + cells[1].padded(to: 22) + " " + cells[2].padded(to: 12)
            + cells[3].rightAligned(in: 13) + cells[4].rightAligned(in: 9)
    }

    static func section(_ title: String, _ items: [String]) -> [String] {
        guard !items.isEmpty else { return [] }
        let body = items.flatMap { $0.split(separator: "\n", omittingEmptySubsequences: false) }
        return ["", title] + body.map { "  \($0)" }
    }

    private static func statement(_ sql: String) -> String { sql.hasSuffix(";") ? sql : sql + ";" }
}
