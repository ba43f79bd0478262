import ArgumentParser
import Configuration
import Foundation
import Operations
import ReplicationModel
import Testing

@testable import martlet

/// docs/reference/cli.md against `--help` and the schema of keys: neither may say more than the
/// other.
@Suite("Reference page of the command line")
struct ManualTests {
    private let page: String
    private static let commands: [any ParsableCommand.Type] = [
        CheckCommand.self, PlanCommand.self, RunCommand.self, StatusCommand.self,
        EventsCommand.self, TransformCommand.self, DropCommand.self,
    ]
    /// Those without the options of a pipeline.
    private static let others = ["events", "transform"]

    init() throws {
        let root = URL(filePath: #filePath).deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
        page = try String(
            contentsOf: root.appending(path: "docs/reference/cli.md"), encoding: .utf8)
    }

    private func section(_ title: String) throws -> String {
        let start = try #require(page.range(of: "\n" + title + "\n"), "no section '\(title)'")
        let level = title.prefix { $0 == "#" }.count
        let rest = page[start.upperBound...]
        let ends = (1...level).compactMap {
            rest.range(of: "\n" + String(repeating: "#", count: $0) + " ")?.lowerBound
        }
        return String(rest[..<(ends.min() ?? rest.endIndex)])
    }

    /// `--options` in a text, without those that come right after another word.
    private func options(_ text: String) -> Set<String> {
        Set(text.matches(of: /--[a-z][a-z-]*/).map { String($0.output) })
    }

    @Test("Every command of --help is on the page, and no other")
    func commands() throws {
        let names = Set(Self.commands.compactMap { $0.configuration.commandName })
        #expect(
            Set(Martlet.configuration.subcommands.compactMap { $0.configuration.commandName })
                == names)
        let titles = page.matches(of: /\n### martlet ([a-z]+)\n/).map { String($0.output.1) }
        #expect(Set(titles) == names)
        #expect(titles.count == names.count)
    }

    @Test("Every option of --help is in the command's section or the common ones, and no other")
    func everyOption() throws {
        let common = options(try section("### Options of every command with a PIPELINE"))
        let keys = Set(ConfigurationKey.all.compactMap(\.option))
        for command in Self.commands {
            let name = try #require(command.configuration.commandName)
            let help = options(Martlet.helpMessage(for: command, columns: 200))
            let own = options(
                try section("### martlet \(name)").split(separator: "\n")
                    .filter { $0.hasPrefix("| `--") }.map { $0.split(separator: "|")[0] }
                    .joined(separator: "\n"))
            let isOther = Self.others.contains(name)
            let shown = isOther ? ["--version", "--help"] : common.union(keys)
            #expect(help.subtracting(own).subtracting(shown) == [], "\(name): not on the page")
            #expect(own.subtracting(help) == [], "\(name): not in --help")
            if !isOther {
                #expect(common.union(keys).subtracting(help) == [], "\(name): not in --help")
            }
        }
    }

    @Test("Every key is on the page with its variable, option, default and meaning, and no other")
    func everyKey() throws {
        let rows = try section("### Keys").split(separator: "\n").filter { $0.hasPrefix("| `") }
            .map(String.init)
        let expected = ConfigurationKey.all.map { key in
            let option = key.option.map { "`\($0)`" } ?? ""
            return
                "| `\(key.path)` | `\(key.variable)` | \(option) | \(key.standard) | \(key.meaning)"
        }
        #expect(rows.count == expected.count)
        for (row, start) in zip(rows, expected) {
            #expect(row.hasPrefix(start), "\(row)")
        }
        for key in ConfigurationKey.all {
            guard case .choice(let values) = key.form else { continue }
            let row = try #require(rows.first { $0.hasPrefix("| `\(key.path)` ") })
            for value in values { #expect(row.contains("`\(value)`"), "\(row)") }
        }
    }

    @Test("Every field of status --json is on the page, and no other")
    func statusFields() throws {
        let report = StatusReport(
            pipeline: "shop", stored: nil,
            source: .failure(.init(.unreachable, "ask", why: "no answer")))
        let fields = Set(try object(report).keys)
        let rows = try section("### martlet status").split(separator: "\n")
            .filter { $0.hasPrefix("| `") && !$0.hasPrefix("| `--") }
        let named = rows.flatMap { row in
            row.split(separator: "|")[0].matches(of: /`([a-z_]+)`/).map { String($0.output.1) }
        }
        #expect(Set(named) == fields)
        #expect(named.count == fields.count)
    }

    @Test("Every exit code of the errors is on the page")
    func exitCodes() throws {
        let codes = try section("## Exit codes")
        for code in [
            "0 ok", "1 unexpected", "2 usage", "3 preflight", "6 stopped", "8 thres", "75 temp",
        ] {
            #expect(codes.contains(code))
        }
    }

    @Test("Defaults on the page are those of the configuration")
    func defaults() throws {
        let value = try configuration()
        let actual: [String: String] = [
            "lease": value.lease.description, "memory_limit": value.memoryLimit.description,
            "spool.max": value.spoolMax.description, "spool.directory": value.spoolDirectory,
            "snapshot.workers": "\(value.snapshotWorkers)",
            "snapshot.chunk_rows": "\(value.chunkRows)", "apply.workers": "\(value.applyWorkers)",
            "existing": value.existing.rawValue,
        ]
        for (path, shown) in actual {
            #expect(ConfigurationKey.named(path)?.standard == shown, "\(path)")
        }
    }
}
