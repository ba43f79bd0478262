import Foundation
import ReplicationEngine
import ReplicationModel
import Testing

@testable import SQLTransform

/// docs/transforms.md, "Recipes": the rows before, the SELECT, the rows after.
struct Recipe: Sendable, CustomTestStringConvertible {
    var title: String
    var sql = ""
    /// Name and key of each file, and what stands in it.
    var files: [(name: String, key: [String], csv: String)] = []
    /// Header and rows.
    var before: [[String]] = []
    var after: [[String]] = []
    var mode: TableMode?
    /// Of a table with a mode: what is done to the rows.
    var changes: [[String]] = []
    var testDescription: String { title }

    static var all: [Recipe] {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let page = try? String(
            contentsOf: root.appending(path: "docs/transforms.md"), encoding: .utf8)
        let recipes = page?.components(separatedBy: "\n## Recipes\n").last ?? ""
        return recipes.components(separatedBy: "\n### ").dropFirst().map(Recipe.init)
    }

    init(_ text: String) {
        let parts = text.components(separatedBy: "```")
        title = text.components(separatedBy: "\n")[0]
        for (index, part) in parts.enumerated() where index % 2 == 1 {
            let lines = part.split(separator: "\n", maxSplits: 1).map(String.init)
            let words = lines[0].components(separatedBy: " ")
            if words[0] == "sql" { sql = lines[1] }
            if words[0] == "csv" { files.append((words[1], [words[2]], lines[1])) }
        }
        let tables = parts[parts.count - 1].components(separatedBy: "\n\n").map(Self.rows).filter {
            !$0.isEmpty
        }
        (before, after) = (tables[0], tables[tables.count - 1])
        if tables.count > 2 { changes = tables[1] }
        mode = TableMode.allCases.first { parts[0].contains("`mode: \($0.rawValue)`") }
    }

    private static func rows(_ text: String) -> [[String]] {
        text.split(separator: "\n").filter { $0.hasPrefix("| ") }.map { line in
            line.dropFirst(2).dropLast(2).components(separatedBy: " | ").map {
                $0.trimmingCharacters(in: .whitespaces)
            }
        }
    }

    func route(_ name: String) throws -> TableRoute {
        var key: [Int] = []
        let columns = try before[0].enumerated().map { index, text in
            let words = text.components(separatedBy: " ")
            if words.last == "key" { key.append(index) }
            let type = try #require(OutputType(parsing: words[1]))
            return Column(name: words[0], type: type.columnType(.postgresql))
        }
        let table = TableName(schema: "public", name: name)
        let schema = TableSchema(id: 1, name: table, columns: columns, replicaIdentity: .full)
        return TableRoute(source: schema, target: table, columns: columns, key: key)
    }
}

@Suite("Recipes of docs/transforms.md")
struct RecipeTests {
    @Test("There are thirteen, two of them with a mode")
    func count() {
        #expect(Recipe.all.count == 13)
        #expect(Recipe.all.count { $0.mode != nil } == 2)
    }

    @Test("Each does what the page says", arguments: Recipe.all)
    func recipe(_ recipe: Recipe) throws {
        let words = recipe.sql.components(separatedBy: "FROM ")
        let name = words[1].prefix { $0.isLetter }
        let keys = TransformKeys(["pii": Array("secret".utf8)])
        let transform = try compile(
            recipe.sql, try recipe.route(String(name)), keys: keys,
            lookups: try lookups(recipe.files), mode: recipe.mode)
        #expect(transform.outputs.map(\.column.name) == recipe.after[0])
        let rows = recipe.before.dropFirst().map { row in
            row.map { $0 == "NULL" ? "\\N" : $0 }.joined(separator: "\t")
        }
        let found = try load(transform, rows).map {
            $0.components(separatedBy: "\t").map { $0 == "\\N" ? "NULL" : $0 }
        }
        var target = RecipeTarget(transform, found)
        try target.apply(
            recipe, try RowEvaluator(transform, keys: keys, sourceName: "shop"))
        #expect(target.sorted == Array(recipe.after.dropFirst()))
    }
}

/// The target's rows, as an applier without any finesse would have them.
private struct RecipeTarget {
    let transform: Transform
    var rows: [[String]]
    private struct Missing: Error {}

    init(_ transform: Transform, _ rows: [[String]]) {
        (self.transform, self.rows) = (transform, rows)
    }

    /// Older versions first.
    var sorted: [[String]] {
        transform.definition.mode == nil
            ? rows
            : rows.sorted {
                $0.last == "0"
                    ? false : $1.last == "0" || key($0).lexicographicallyPrecedes(key($1))
            }
    }

    private func key(_ row: [String]) -> [String] { transform.target.key.map { row[$0] } }

    mutating func apply(_ recipe: Recipe, _ evaluator: RowEvaluator) throws {
        var source = recipe.before.dropFirst().map(\.self)
        for change in recipe.changes.dropFirst() {
            let row = Array(change.dropFirst(3))
            let old = source.first { $0[0] == row[0] }
            source.removeAll { $0[0] == row[0] }
            let isDelete = change[2] == "DELETE"
            if !isDelete { source.append(row) }
            var test = TestBatch(transform.source, isFull: true)
            test.add(
                isDelete ? .delete : old == nil ? .insert : .update,
                old: old.map { $0.map { .text($0) } }, whole: true,
                new: isDelete ? nil : row.map { .text($0) })
            test.batch.transactions[0].commitPosition = try #require(
                LogPosition(parsing: change[1]))
            let date = try #require(
                ISO8601DateFormatter().date(from: change[0].replacing(" ", with: "T") + "Z"))
            test.batch.transactions[0].commitTime = Int64(date.timeIntervalSince1970) * 1_000_000
            var made = ChangeTransform(test.batch, [[evaluator]])
            _ = try made.run(0..<1, nil)
            for (change, action) in zip(made.batch.changes, made.actions) {
                try apply(change, action, made.batch)
            }
        }
    }

    private mutating func apply(
        _ change: Change, _ action: ChangeAction, _ batch: ChangeBatch
    ) throws {
        func row(_ start: Int32) -> [String?] {
            batch.values[Int(start)..<Int(start) + transform.outputs.count].map {
                $0.isUnchanged ? nil : batch.text(of: $0) ?? "NULL"
            }
        }
        let new = row(change.newRow)
        let whole = new.map { $0 ?? "?" }
        if action.clears.contains(.new) { rows = rows.filter { key($0) != key(whole) } }
        if change.operation == .insert {
            guard !rows.contains(where: { key($0) == key(whole) }) else { throw Missing() }
            return rows.append(whole)
        }
        let old = key(row(change.oldRow).map { $0 ?? "?" })
        guard let index = rows.firstIndex(where: { key($0) == old }) else { throw Missing() }
        let merged = zip(new, rows[index]).map { $0 ?? $1 }
        rows[index] = merged
    }
}
