import ReplicationEngine
package import ReplicationModel

/// What the data holds that the target has no place for, found before a byte moves.
package enum ValueFindings {
    /// - Parameter whole: every row is read; otherwise both ends of large tables.
    package static func look(_ scope: PipelineScope, whole: Bool) throws -> [Finding] {
        let all = try scope.target.questions(scope.routes) + scope.routes.flatMap(texts)
        let questions = Dictionary(grouping: all, by: \.table)
        var findings: [Finding] = []
        var (rows, tables, sampled): (Int64, Int, Int) = (0, 0, 0)
        for table in scope.tables {
            guard let asked = questions[table.name] else { continue }
            guard let census = try census(scope, table, asked, whole) else {
                findings.append(unread(table.name))
                continue
            }
            rows += census.rows
            tables += 1
            sampled += census.isWhole ? 0 : 1
            findings += zip(asked, census.answers).filter { $1.rows > 0 }
                .map { finding($0, $1, census) }
        }
        guard tables > 0 else { return findings }
        let part = sampled > 0 ? "; \(sampled) of them in part: --full-scan reads every row" : ""
        let summary = "\(rows) rows of \(tables) tables looked at\(part)"
        return findings + [Finding(.ok, "values", summary)]
    }

    /// nil without the privilege to read the table.
    private static func census(
        _ scope: PipelineScope, _ table: TableSchema, _ asked: [ValueQuestion], _ whole: Bool
    ) throws -> ValueCensus? {
        do {
            return try scope.source.census(table, asked, whole: whole)
        } catch let error as ReplicationError where error.kind == .privilege {
            return nil
        }
    }

    private static func unread(_ table: TableName) -> Finding {
        Finding(
            .refused, "values of \(table)", "the role may not read them", table: table,
            try: "martlet check PIPELINE --print-grants")
    }

    /// What cannot be read as text goes nowhere. UTF-8 the servers check themselves.
    private static func texts(_ route: TableRoute) -> [ValueQuestion] {
        guard route.source.dialect.isMySQLFamily else { return [] }
        return route.columns.filter {
            [.text, .fixedText].contains($0.type.kind) && $0.collation?.hasPrefix("utf8") == false
        }.map { ValueQuestion(.invalidText, of: $0, in: route.source.name) }
    }

    private static func finding(
        _ question: ValueQuestion, _ answer: ValueCensus.Answer, _ census: ValueCensus
    ) -> Finding {
        let part = census.isWhole ? "" : " looked at"
        let fate =
            question.conversion.map { "converted, as lossy.\($0.rawValue) says" }
            ?? question.warning ?? "the target has no place for them"
        let isTaken = question.conversion != nil || question.warning != nil
        var finding = Finding(
            isTaken ? .warning : .refused,
            "values of \(question.table).\(question.column.name)",
            "\(answer.rows) of \(census.rows) rows\(part) have \(question.trait.words): \(fate)",
            table: question.table, column: question.column.name,
            try: question.conversion == nil ? question.remedy : nil)
        finding.rows = answer.rows
        finding.keys = answer.keys
        return finding
    }
}
