import ReplicationEngine
import ReplicationModel
import Testing

@testable import MySQLConnector

@Suite("Applying changes to MySQL and MariaDB: the rules one by one")
struct TargetApplyTests {
    private static let columns = [
        Column.id, Column("a", "text", .text), Column("b", "integer", .int32),
    ]

    private func lab(_ server: String) throws -> (TargetLab, TableRoute, MySQLApplier) {
        let lab = try TargetLab(on: server)
        let route = lab.route("t", Self.columns)
        try lab.make([route])
        return (lab, route, try lab.applier([route]))
    }

    private func batch(_ route: TableRoute, _ body: (inout BatchBuilder) -> Void) -> ChangeBatch {
        var builder = BatchBuilder([route])
        body(&builder)
        builder.commit()
        return builder.batch
    }

    @Test("I3: changes are applied in order, and counted", arguments: TestServer.all)
    func order(_ server: String) throws {
        let (lab, route, applier) = try lab(server)
        let counts = try applier.run(
            batch(route) {
                $0.insert(["1", "x", "1"])
                $0.update(["1", "y", nil])
                $0.insert(["2", "z", "2"])
                $0.delete(["1", nil, nil])
                $0.insert(["1", "it's \\ so", "7"])
                $0.update(old: ["2", nil, nil], ["3", "z", "2"])
                $0.insert(["4", "gone", nil])
                $0.delete(["4", nil, nil])
            })
        #expect(try lab.rows("t") == ["1|it's \\ so|7", "3|z|2"])
        #expect(counts.map(\.inserts) == [4])
        #expect(counts.map(\.updates) == [2])
        #expect(counts.map(\.deletes) == [2])
        #expect(applier.fallbacks == 0)
        try applier.run(
            batch(route) {
                $0.truncate()
                $0.insert(["9", nil, nil])
            })
        #expect(try lab.rows("t") == ["9|NULL|NULL"])
    }

    @Test(
        "I5: what is missing or there already names position, table and way out",
        arguments: TestServer.all)
    func strict(_ server: String) throws {
        let (lab, route, applier) = try lab(server)
        try applier.load("1\told\t1\n")
        let cases: [(ReplicationError.Kind, String, (inout BatchBuilder) -> Void)] = [
            (.rowMissing, "UPDATE", { $0.update(["9", "secret", nil]) }),
            (.rowMissing, "DELETE", { $0.delete(["9", nil, nil]) }),
            (.rowConflict, "INSERT", { $0.insert(["1", "secret", nil]) }),
            (
                .rowConflict, "INSERT",
                {
                    $0.insert(["1", "secret", nil])
                    $0.delete(["1", nil, nil])
                }
            ),
        ]
        for (kind, word, change) in cases {
            let error = try #require(failure { try applier.run(batch(route, change)) })
            #expect(error.kind == kind)
            #expect(error.what == "apply \(word)")
            #expect(error.position == LogPosition(rawValue: 0x1000))
            #expect(error.table == route.target)
            #expect(error.remedy?.contains("martlet verify shop") == true)
            #expect(!error.description.contains("secret"))
            #expect(try lab.rows("t") == ["1|old|1"])
        }
    }

    @Test("A29: an UPDATE that changes nothing has hit its row", arguments: TestServer.all)
    func sameValue(_ server: String) throws {
        let (lab, route, applier) = try lab(server)
        try applier.load("1\told\t1\n")
        try applier.run(batch(route) { $0.update(["1", BatchBuilder.unchanged, "1"]) })
        #expect(try lab.rows("t") == ["1|old|1"])
        #expect(applier.fallbacks == 0)
    }

    @Test(
        "P01-P03: what the log did not repeat stays, also through a key change",
        arguments: TestServer.all)
    func unchangedValues(_ server: String) throws {
        let (lab, route, applier) = try lab(server)
        try applier.load("1\tlarge\t1\n2\thuge\t1\n")
        try applier.run(
            batch(route) {
                $0.insert(["3", "new", "1"])
                $0.update(["3", BatchBuilder.unchanged, "2"])
                $0.update(["1", BatchBuilder.unchanged, "2"])
                $0.update(["2", BatchBuilder.unchanged, "4"])
                $0.update(old: ["2", nil, nil], ["7", BatchBuilder.unchanged, "5"])
            })
        #expect(try lab.rows("t") == ["1|large|2", "3|new|2", "7|huge|5"])
        #expect(applier.fallbacks == 0)
    }

    @Test(
        "P11: unique values handed around, whole rows and rows with values that were not sent",
        arguments: TestServer.all, [false, true])
    func uniqueSwap(_ server: String, isPartial: Bool) throws {
        let lab = try TargetLab(on: server)
        let route = lab.route("t", Self.columns) {
            $0.indexes = [
                Index(
                    name: "t_b", columns: ["b"], isUnique: true, isConstraint: true,
                    definition: "UNIQUE (b) DEFERRABLE")
            ]
        }
        try lab.make([route])
        let applier = try lab.applier([route])
        try applier.load("1\tone \\\\ '\t1\n2\ttwo\t2\n3\t\\N\t3\n")
        func text(_ value: String?) -> String? { isPartial ? BatchBuilder.unchanged : value }
        try applier.run(
            batch(route) {
                $0.update(["1", text("one \\ '"), "2"])
                $0.update(["2", text("two"), "3"])
                $0.update(["3", text(nil), "1"])
                $0.insert(["4", "four", "4"])
            })
        #expect(
            try lab.rows("t") == ["1|one \\ '|2", "2|two|3", "3|NULL|1", "4|four|4"])
        #expect(applier.fallbacks == 0)
        let error = failure { try applier.run(batch(route) { $0.insert(["5", nil, "4"]) }) }
        #expect(error?.kind == .rowConflict)
    }

    @Test(
        "P05: without a key a change is for exactly one of several equal rows",
        arguments: TestServer.all)
    func keyless(_ server: String) throws {
        let lab = try TargetLab(on: server)
        let route = lab.route(
            "k", [Column("a", "integer", .int32), Column("b", "text", .text)], key: [])
        try lab.make([route])
        let applier = try lab.applier([route])
        try applier.run(
            batch(route) {
                for _ in 0..<3 { $0.insert(["1", nil]) }
                $0.insert(["1", "A"])
                $0.insert(["1", "a "])
                $0.delete(["1", nil], whole: true)
                $0.update(old: ["1", nil], whole: true, ["1", "x"])
                $0.delete(["1", "a "], whole: true)
            })
        #expect(try lab.rows("k") == ["1|A", "1|NULL", "1|x"])
        for text in ["a", "A ", "X"] {
            let change = batch(route) { $0.delete(["1", text], whole: true) }
            #expect(failure { try applier.run(change) }?.kind == .rowMissing)
        }
    }

    @Test("DESIGN 6.6: what may or may not be there, applied either way", arguments: TestServer.all)
    func idempotent(_ server: String) throws {
        let (lab, route, applier) = try lab(server)
        try applier.load("1\tone\t1\n2\ttwo\t2\n")
        let changes = batch(route) {
            $0.insert(["1", "again", "1"])
            $0.insert(["3", "new", "3"])
            $0.delete(["2", nil, nil])
            $0.delete(["8", nil, nil])
            $0.update(["9", BatchBuilder.unchanged, "9"])
            $0.update(["3", BatchBuilder.unchanged, "4"])
            $0.update(old: ["3", nil, nil], ["5", "moved", "5"])
        }
        let insert = ChangeAction(.insertNew, clearing: .new)
        let delete = ChangeAction(.nothing, clearing: .old)
        let update = ChangeAction(.updateIfThere)
        try applier.run(
            changes,
            actions: [
                insert, insert, delete, delete, update, update,
                ChangeAction(.insertNew, clearing: .both),
            ])
        #expect(try lab.rows("t") == ["1|again|1", "5|moved|5"])
    }

    @Test("A27: columns that only the target has stay as they are", arguments: TestServer.all)
    func ownColumns(_ server: String) throws {
        let lab = try TargetLab(on: server)
        let route = lab.route("t", [Column.id, Column("b", "integer", .int32)])
        try lab.connection.run(
            "CREATE TABLE t (own INT DEFAULT 5, b INT, id INT NOT NULL PRIMARY KEY, "
                + "twice INT AS (b * 2))")
        try lab.make([route])
        let applier = try lab.applier([route])
        try applier.load("1\t1\n2\t2\n")
        try lab.connection.run("UPDATE t SET own = 7")
        try applier.run(
            batch(route) {
                $0.update(["1", "10"])
                $0.update(old: ["2", nil], ["3", "2"])
            })
        #expect(try lab.rows("t", "id, b, own, twice") == ["1|10|7|20", "3|2|7|4"])
    }

    @Test("Composite keys, more rows than one statement takes", arguments: TestServer.all)
    func manyRows(_ server: String) throws {
        let lab = try TargetLab(on: server)
        let route = lab.route(
            "t", [Column.id, Column("k", "text", .text, null: false)], key: ["k", "id"])
        try lab.make([route])
        let applier = try lab.applier([route])
        let change = batch(route) {
            for row in 0..<2500 { $0.insert(["\(row)", "it's \(row % 7)"]) }
        }
        try applier.run(change)
        try applier.run(
            batch(route) {
                for row in 1..<2500 { $0.delete(["\(row)", "it's \(row % 7)"]) }
            })
        #expect(try lab.rows("t") == ["0|it's 0"])
        #expect(applier.fallbacks == 0)
    }

    @Test(
        "DESIGN 6.11: staged rows and changes are judged by unique keys when they are moved",
        arguments: TestServer.all)
    func staging(_ server: String) throws {
        let lab = try TargetLab(on: server)
        let route = lab.route("t", Self.columns)
        let text = try #require(
            ExactCollation.name(among: try TargetCatalog(connection: lab.connection).collations()))
        try lab.connection.run(
            "CREATE TABLE t (id INT PRIMARY KEY, a LONGTEXT CHARACTER SET utf8mb4 COLLATE \(text), "
                + "b INT UNIQUE, own INT DEFAULT 3)")
        #expect(try lab.target.schemaPlan([route], prerequisites: []).staged == [1])
        let opened = try lab.target.openApplier([route], label: "load", staged: [0])
        let applier = try #require(opened as? MySQLApplier)
        for round in 0..<2 {
            try applier.beginRows(route: 0, format: .copyText)
            try Array("\(round)1\tx\t\(round)1\n\(round)2\ty\t\(round)1\n".utf8).withUnsafeBytes {
                try applier.writeRows($0)
            }
            #expect(try applier.endRows() == 2)
            try applier.begin()
            var counts = [ChangeCounts()]
            let change = batch(route) {
                $0.update(["\(round)2", BatchBuilder.unchanged, "\(round)2"])
            }
            try applier.apply(change, range: 0..<1, actions: nil, routes: [0], counts: &counts)
            try applier.moveStaged(route: 0)
            try applier.commit(nil, durable: true)
        }
        #expect(try lab.rows("t") == ["11|x|11|3", "12|y|12|3", "1|x|1|3", "2|y|2|3"])
    }

    @Test("A cut session says that the connection is lost", arguments: TestServer.all)
    func connectionLost(_ server: String) throws {
        let (lab, route, applier) = try lab(server)
        try applier.begin()
        try lab.connection.run("KILL \(applier.connection.sessionID)")
        var counts = [ChangeCounts()]
        let change = batch(route) { $0.insert(["1", nil, nil]) }
        let error = failure {
            try applier.apply(change, range: 0..<1, actions: nil, routes: [0], counts: &counts)
        }
        #expect(error?.kind == .connectionLost)
        #expect(failure { try applier.commit(nil, durable: true) }?.kind == .connectionLost)
    }
}
