import Configuration
import Foundation
import Operations
import ReplicationEngine
import ReplicationModel
import Testing

@Suite("check and plan")
struct CheckAndPlanTests {
    private func scope(_ edit: (FakeSource, FakeTarget) -> Void = { _, _ in }) throws
        -> PipelineScope
    {
        let source = FakeSource([
            table("public", "a", rows: 120_001), table("public", "k", id: 2, rows: 9, key: []),
        ])
        let target = FakeTarget()
        edit(source, target)
        return try PipelineScope(
            try configuration(to: "postgres://h/x"), source: source, target: target)
    }

    @Test("Findings are grouped by side, the refused first, and refuse the run")
    func findings() throws {
        let scope = try scope { source, target in
            source.set(
                \.findings,
                [
                    Finding(.ok, "wal_level", "logical"),
                    Finding(
                        .refused, "privilege", "no REPLICATION", try: "ALTER ROLE u REPLICATION"),
                ])
            target.set(
                \.findings,
                [
                    Finding(
                        .warning, "trigger", "fires",
                        table: TableName(schema: "public", name: "a"))
                ])
        }
        let report = try CheckReport(scope, install: false)
        #expect(report.exitCode == 3)
        #expect(
            report.lines == [
                "source", "  REFUSED privilege: no REPLICATION",
                "          try: ALTER ROLE u REPLICATION", "  ok      wal_level: logical",
                "target", "  warn    trigger (public.a): fires",
                "ok: 1, warnings: 1, refused: 1; run would not start",
            ])
        let json = try object(report)
        #expect(json["ok"] as? Bool == false)
        #expect((json["findings"] as? [[String: Any]])?.count == 3)
        #expect(report.output(json: true).hasPrefix(#"{"schema":1,"pipeline":"shop","ok":false"#))
    }

    @Test(
        "Rows that Martlet did not write are refused unless the configuration says what to do",
        arguments: [(.refuse, 3), (.truncate, 0), (.merge, 0)]
            as [(PipelineConfiguration.Existing, Int32)])
    func existingRows(existing: PipelineConfiguration.Existing, exitCode: Int32) throws {
        let target = FakeTarget()
        target.set(\.findings, [Finding(.refused, "existing rows", "public.a has rows")])
        let scope = try PipelineScope(
            try configuration { $0.existing = existing },
            source: FakeSource([table("public", "a")]), target: target)
        #expect(try CheckReport(scope, install: false).exitCode == exitCode)
    }

    @Test("Values that the target cannot hold are counted, and their keys shown, not logged")
    func values() throws {
        let scope = try scope { source, target in
            source.set(\.hits, 3)
            let table = table("public", "a")
            target.set(
                \.questions,
                [
                    ValueQuestion(.nulByte, of: table.columns[1], in: table.name, try: "mend it"),
                    ValueQuestion(.noDay, of: table.columns[1], in: table.name),
                ])
        }
        let report = try CheckReport(scope, install: false)
        #expect(report.exitCode == 3)
        #expect(
            report.lines.drop { $0 != "values" }.dropLast() == [
                "values",
                "  REFUSED values of public.a.doc: 3 of 10 rows looked at have texts with a NUL"
                    + " byte: the target has no place for them",
                "          keys: (1, a)", "          try: mend it",
                "  ok      values: 10 rows of 1 tables looked at; 1 of them in part: --full-scan"
                    + " reads every row",
            ])
        let finding = try #require((object(report)["findings"] as? [[String: Any]])?.first)
        #expect(finding["rows"] as? Int == 3)
        #expect(finding["keys"] as? [[String]] == [["1", "a"]])
        #expect(!report.findings.contains { $0.finding.detail.contains("(1") })
        let whole = try CheckReport(scope, install: false, fullScan: true)
        #expect(whole.lines.contains("  ok      values: 10 rows of 1 tables looked at"))
        let source = try #require(scope.source as? FakeSource)
        #expect(source.calls == ["census public.a", "census public.a whole"])
    }

    @Test("Values that the configuration converts are a warning; what cannot be read is refused")
    func convertedValues() throws {
        let scope = try scope { source, target in
            source.set(\.hits, 3)
            let table = table("public", "a")
            let asked = ValueQuestion(
                .noDay, of: table.columns[1], in: table.name, conversion: .zeroDate)
            target.set(\.questions, [asked])
        }
        let report = try CheckReport(scope, install: false)
        #expect(report.exitCode == 0)
        #expect(report.lines.contains { $0.hasSuffix("converted, as lossy.zero_date says") })
        let source = try #require(scope.source as? FakeSource)
        source.set(\.mayRead, false)
        let unread = try CheckReport(scope, install: false)
        #expect(unread.findings.map(\.finding.detail) == ["the role may not read them"])
        #expect(unread.exitCode == 3)
    }

    @Test("check changes nothing unless --install is given, which tells what it ran")
    func install() throws {
        let scope = try scope()
        let source = try #require(scope.source as? FakeSource)
        #expect(try CheckReport(scope, install: false).installed.isEmpty)
        #expect(source.calls.isEmpty)
        let report = try CheckReport(scope, install: true)
        #expect(source.calls == ["install"])
        #expect(report.lines.prefix(2) == ["installed", "  CREATE PUBLICATION martlet_shop;"])
        #expect(report.exitCode == 0)
    }

    @Test("--print and --print-grants give SQL and nothing else")
    func statements() throws {
        let scope = try scope()
        #expect(
            try StatementReport.installation(scope).lines == [
                "-- installation", "CREATE PUBLICATION martlet_shop;",
            ])
        #expect(
            try StatementReport.grants(scope).lines == [
                "-- source", "GRANT SELECT;", "-- target", "GRANT INSERT;",
            ])
        #expect((scope.source as? FakeSource)?.calls == [])
    }

    @Test("The plan shows tables, chunks, statements by phase and what is not carried")
    func plan() throws {
        var schema = SchemaPlan()
        schema.beforeRows = ["CREATE TABLE a (\n  id int)"]
        schema.afterRows = [1: ["CREATE INDEX i ON a (id)"]]
        schema.whenConsistent = ["ALTER TABLE a ADD UNIQUE (id)"]
        schema.mappings = ["public.a.doc: text -> TEXT"]
        let scope = try scope { $1.set(\.plan, schema) }
        let report = try PlanReport(scope)
        #expect(report.exitCode == 0)
        let text = report.output(json: false)
        #expect(text.contains("postgres://u:***@db1/shop"))
        #expect(!text.contains("geheim"))
        #expect(text.contains("CREATE INDEX i ON a (id);"))
        #expect(text.contains("after the rows of public.a"))
        #expect(text.contains("pg_dump --schema-only --section=pre-data"))
        #expect(text.contains("pg_dump --schema-only --section=post-data"))
        #expect(!text.contains("function: 0"))
        let json = try object(report)
        let tables = try #require(json["tables"] as? [[String: Any]])
        #expect(tables[0]["chunks_estimated"] as? Int == 3)
        #expect(tables[0]["key"] as? [String] == ["id"])
        #expect(tables[1]["chunks_estimated"] as? Int == 1)
        #expect(tables[1]["key"] as? [String] == [])
        #expect(json["problems"] as? [String] == [])
    }

    @Test("A plan with a problem ends with 3")
    func problem() throws {
        var schema = SchemaPlan()
        schema.problems = [ReplicationError(.unfitSchema, "make the table", why: "it differs")]
        let report = try PlanReport(try scope { $1.set(\.plan, schema) })
        #expect(report.exitCode == 3)
        #expect(report.lines.contains("  why: it differs"))
    }
}
