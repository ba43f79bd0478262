import Foundation
import Testing

@Suite("Style: the ratchet over Sources and Tests")
struct StyleTests {
    static let root = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    static func files() throws -> [SourceText] {
        try ["Sources", "Tests"].flatMap { folder -> [SourceText] in
            let all = FileManager.default.enumerator(atPath: root.path + "/" + folder)
            let names = (all?.allObjects as? [String] ?? []).filter { $0.hasSuffix(".swift") }
            return try names.sorted().map { name in
                let path = folder + "/" + name
                let text = try String(contentsOf: root.appending(path: path), encoding: .utf8)
                return SourceText(path: path, text: text)
            }
        }
    }

    @Test("Every file keeps the rules")
    func rules() throws {
        let files = try Self.files()
        #expect(files.count > 20, "the sources are not where they should be")
        let findings = StyleRules.all(files)
        #expect(findings.isEmpty, "\n\(findings.sorted().joined(separator: "\n"))")
    }

    @Test("Every module has its arrows")
    func modules() throws {
        let modules = Set(try Self.files().compactMap(\.module))
        #expect(modules.isSubset(of: Arrows.modules.keys))
    }
}

/// Bad source for each rule: a rule that cannot fail is a defect.
@Suite("Style: each rule can fail")
struct StyleRuleTests {
    private func check(_ text: String, path: String = "Sources/ReplicationEngine/A.swift")
        -> [String]
    {
        StyleRules.perFile(SourceText(path: path, text: text))
    }

    @Test(
        "One bad line is one finding",
        arguments: [
            "let x = try! f()", "let x = y as! Z", "let x = y!", "f(a)!.b", "let x = a[0]!",
            "struct SlotManager {}", "enum Utils {}", "protocol BaseReader {}", "class PipeImpl {}",
            "print(1)", "    debugPrint(1)", "internal import CLibPQ", "import CSQLite",
            "package import Operations", "import struct Configuration", "if !x, y! > 1 {}",
        ])
    func badLine(_ line: String) {
        #expect(check(line).count == 1, "\(check(line))")
        #expect(check(line).first?.hasPrefix("Sources/ReplicationEngine/A.swift:1: ") ?? false)
    }

    @Test(
        "A good line is none",
        arguments: [
            "if a != b {}", "if !a {}", "let x = \"a!\"", "// y!", "/* try! */ f()", "x.print(1)",
            "func print(_ x: Int) {}", "struct Database {}", "struct Newest {}",
            "struct Basement {}",
            "internal import ReplicationModel", "let m = \"print(\\(a(\"!\")))\"",
            "let r = #\"a\"!\"#",
            "sprint(1)", "import Foundation",
        ])
    func goodLine(_ line: String) { #expect(check(line).isEmpty, "\(check(line))") }

    @Test("Connectors never see each other, and each C module has its owner")
    func arrows() {
        let path = "Sources/PostgreSQLConnector/A.swift"
        #expect(check("import SQLiteConnector", path: path).count == 1)
        #expect(check("internal import CSQLite", path: path).count == 1)
        #expect(check("internal import CLibPQ", path: path).isEmpty)
        #expect(check("print(1)", path: "Sources/martlet/main.swift").isEmpty)
        #expect(check("let x = y!", path: "Tests/ATests/A.swift").isEmpty)
    }

    @Test("A line of 101 columns is too long")
    func columns() {
        #expect(check("//" + String(repeating: "x", count: 98)).isEmpty)
        #expect(check("//" + String(repeating: "x", count: 99)).count == 1)
    }

    private func function(_ lines: Int) -> String {
        "package static func f(\n    a: () -> Void = {}\n) {\n"
            + String(repeating: "    if a { b(\"}\") }\n", count: lines - 4) + "}\n"
    }

    @Test("A function is as long as from its name to its brace")
    func functions() {
        let text = SourceText(path: "Sources/A/B.swift", text: function(12) + function(70))
        #expect(text.functions.map(\.length) == [12, 70])
        #expect(text.functions.map(\.line) == [1, 13])
        #expect(check(function(70)).isEmpty)
        #expect(check(function(71)).count == 1)
    }

    @Test("Requirements of a protocol are not functions")
    func requirements() {
        let text = "protocol P {\n    func a()\n    func b()\n}\nstruct S {\n    init() {}\n}\n"
        let functions = SourceText(path: "Sources/A/B.swift", text: text).functions
        #expect(functions.map(\.line) == [6])
        #expect(functions.map(\.length) == [1])
    }

    @Test("Long files, and Pipeline.swift before others")
    func fileLengths() {
        let text = String(repeating: "\n", count: 301)
        #expect(check(text).isEmpty)
        #expect(check(text, path: "Sources/ReplicationEngine/Pipeline.swift").count == 1)
        #expect(check(String(repeating: "\n", count: 801)).count == 1)
    }

    @Test("Medians are taken over all files")
    func medians() {
        func finding(_ functions: [Int], padding: Int) -> [String] {
            StyleRules.lengths(
                functions.map {
                    let text = function($0) + String(repeating: "\n", count: padding)
                    return SourceText(path: "Sources/A/B.swift", text: text)
                })
        }
        #expect(finding([10, 10, 10], padding: 0).isEmpty)
        #expect(finding([11, 11, 10], padding: 0).count == 1)
        #expect(finding([5, 5, 5, 5, 31], padding: 0).count == 1)
        #expect(finding([10, 10, 10], padding: 150).count == 1)
    }
}
