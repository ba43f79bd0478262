import Foundation
import ReplicationEngine
import ReplicationModel
import Testing

@testable import MySQLConnector

@Suite("Planning tables of MySQL and MariaDB")
struct TargetPlanTests {
    private func parentAndChild(_ lab: TargetLab) -> [TableRoute] {
        let parent = lab.route("parent", [.id, Column("name", "text", .text)], id: 2) {
            $0.columns[0].identity = .byDefault
            $0.columns[1].defaultExpression = "'it''s'::text"
            $0.indexes = [
                Index(
                    name: "parent_name", columns: ["name"], isUnique: false, isConstraint: false,
                    definition: "USING btree (name)"),
                Index(
                    name: "parent_gin", columns: ["name"], isUnique: false, isConstraint: false,
                    definition: "USING gin (name)"),
            ]
        }
        let child = lab.route(
            "child", [.id, Column("p", "integer", .int32), Column("code", "text", .text)], id: 3
        ) {
            $0.columns[1].defaultExpression = "7"
            $0.indexes = [
                Index(
                    name: "child_code", columns: ["code", "p"], isUnique: true, isConstraint: true,
                    definition: "UNIQUE (code, p)")
            ]
            $0.foreignKeys = [
                ForeignKey(
                    name: "child_p_fkey", columns: ["p"],
                    referenced: TableName(schema: "public", name: "parent"),
                    referencedColumns: ["id"],
                    definition: "FOREIGN KEY (p) REFERENCES parent(id) ON DELETE CASCADE",
                    changesRows: true, isDeferrable: false)
            ]
        }
        return [child, parent]
    }

    @Test("A08: what a crash left undone is what the next plan holds", arguments: TestServer.all)
    func repeats(_ server: String) throws {
        let lab = try TargetLab(on: server)
        let routes = parentAndChild(lab)
        let plan = try lab.target.schemaPlan(routes, prerequisites: [])
        #expect(plan.problems.isEmpty)
        #expect(plan.beforeRows.count == 2)
        #expect(plan.afterRows[2]?.count == 1)
        #expect(plan.whenConsistent.count == 2)
        #expect(plan.mappings.contains { $0.contains("parent_gin is left out") })
        // Each statement twice, as a crash after it makes the next start do.
        for statement in plan.beforeRows { try lab.connection.run(statement) }
        try lab.target.run(plan.beforeRows, tables: [])
        try lab.target.run(plan.afterRows[2] ?? [], tables: [])
        #expect(try lab.target.schemaPlan(routes, prerequisites: []).afterRows.isEmpty)
        try lab.target.run([plan.whenConsistent[0]], tables: [])
        let left = try lab.target.schemaPlan(routes, prerequisites: [])
        #expect(left.whenConsistent == [plan.whenConsistent[1]])
        try lab.target.run(left.whenConsistent, tables: [])
        let done = try lab.target.schemaPlan(routes, prerequisites: [])
        #expect(done.whenConsistent.isEmpty && done.beforeRows.isEmpty && done.problems.isEmpty)
        try lab.connection.run("INSERT INTO parent () VALUES ()")
        try lab.connection.run("INSERT INTO child (id, p) VALUES (1, 1)")
        #expect(try lab.rows("parent") == ["1|it's"])
    }

    @Test(
        "P68: foreign keys neither refuse nor cascade for replicated rows",
        arguments: TestServer.all)
    func foreignKeys(_ server: String) throws {
        let lab = try TargetLab(on: server)
        let routes = parentAndChild(lab)
        try lab.make(routes)
        let applier = try lab.applier(routes)
        var builder = BatchBuilder(routes)
        builder.insert(["1", "1", nil])
        builder.insert(["1", "a"], table: 1)
        builder.delete(["1", nil], table: 1)
        builder.commit()
        try applier.run(builder.batch)
        #expect(try lab.rows("child") == ["1|1|NULL"])
        #expect(try lab.rows("parent") == [])
    }

    @Test(
        "A07, A31, A32: a table that would change rows or mistake keys is refused",
        arguments: TestServer.all)
    func unfit(_ server: String) throws {
        let lab = try TargetLab(on: server)
        let route = lab.route(
            "t", [Column("id", "text", .text, null: false), Column("v", "integer", .int32)])
        let good = "CREATE TABLE t (id VARCHAR(50) CHARACTER SET utf8mb4 COLLATE "
        let exact = try #require(
            ExactCollation.name(among: try TargetCatalog(connection: lab.connection).collations()))
        let cases: [(sql: [String], why: String)] = [
            ([good + "\(exact) PRIMARY KEY, v INT) ENGINE = MyISAM"], "has no transactions"),
            ([good + "utf8mb4_general_ci PRIMARY KEY, v INT)"], "takes texts for equal"),
            ([good + "utf8mb4_bin PRIMARY KEY, v INT)"], "takes texts for equal"),
            ([good + "\(exact) PRIMARY KEY, v SMALLINT)"], "would change or refuse"),
            ([good + "\(exact) PRIMARY KEY, v INT NOT NULL)"], "allows NULL"),
            ([good + "\(exact), v INT)"], "no unique key"),
            ([good + "\(exact) PRIMARY KEY)"], "no such column"),
            (
                [good + "\(exact) PRIMARY KEY, v INT, w INT NOT NULL)"],
                "a value that the source does not have"
            ),
            (
                [
                    good + "\(exact) PRIMARY KEY, v INT)",
                    "CREATE TRIGGER x BEFORE INSERT ON t FOR EACH ROW SET NEW.v = 1",
                ], "trigger x"
            ),
        ]
        for (sql, why) in cases {
            for statement in sql { try lab.connection.run(statement) }
            let problems = try lab.target.schemaPlan([route], prerequisites: []).problems
            #expect(problems.contains { $0.why.contains(why) }, "\(why): \(problems)")
            try lab.connection.run("DROP TABLE t")
        }
        try lab.connection.run(good + "\(exact) PRIMARY KEY, v BIGINT)")
        #expect(try lab.target.schemaPlan([route], prerequisites: []).problems.isEmpty)
    }

    @Test("A42: names that the server takes for one, or not at all", arguments: TestServer.all)
    func names(_ server: String) throws {
        let lab = try TargetLab(on: server)
        let twice = lab.route("t", [.id, Column("a", "text", .text), Column("A", "text", .text)])
        let long = lab.route(String(repeating: "n", count: 65), [.id])
        for (route, why) in [(twice, "does not tell it"), (long, "more than 64 characters")] {
            let problems = try lab.target.schemaPlan([route], prerequisites: []).problems
            #expect(problems.contains { $0.why.contains(why) }, "\(problems)")
        }
    }

    @Test("The user that is granted what check prints can do it all", arguments: TestServer.all)
    func leastPrivileges(_ server: String) throws {
        let lab = try TargetLab(on: server, acquires: false)
        let user = try lab.server.makeUser()
        let url = "mysql://\(user)@localhost:\(lab.server.port)/?sslmode=require"
        let target = MySQLTarget(
            url: url, password: "secret", stateDatabase: lab.stateDatabase)
        defer { target.close() }
        let routes = parentAndChild(lab)
        let administrator = try TestServer.administrator(server)
        for grant in try target.grantStatements(routes) {
            try administrator.run(String(grant.dropLast()))
        }
        target.close()
        let granted = MySQLTarget(
            url: url, password: "secret", stateDatabase: lab.stateDatabase)
        defer { granted.close() }
        try administrator.run("CREATE DATABASE \(lab.stateDatabase)")
        try granted.prepare()
        _ = try granted.acquire(
            pipeline: "shop", setup: TargetLab.setup, holder: TargetLab.holder("a"), lease: 30)
        let plan = try granted.schemaPlan(routes, prerequisites: [])
        try granted.run(
            plan.beforeRows + plan.afterRows.values.flatMap { $0 } + plan.whenConsistent,
            tables: [])
        let findings = try granted.preflight(routes, prerequisites: [])
        #expect(!findings.contains { $0.severity == .refused }, "\(findings)")
        let applier = try granted.openApplier(routes, label: "x")
        let opened = try #require(applier as? MySQLApplier)
        try opened.load("1\t1\tx\n")
        try granted.empty(routes[0].target)
        #expect(try lab.rows("child") == [])
        // Ends the sessions of the same user, which needs no privilege.
        let next = MySQLTarget(url: url, password: "secret", stateDatabase: lab.stateDatabase)
        defer { next.close() }
        try opened.begin()
        _ = try next.acquire(
            pipeline: "shop", setup: TargetLab.setup, holder: TargetLab.holder("b"), lease: 30)
        #expect(failure { try opened.commit(nil, durable: true) }?.kind == .connectionLost)
    }

    @Test(
        "Preflight names a table without privileges, and what power failures cost",
        arguments: TestServer.all)
    func preflight(_ server: String) throws {
        let lab = try TargetLab(on: server)
        let route = lab.route("t", [.id])
        try lab.make([route])
        let user = try lab.server.makeUser(grants: ["SELECT ON \(lab.server.name).*"])
        let target = MySQLTarget(
            url: "mysql://\(user)@localhost:\(lab.server.port)/?sslmode=require",
            password: "secret", stateDatabase: lab.stateDatabase)
        defer { target.close() }
        let findings = try target.preflight([route], prerequisites: [])
        let refused = findings.filter { $0.severity == .refused }
        let hidden = "triggers would change rows, and are hidden without the privilege TRIGGER"
        #expect(refused.map(\.detail) == [hidden, "no DELETE", "no INSERT"])
        let synced = try lab.connection.query("SELECT @@sync_binlog").text(0, 0)
        #expect(findings.contains { $0.detail.contains("power failure") } == (synced != "1"))
    }
}
