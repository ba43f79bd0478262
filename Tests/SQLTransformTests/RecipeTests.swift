import Foundation
import ReplicationEngine
import ReplicationModel
import Testing

@testable import SQLTransform

/// docs/transforms.md, "Recipes": the rows before, the SELECTs, the rows after.
struct Recipe: Sendable, CustomTestStringConvertible {
    var title: String
    /// Where each goes, and its text.
    var selects: [(into: String, sql: String)] = []
    var key: [String]?
    /// Name and key of each file, and what stands in it.
    var files: [(name: String, key: [String], csv: String)] = []
    /// Header and rows, by table.
    var before: [String: [[String]]] = [:]
    var after: [String: [[String]]] = [:]
    var mode: TableMode?
    /// What is done to the rows, where that is told.
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
            if words[0] == "sql" { selects.append((words.count > 1 ? words[1] : "", lines[1])) }
            if words[0] == "csv" { files.append((words[1], [words[2]], lines[1])) }
        }
        mode = TableMode.allCases.first { parts[0].contains("`mode: \($0.rawValue)`") }
        let keys = parts[0].components(separatedBy: "`key: [")
        if keys.count > 1 {
            key = keys[1].components(separatedBy: "]")[0].components(separatedBy: ", ")
        }
        var tables = parts[parts.count - 1].components(separatedBy: "\n\n").map(Self.rows).filter {
            !$0.isEmpty
        }
        for select in selects where before[Self.table(select.sql)] == nil {
            before[Self.table(select.sql)] = tables.removeFirst()
        }
        for select in selects.reversed() where after[select.into] == nil {
            after[select.into] = tables.removeLast()
        }
        changes = tables.first ?? []
    }

    /// Which one a SELECT is about.
    static func table(_ sql: String) -> String {
        String(sql.components(separatedBy: "FROM ")[1].prefix { $0.isLetter })
    }

    private static func rows(_ text: String) -> [[String]] {
        text.split(separator: "\n").filter { $0.hasPrefix("| ") }.map { line in
            line.dropFirst(2).dropLast(2).components(separatedBy: " | ").map {
                $0.trimmingCharacters(in: .whitespaces)
            }
        }
    }

    func route(_ name: String, id: UInt32) throws -> TableRoute {
        var key: [Int] = []
        let header = try #require(before[name]?[0])
        let columns = try header.enumerated().map { index, text in
            let words = text.components(separatedBy: " ")
            if words.last == "key" { key.append(index) }
            let type = try #require(OutputType(parsing: words[1]))
            return Column(name: words[0], type: type.columnType(.postgresql))
        }
        let table = TableName(schema: "public", name: name)
        let schema = TableSchema(id: id, name: table, columns: columns, replicaIdentity: .full)
        return TableRoute(source: schema, target: table, columns: columns, key: key)
    }
}

@Suite("Recipes of docs/transforms.md")
struct RecipeTests {
    static let keys = TransformKeys(["pii": Array("secret".utf8)])

    @Test("There are fifteen, two of them with a mode, two with several SELECTs")
    func count() {
        #expect(Recipe.all.count == 15)
        #expect(Recipe.all.count { $0.mode != nil } == 2)
        #expect(Recipe.all.count { $0.selects.count > 1 } == 2)
    }

    @Test("Each does what the page says", arguments: Recipe.all)
    func recipe(_ recipe: Recipe) throws {
        let transforms = try transforms(recipe)
        var targets = try transforms.map { transform in
            let rows = recipe.before[transform.source.source.name.name]?.dropFirst().map { row in
                row.map { $0 == "NULL" ? "\\N" : $0 }.joined(separator: "\t")
            }
            let found = try load(transform, rows ?? []).map {
                $0.components(separatedBy: "\t").map { $0 == "\\N" ? "NULL" : $0 }
            }
            return RecipeTarget(transform, found)
        }
        try apply(recipe, to: &targets)
        for (name, after) in recipe.after {
            let made = targets.filter { $0.transform.target.target.name == name }
            #expect(made[0].transform.outputs.map(\.column.name) == after[0])
            #expect(made.flatMap(\.sorted) == Array(after.dropFirst()))
        }
    }

    private func transforms(_ recipe: Recipe) throws -> [Transform] {
        let lookups = try lookups(recipe.files)
        let names = recipe.before.keys.sorted()
        return try recipe.selects.map { select in
            let name = Recipe.table(select.sql)
            let id = UInt32((names.firstIndex(of: name) ?? 0) + 1)
            var definition = TransformDefinition(
                table: TableName(schema: "public", name: name),
                target: TableName(schema: "public", name: select.into), sql: select.sql)
            (definition.key, definition.mode) = (recipe.key, recipe.mode)
            return try TransformCompiler.compile(
                definition, try recipe.route(name, id: id), keys: Self.keys, lookups: lookups)
        }.combined(besides: names.indices.map { UInt32($0 + 1) }, sourceName: "shop")
    }

    /// Of one table.
    private func apply(_ recipe: Recipe, to targets: inout [RecipeTarget]) throws {
        guard !recipe.changes.isEmpty else { return }
        let route = targets[0].transform.source
        var source = try #require(recipe.before[route.source.name.name]).dropFirst().map(\.self)
        let evaluators = try targets.map {
            try RowEvaluator($0.transform, keys: Self.keys, sourceName: "shop")
        }
        for change in recipe.changes.dropFirst() {
            let row = Array(change.dropFirst(3))
            let old = source.first { $0[0] == row[0] }
            source.removeAll { $0[0] == row[0] }
            let isDelete = change[2] == "DELETE"
            if !isDelete { source.append(row) }
            var test = TestBatch(route, isFull: true)
            test.add(
                isDelete ? .delete : old == nil ? .insert : .update,
                old: old.map { $0.map { .text($0) } }, whole: true,
                new: isDelete ? nil : row.map { .text($0) })
            test.batch.transactions[0].commitPosition = try #require(
                LogPosition(parsing: change[1]))
            let date = try #require(
                ISO8601DateFormatter().date(from: change[0].replacing(" ", with: "T") + "Z"))
            test.batch.transactions[0].commitTime = Int64(date.timeIntervalSince1970) * 1_000_000
            var made = ChangeTransform(test.batch, [evaluators])
            _ = try made.run(0..<1, nil)
            for (change, action) in zip(made.batch.changes, made.actions) {
                try targets[Int(change.table)].apply(change, action, made.batch)
            }
        }
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

    mutating func apply(
        _ change: Change, _ action: ChangeAction, _ batch: ChangeBatch
    ) throws {
        func row(_ start: Int32) -> [String?] {
            batch.values[Int(start)..<Int(start) + transform.outputs.count].map {
                $0.isUnchanged ? nil : batch.text(of: $0) ?? "NULL"
            }
        }
        let new = change.newRow < 0 ? [] : row(change.newRow)
        let whole = new.map { $0 ?? "?" }
        if action.clears.contains(.new) { rows = rows.filter { key($0) != key(whole) } }
        if change.operation == .insert {
            guard !rows.contains(where: { key($0) == key(whole) }) else { throw Missing() }
            return rows.append(whole)
        }
        let old = key(row(change.oldRow).map { $0 ?? "?" })
        guard let index = rows.firstIndex(where: { key($0) == old }) else { throw Missing() }
        if change.operation == .delete {
            rows.remove(at: index)
            return
        }
        let merged = zip(new, rows[index]).map { $0 ?? $1 }
        rows[index] = merged
    }
}
