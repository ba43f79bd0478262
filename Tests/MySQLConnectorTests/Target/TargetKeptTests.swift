import ReplicationEngine
import ReplicationModel
import Testing

@testable import MySQLConnector

/// `existing: merge`; whole runs of it are in Tests/Scenarios.
@Suite("Rows that were there before")
struct TargetKeptTests {
    private func filled(on server: String) throws -> (TargetLab, TableRoute) {
        let lab = try TargetLab(on: server)
        let route = lab.route("t", [.id, Column("v", "text", .text)])
        try lab.make([route])
        try lab.connection.run("ALTER TABLE t ADD own INT DEFAULT 5, ADD g INT AS (id * 2)")
        try lab.connection.run("INSERT INTO t (id, v, own) VALUES (1, 'a', 1), (2, 'b', NULL)")
        try lab.target.setAside(route.target)
        return (lab, route)
    }

    private func keptTables(_ lab: TargetLab) throws -> [String] {
        try lab.connection.query("SHOW TABLES IN \(lab.stateDatabase) LIKE 'kept%'").column(0)
    }

    @Test("Put back whole, unless the key is taken; a crash repeats it", arguments: TestServer.all)
    func putBack(_ server: String) throws {
        let (lab, route) = try filled(on: server)
        #expect(try lab.rows("t").isEmpty)
        try lab.connection.run("INSERT INTO t (id, v) VALUES (2, 'source'), (3, 'c')")
        let plan = try lab.target.schemaPlan([route], prerequisites: []).whenConsistent
        #expect(plan.count == 4 && plan.last?.hasPrefix("DROP TABLE") == true)
        try lab.target.run(Array(plan.dropLast()), tables: [])
        let again = try lab.target.schemaPlan([route], prerequisites: []).whenConsistent
        #expect(again == plan)
        try lab.target.run(again, tables: [])
        #expect(try lab.rows("t") == ["1|a|1|2", "2|source|5|4", "3|c|5|6"])
        #expect(try keptTables(lab).isEmpty)
        #expect(try lab.target.schemaPlan([route], prerequisites: []).whenConsistent.isEmpty)
    }

    @Test(
        "A route that shares its table empties, and looks at, its own rows",
        arguments: TestServer.all)
    func share(_ server: String) throws {
        let lab = try TargetLab(on: server)
        var route = lab.route("t", [.id, Column("v", "text", .text)])
        let share = RowShare(column: "v", value: "b")
        route.share = share
        try lab.make([route])
        let applier = try lab.applier([route])
        try applier.load("1\ta\n")
        var truncate = BatchBuilder([route])
        truncate.truncate()
        truncate.commit()
        for way in 0..<3 {
            try applier.load("2\tb\n")
            #expect(try lab.target.shape(of: route.target, share: share)?.hasRows == true)
            switch way {
            case 0:
                try applier.begin()
                try applier.wipe(route: 0)
                try applier.commit(nil, durable: true)
            case 1: try applier.run(truncate.batch)
            default: try lab.target.empty(route.target, share: share)
            }
            #expect(try lab.rows("t") == ["1|a"])
            #expect(try lab.target.shape(of: route.target, share: share)?.hasRows == false)
        }
    }

    @Test("Drop puts back what a load set aside", arguments: TestServer.all)
    func drop(_ server: String) throws {
        let (lab, route) = try filled(on: server)
        var progress = TableProgress(
            id: 1, source: route.source.name, target: route.target, state: .loading)
        progress.key = ["id"]
        try lab.target.run([], tables: [progress])
        try lab.connection.run("INSERT INTO t (id, v) VALUES (2, 'source')")
        try lab.target.drop(pipeline: "shop")
        #expect(try lab.rows("t", "id, v, own") == ["1|a|1", "2|source|5"])
        #expect(try keptTables(lab).isEmpty)
    }

    @Test("Rows of two starts are never mixed", arguments: TestServer.all)
    func twice(_ server: String) throws {
        let (lab, route) = try filled(on: server)
        try lab.connection.run("INSERT INTO t (id, v) VALUES (1, 'late')")
        let refusal = failure { try lab.target.setAside(route.target) }
        #expect(refusal?.kind == .rowConflict)
        #expect(try lab.rows("t", "id, v") == ["1|late"])
        // An empty place is what a crash leaves; the table may have changed since.
        let place = "\(lab.stateDatabase).\(try keptTables(lab)[0])"
        try lab.connection.run("DELETE FROM \(place)")
        try lab.connection.run("ALTER TABLE t ADD another INT DEFAULT 7")
        try lab.target.setAside(route.target)
        #expect(try lab.connection.query("SELECT id, another FROM \(place)").rows == [["1", "7"]])
    }
}
