import Configuration
import ReplicationEngine
package import ReplicationModel
import SQLTransform

/// What `check` found at both ends.
package struct CheckReport: Report {
    package let pipeline: String
    package let findings: [(side: String, finding: Finding)]
    /// What `--install` ran.
    package let installed: [String]

    /// Looks at both ends, after running the installation if asked to. Nothing is installed while a
    /// table is refused: the statements would fail, or break the application's own (P07).
    ///
    /// - Parameter fullScan: large tables are read whole to look at their values.
    package init(_ scope: PipelineScope, install: Bool, fullScan: Bool = false) throws {
        let (source, installed) = try Self.look(scope, install: install)
        let notices = scope.configuration.notices.map { ("pipeline", Finding(.warning, "key", $0)) }
        let prerequisites = try scope.source.prerequisites(of: scope.tables)
        let target = try scope.target.preflight(scope.routes, prerequisites: prerequisites).map {
            Self.judged($0, scope.configuration.existing)
        }
        self.init(
            pipeline: scope.configuration.name,
            findings: notices + (try Self.transforms(scope)).map { ("transforms", $0) }
                + source.map { ("source", $0) } + target.map { ("target", $0) }
                + (try ValueFindings.look(scope, whole: fullScan)).map { ("values", $0) },
            installed: installed)
    }

    private static func look(_ scope: PipelineScope, install: Bool) throws
        -> (findings: [Finding], installed: [String])
    {
        let before = try scope.source.preflight(scope.capture, tables: scope.tables)
        guard install, !before.contains(where: { $0.severity == .refused && $0.table != nil })
        else { return (before, []) }
        let statements = try scope.source.installStatements(scope.capture, tables: scope.tables)
        try scope.source.install(scope.capture, tables: scope.tables)
        let tables = try scope.source.describe(scope.tables.map(\.name))
        let after = try scope.source.preflight(scope.capture, tables: tables)
        return (after.map(asInstaller), statements)
    }

    /// The installer need not be the role that captures: what that role lacks is only a warning.
    private static func asInstaller(_ finding: Finding) -> Finding {
        guard finding.check == "role" else { return finding }
        var finding = finding
        finding.severity = .warning
        return finding
    }

    private static func transforms(_ scope: PipelineScope) throws -> [Finding] {
        guard !scope.transforms.isEmpty else { return [] }
        let sees = try scope.source.snapshotKind() == .visibility
        var findings = scope.transforms.flatMap { TransformCheck.findings($0, sees: sees) }
        if scope.configuration.existing == .merge {
            findings.append(
                Finding(
                    .refused, "existing: merge", "it knows the source's keys only",
                    try: "existing: truncate, or no transforms"))
        }
        return findings
    }

    static let existingRows = "existing rows"

    /// Rows that Martlet did not write are refused by the connector, which does not know what the
    /// configuration says of them (`existing`).
    private static func judged(
        _ finding: Finding, _ existing: PipelineConfiguration.Existing
    ) -> Finding {
        guard finding.check == existingRows, existing != .refuse else { return finding }
        var judged = finding
        judged.severity = .warning
        judged.detail += "; existing: \(existing.rawValue)"
        judged.remedy = nil
        return judged
    }

    package init(
        pipeline: String, findings: [(side: String, finding: Finding)], installed: [String] = []
    ) {
        self.pipeline = pipeline
        self.findings = findings
        self.installed = installed
    }

    package func count(_ severity: Finding.Severity) -> Int {
        findings.count { $0.finding.severity == severity }
    }

    package var exitCode: Int32 { count(.refused) > 0 ? 3 : 0 }

    package var json: JSONValue {
        .object([
            ("schema", .integer(1)), ("pipeline", .string(pipeline)),
            ("ok", .bool(exitCode == 0)),
            ("installed", .array(installed.map(JSONValue.string))),
            ("findings", .array(findings.map(Self.json))),
        ])
    }

    private static func json(_ side: String, _ finding: Finding) -> JSONValue {
        .object([
            ("side", .string(side)), ("severity", .string(finding.severity.rawValue)),
            ("check", .string(finding.check)), ("detail", .string(finding.detail)),
            ("table", .optional(finding.table?.description)),
            ("column", .optional(finding.column)), ("try", .optional(finding.remedy)),
            ("rows", finding.rows.map(JSONValue.integer) ?? .null),
            ("keys", .array(finding.keys.map { .array($0.map(JSONValue.string)) })),
        ])
    }

    package var lines: [String] {
        var lines = installed.isEmpty ? [] : ["installed"] + installed.map { "  \($0);" }
        for side in ["pipeline", "transforms", "source", "target", "values"] {
            let here = findings.filter { $0.side == side }.map(\.finding)
            if here.isEmpty { continue }
            lines.append(side)
            for severity in [Finding.Severity.refused, .warning, .ok] {
                lines += here.filter { $0.severity == severity }.flatMap(Self.lines)
            }
        }
        return lines + [summary]
    }

    private static func lines(_ finding: Finding) -> [String] {
        let mark =
            switch finding.severity {
            case .ok: "ok      "
            case .warning: "warn    "
            case .refused: "REFUSED "
            }
        var place = ""
        if let table = finding.table, !finding.check.contains(table.description) {
            place = " (\(table)" + (finding.column.map { ".\($0)" } ?? "") + ")"
        }
        let detail = finding.detail.isEmpty ? "" : ": \(finding.detail)"
        let keys = finding.keys.map { "(\($0.joined(separator: ", ")))" }.joined(separator: ", ")
        return ["  \(mark)\(finding.check)\(place)\(detail)"]
            + (keys.isEmpty ? [] : ["          keys: \(keys)"])
            + (finding.remedy.map { ["          try: \($0)"] } ?? [])
    }

    private var summary: String {
        "ok: \(count(.ok)), warnings: \(count(.warning)), refused: \(count(.refused))"
            + (exitCode == 0 ? "; ready to run" : "; run would not start")
    }
}

/// Statements to look at or to hand to somebody: `--print` and `--print-grants`.
package struct StatementReport: Report {
    package let pipeline: String
    package let groups: [(title: String, statements: [String])]

    package static func installation(_ scope: PipelineScope) throws -> StatementReport {
        let statements = try scope.source.installStatements(scope.capture, tables: scope.tables)
        return StatementReport(
            pipeline: scope.configuration.name, groups: [("installation", statements)])
    }

    package static func grants(_ scope: PipelineScope) throws -> StatementReport {
        StatementReport(
            pipeline: scope.configuration.name,
            groups: [
                ("source", try scope.source.grantStatements(scope.capture, tables: scope.tables)),
                ("target", try scope.target.grantStatements(scope.routes)),
            ])
    }

    package var exitCode: Int32 { 0 }

    package var json: JSONValue {
        .object(
            [("schema", .integer(1)), ("pipeline", .string(pipeline))]
                + groups.map { ($0.title, .array($0.statements.map(JSONValue.string))) })
    }

    /// SQL that can be piped into a client.
    package var lines: [String] {
        groups.flatMap { group in
            ["-- \(group.title)"]
                + (group.statements.isEmpty ? ["-- nothing to do"] : [])
                + group.statements.map { $0.hasSuffix(";") || $0.hasPrefix("--") ? $0 : $0 + ";" }
        }
    }
}
