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
        (before, after) = (tables[0], tables[1])
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
    @Test("There are eleven")
    func count() { #expect(Recipe.all.count == 11) }

    @Test("Each does what the page says", arguments: Recipe.all)
    func recipe(_ recipe: Recipe) throws {
        let words = recipe.sql.components(separatedBy: "FROM ")
        let name = words[1].prefix { $0.isLetter }
        let transform = try compile(
            recipe.sql, try recipe.route(String(name)), lookups: try lookups(recipe.files))
        #expect(transform.outputs.map(\.column.name) == recipe.after[0])
        let rows = recipe.before.dropFirst().map { row in
            row.map { $0 == "NULL" ? "\\N" : $0 }.joined(separator: "\t")
        }
        let found = try load(transform, rows).map {
            $0.components(separatedBy: "\t").map { $0 == "\\N" ? "NULL" : $0 }
        }
        #expect(found == Array(recipe.after.dropFirst()))
    }
}
