import Configuration
import Foundation
import ReplicationEngine
import ReplicationModel
import SQLTransform
import Testing

@testable import Operations

@Suite("Transforms of a pipeline")
struct TransformTests {
    private func rule(
        _ pattern: String, edit: (inout TransformRule) -> Void
    ) throws -> TransformRule {
        var rule = TransformRule(table: try TablePattern(parsing: pattern), place: "shop.yaml:7")
        edit(&rule)
        return rule
    }

    private func scope(
        _ rules: [TransformRule], identity: ReplicaIdentity = .full,
        existing: PipelineConfiguration.Existing = .refuse, target: FakeTarget = FakeTarget()
    ) throws -> PipelineScope {
        var customers = table("public", "a", key: ["id"], columns)
        customers.replicaIdentity = identity
        customers.indexes = [
            Index(
                name: "a_email", columns: ["email"], isUnique: false, isConstraint: false,
                definition: "")
        ]
        return try PipelineScope(
            try configuration(to: "postgres://h/x") {
                $0.transforms = rules
                $0.existing = existing
            }, source: FakeSource([customers, table("public", "k", id: 2)]), target: target)
    }

    private let columns = [
        Column(name: "id", type: type(.int64, 20), isNullable: false),
        Column(name: "email", type: type(.text, 25)),
        Column(name: "Secret", type: type(.text, 25)),
        Column(name: "sum", type: type(.int64, 20), generated: "id * 2"),
    ]

    @Test("Rules for columns become the same SELECTs; tables without such columns stay straight")
    func columnRules() throws {
        let scope = try scope([
            try rule("public.*") { $0.mask = ["email": "sha256"] },
            try rule("public.*") { $0.rename = ["id": "key"] },
            try rule("public.a") { $0.drop = ["Secret"] },
        ])
        #expect(
            scope.transforms.map(\.definition.sql) == [
                "SELECT \"id\" AS \"key\", sha256(\"email\") AS \"email\" FROM \"a\"",
                "SELECT \"id\" AS \"key\", \"doc\" FROM \"k\"",
            ])
        #expect(scope.transforms[0].target.keyColumns.map(\.name) == ["key"])
        let masked = try self.scope([
            try rule("public.*") { $0.mask = ["email": "mask(email, 1, 0)"] }
        ])
        #expect(masked.transforms.map(\.source.source.name.name) == ["a"])
    }

    @Test(
        "A rule that fits nothing is refused: a mistyped mask would let data through",
        arguments: [
            ("public.b", "email", "no replicated table matches 'public.b'"),
            ("public.*", "emial", "has a column 'emial'"),
        ])
    func stray(_ pattern: String, _ column: String, _ why: String) throws {
        let rules = [try rule(pattern) { $0.mask = [column: "sha256"] }]
        let error = #expect(throws: ReplicationError.self) { try scope(rules) }
        #expect(error?.why.contains(why) == true)
        #expect(error?.place == "shop.yaml:7")
        #expect(error?.exitCode == 2)
    }

    private func written(
        _ pattern: String, _ sql: String, into: String? = nil, at line: Int = 7,
        key: [String]? = nil
    ) throws -> TransformRule {
        try rule(pattern) {
            ($0.sql, $0.key, $0.place) = (sql, key, "shop.yaml:\(line)")
            $0.into = into.map { TableName(schema: "", name: $0) }
        }
    }

    @Test("A SELECT says itself what becomes of columns: rules about them are refused beside it")
    func ambiguous() throws {
        let one = try written("public.a", "SELECT id FROM a", at: 5)
        let mask = try rule("public.*") { $0.mask = ["email": "sha256"] }
        let error = #expect(throws: ReplicationError.self) { try scope([one, mask]) }
        #expect(error?.place == "shop.yaml:7 and shop.yaml:5")
        #expect(error?.why.contains("is about columns of a table that has a SELECT") == true)
        let mode = try rule("public.*") { $0.mode = .softDelete }
        #expect(throws: ReplicationError.self) { try scope([mode, one]) }
        // It has no such column: the rule is about others.
        let other = try rule("public.*") { $0.drop = ["doc"] }
        let names = try scope([one, other]).transforms.map(\.source.source.name.name)
        #expect(names == ["a", "k"])
    }

    @Test("Only SELECTs that say so bring two tables into one")
    func meeting() throws {
        let into = try written("public.a", "SELECT id FROM a", into: "k")
        let error = #expect(throws: ReplicationError.self) { try scope([into]) }
        #expect(error?.why.contains("would both be") == true)
        let both = try scope([into, try written("public.k", "SELECT id FROM k", at: 8)])
        #expect(both.transforms.map(\.isGuarded) == [true, true])
        let mask = try rule("public.k") { $0.mask = ["doc": "sha256"] }
        #expect(throws: ReplicationError.self) { try scope([into, mask]) }
        let differing = #expect(throws: ReplicationError.self) {
            try scope([into, try written("public.k", "SELECT id, doc FROM k", at: 8)])
        }
        #expect(differing?.place == "shop.yaml:7 and shop.yaml:8" && differing?.exitCode == 2)
    }

    @Test("What is planned for several targets is handed to the tables that go there")
    func planned() throws {
        let target = FakeTarget()
        let scope = try scope(
            [
                try written("public.a", "SELECT id FROM a", into: "one"),
                try written("public.a", "SELECT id FROM a", into: "two"),
                try written("public.a", "SELECT id, email FROM a", into: "all"),
                try written("public.k", "SELECT id, doc AS email FROM k", into: "all"),
            ], target: target)
        let id = scope.routes.map(\.source.id)
        target.set(\.plan.keys, [id[0]: ["one"], .max - 1: ["two"], .max: ["all"]])
        target.set(\.plan.beforeRows, ["tables"])
        let plan = try scope.target.schemaPlan(scope.routes, prerequisites: [])
        #expect(plan.keys == [id[0]: ["one", "two"]])
        #expect(plan.beforeRows == ["tables", "all"])
        #expect(plan.staged == Set(id))
        let tables = scope.routes.map { scope.target.tables(of: $0).map(\.target.name) }
        #expect(tables == [["one", "two", "all"], ["all"]])
        let planned = try PlanReport(scope).lines.filter { $0.hasPrefix("public.a ") }
        #expect(planned.count { $0.contains("public.one ") || $0.contains("public.two ") } == 2)
        let lines = try CheckReport(scope, install: false).lines
        #expect(
            lines.contains { $0.contains("a second row of one key, and TRUNCATE, stop the run") })
    }

    @Test("A foreign key to a table whose rows are in several is left out, with one it stays")
    func references() throws {
        func referencing(_ name: String) -> ForeignKey {
            ForeignKey(
                name: "to_\(name)", columns: ["id"],
                referenced: TableName(schema: "public", name: name), referencedColumns: ["id"],
                definition: "", changesRows: false, isDeferrable: false)
        }
        var child = table("public", "child", id: 3)
        child.foreignKeys = [referencing("a"), referencing("k")]
        let rules = [
            try written("public.a", "SELECT id FROM a", into: "one"),
            try written("public.a", "SELECT id FROM a", into: "two"),
            try written("public.k", "SELECT id FROM k"),
        ]
        let target = FakeTarget()
        let scope = try PipelineScope(
            try configuration(to: "postgres://h/x") {
                $0.transforms = rules
            },
            source: FakeSource([
                table("public", "a", id: 1), table("public", "k", id: 2), child,
            ]), target: target)
        _ = try scope.target.schemaPlan(scope.routes, prerequisites: [])
        let planned = target.planned
        #expect(planned.map(\.target.name) == ["one", "two", "k", "child"])
        #expect(planned.last?.source.foreignKeys.map(\.name) == ["to_k"])
    }

    @Test("transform asks which, where a table has several")
    func trial() throws {
        let scope = try scope([
            try written("public.a", "SELECT id FROM a", into: "one"),
            try written("public.a", "SELECT id FROM a", into: "two"),
        ])
        let error = #expect(throws: ReplicationError.self) {
            try TransformReport(scope, table: "public.a", limit: 1, showsValues: false)
        }
        #expect(
            error?.remedy
                == "--table 'public.a -> public.one', or --table 'public.a -> public.two'")
    }

    @Test("check says what the log must carry, and plan shows the SELECT and what is left out")
    func checkAndPlan() throws {
        let rules = [
            try rule("public.a") {
                ($0.sql, $0.into) = (
                    "SELECT id, email FROM a WHERE email > ''", TableName(schema: "", name: "b")
                )
            }
        ]
        let lacking = try CheckReport(try scope(rules, identity: .primaryKey), install: false)
        #expect(lacking.exitCode == 3)
        #expect(
            lacking.lines.contains {
                $0.hasSuffix("try: ALTER TABLE \"public\".\"a\" REPLICA IDENTITY FULL")
            })
        #expect(try CheckReport(try scope(rules), install: false).exitCode == 0)
        #expect(
            try CheckReport(try scope(rules, existing: .merge), install: false).exitCode == 3)
        let plan = try PlanReport(try scope(rules)).lines
        #expect(plan.contains("  public.a -> public.b"))
        #expect(plan.contains("      SELECT id, email FROM a WHERE email > ''"))
        #expect(plan.contains("      left out: index a_email"))
    }

    @Test("A mistake in the SQL ends check with 2, and line and column")
    func badSQL() throws {
        let rules = [try rule("public.a") { $0.sql = "SELECT id,\n  emial FROM a" }]
        let error = #expect(throws: ReplicationError.self) { try scope(rules) }
        #expect(error?.place == "shop.yaml:7, line 2, column 3 of its SQL")
        #expect(error?.remedy == "did you mean 'email'?")
    }

    @Test("A changed transform is another pipeline; none leaves the stored text as it was")
    func fixedConfiguration() throws {
        func fixed(_ rules: [TransformRule]) throws -> String {
            RunPreparation(
                scope: try scope(rules), options: RunOptions(), prerequisites: []
            ).fixedConfiguration
        }
        let one = try rule("public.a") { $0.sql = "SELECT id FROM a" }
        let two = try rule("public.a") { $0.sql = "SELECT id, email FROM a" }
        #expect(try fixed([one]) != fixed([two]))
        #expect(
            try fixed([]).contains(#"{"source":"public.a","target":"public.a","key":["id"]}"#))
    }

    @Test("A lookup's file is part of what must not change; too large a one lies in the spool")
    func lookups() throws {
        let directory = NSTemporaryDirectory() + "martlet-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: directory) }
        try FileManager.default.createDirectory(
            atPath: directory, withIntermediateDirectories: true)
        let path = directory + "/names.csv"
        func scope(_ csv: String, memory: Int64 = 64 << 20) throws -> PipelineScope {
            try Data(csv.utf8).write(to: URL(filePath: path))
            let rule = try rule("public.k") {
                $0.sql = "SELECT k.id, n.name FROM k LEFT JOIN names n ON n.id = k.id"
            }
            return try PipelineScope(
                try configuration(to: "postgres://h/x") {
                    $0.transforms = [rule]
                    $0.lookups = [
                        LookupRule(name: "names", csv: path, key: ["id"], place: "shop.yaml:3")
                    ]
                    $0.lookups[0].types = ["id": "int"]
                    $0.memoryLimit = ByteSize(bytes: memory)
                    $0.spoolDirectory = directory
                }, source: FakeSource([table("public", "k", id: 2)]), target: FakeTarget())
        }
        func fixed(_ csv: String) throws -> String {
            RunPreparation(
                scope: try scope(csv), options: RunOptions(), prerequisites: []
            ).fixedConfiguration
        }
        #expect(try fixed("id,name\n1,a\n") == fixed("id,name\n1,a\n"))
        #expect(try fixed("id,name\n1,a\n") != fixed("id,name\n1,b\n"))
        let small = try scope("id,name\n1,a\n")
        #expect(small.lookups.map { $0.memoryBytes > 0 } == true)
        let large = try scope(
            "id,name\n1,\(String(repeating: "a", count: 100_000))\n", memory: 1 << 20)
        #expect(
            large.lookups?.memoryBytes == 0 && large.transforms[0].usedLookups.map(\.rows) == [1])
        let wrong = #expect(throws: ReplicationError.self) { try scope("id,name\n1,a\n1,b\n") }
        #expect(wrong?.place == "shop.yaml:3, \(path), line 3")
        let missing = #expect(throws: ReplicationError.self) {
            try PipelineScope(
                try configuration {
                    $0.lookups = [
                        LookupRule(name: "n", csv: path + "x", key: ["id"], place: "shop.yaml:3")
                    ]
                }, source: FakeSource([table("public", "k", id: 2)]), target: FakeTarget())
        }
        #expect(missing?.why.hasPrefix("there is no ") == true && missing?.exitCode == 2)
    }
}
