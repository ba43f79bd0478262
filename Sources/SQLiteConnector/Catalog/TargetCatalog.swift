internal import Foundation
package import ReplicationEngine
package import ReplicationModel

extension SQLiteTarget {
    /// The name of a source table in a file, which has one namespace: `public.a` is `a`, any other
    /// schema goes in front, `audit.a` is `audit_a`. The plan refuses two tables of one name.
    package static func name(of source: TableName) -> TableName {
        let isPlain = source.schema == "public" || source.schema.isEmpty
        return TableName(
            schema: "", name: isPlain ? source.name : "\(source.schema)_\(source.name)")
    }

    package func shape(of table: TableName, share: RowShare? = nil) throws -> TargetShape? {
        try reading("look at table \(table)") { session in
            guard let stored = try session.storedTable(table.name) else { return nil }
            let rows = try session.rows("SELECT 1 FROM \(table.inFile)\(share.clause) LIMIT 1") {
                _ in true
            }
            return TargetShape(
                columns: stored.columns.map(Self.column), hasRows: !rows.isEmpty,
                primaryKey: stored.primaryKey, uniqueKeys: stored.uniqueKeys)
        } ?? nil
    }

    private static func column(_ column: StoredTable.Column) -> TargetShape.Column {
        TargetShape.Column(
            name: column.name, declaration: column.declaration, isNullable: column.isNullable,
            isGenerated: column.isGenerated, hasDefault: column.hasDefault)
    }

    /// Schema objects of the source (types, sequences) have no counterpart in SQLite: values of
    /// such types travel as text.
    package func schemaPlan(
        _ routes: [TableRoute], prerequisites: [SchemaObject]
    ) throws -> SchemaPlan {
        try reading("plan the target's tables") { try SchemaPlanner.plan(routes, on: $0) }
            ?? SchemaPlanner.plan(routes, on: nil)
    }

    /// A file has no grants: who may write it is the file system's business.
    package func grantStatements(_ routes: [TableRoute]) throws -> [String] { [] }

    /// Rows whose foreign key names no row, by table: `PRAGMA foreign_key_check`. Foreign keys are
    /// not enforced for replicated rows, which are right together, not one by one; to be asked
    /// when the target is consistent.
    package func foreignKeyViolations() throws -> [(table: TableName, count: Int64)] {
        try reading("check the foreign keys") { session in
            try session.rows(
                "SELECT \"table\", count(*) FROM pragma_foreign_key_check() GROUP BY 1 ORDER BY 1"
            ) { (TableName(schema: "", name: $0.text(0) ?? ""), $0.integer(1) ?? 0) }
        } ?? []
    }

    /// Every other value has a form of its own (docs/types.md).
    package func questions(_ routes: [TableRoute]) throws -> [ValueQuestion] {
        routes.flatMap { route in
            route.columns.filter { $0.type.kind == .unsigned64 }.map {
                ValueQuestion(.above(String(Int64.max)), of: $0, in: route.source.name)
            }
        }
    }

    package func preflight(
        _ routes: [TableRoute], prerequisites: [SchemaObject]
    ) throws -> [Finding] {
        var findings = [fileFinding]
        if findings[0].severity == .refused { return findings }
        findings += try triggerFindings(routes)
        let problems = try schemaPlan(routes, prerequisites: []).problems
        findings += problems.map { problem in
            Finding(
                .refused, "target table \(problem.table?.description ?? "")", problem.why,
                table: problem.table, column: problem.column, try: problem.remedy)
        }
        if problems.isEmpty {
            findings.append(Finding(.ok, "target tables", "every table and column fits SQLite"))
        }
        return findings
    }

    private var fileFinding: Finding {
        let name = "target file \(path)"
        let directory = URL(fileURLWithPath: path).deletingLastPathComponent().path
        var isDirectory: ObjCBool = false
        let isThere = FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory)
        if isDirectory.boolValue { return Finding(.refused, name, "it is a directory") }
        guard access(directory, W_OK) == 0 else {
            return Finding(
                .refused, name, "its directory \(directory) is missing or cannot be written",
                try: "mkdir -p '\(directory)', or name another file")
        }
        guard isThere else { return Finding(.ok, name, "will be made") }
        guard access(path, R_OK | W_OK) == 0 else {
            return Finding(
                .refused, name, "it cannot be read and written", try: "chmod u+rw '\(path)'")
        }
        do {
            _ = try load(pipeline: "")
            return Finding(.ok, name, "is an SQLite database that can be written")
        } catch {
            let error = error.asReplicationError()
            return Finding(.refused, name, error.why, try: error.remedy)
        }
    }

    private func triggerFindings(_ routes: [TableRoute]) throws -> [Finding] {
        let tables =
            try reading("look for triggers") { session in
                try session.rows(
                    "SELECT DISTINCT tbl_name FROM sqlite_schema WHERE type = 'trigger' ORDER BY 1"
                ) { $0.text(0) ?? "" }
            } ?? []
        return routes.filter { route in
            tables.contains { $0.foldedASCII == route.target.name.foldedASCII }
        }.map {
            Finding(
                .warning, "triggers of \($0.target)", "they do not fire for replicated rows",
                table: $0.target)
        }
    }
}

extension RowShare? {
    /// WHERE, or nothing where every row is meant.
    var clause: String {
        map { " WHERE \($0.column.quotedIdentifier) = '\($0.value)'" } ?? ""
    }
}
