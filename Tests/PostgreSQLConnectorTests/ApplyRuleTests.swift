import PostgreSQLConnector
import ReplicationEngine
import ReplicationModel
import Testing

@Suite("Applying changes: the rules one by one")
struct ApplyRuleTests {
    /// Net and one by one.
    static let modes = [true, false]

    private func fixture(_ sql: String, server: String = "pg17") throws -> ApplyFixture {
        let fixture = try ApplyFixture(on: server)
        try fixture.connection.run("CREATE SCHEMA s; " + sql)
        return fixture
    }

    private func failure(_ body: () throws -> Void) -> ReplicationError? {
        do { try body() } catch { return error as? ReplicationError }
        return nil
    }

    @Test(
        "I5: an update or delete of a missing row names position, table and way out",
        arguments: modes)
    func rowMissing(net: Bool) throws {
        let fixture = try fixture(
            "CREATE TABLE s.t (id int PRIMARY KEY, v text); INSERT INTO s.t VALUES (1, 'a')")
        let route = try fixture.route("t", from: "s", to: "s", key: ["id"])
        let applier = try fixture.applier([route], net: net)
        for isDelete in [false, true] {
            var builder = BatchBuilder([route])
            builder.update(0, ["1", "b"])
            builder.commit()
            if isDelete {
                builder.delete(0, ["9", nil])
            } else {
                builder.update(0, ["9", "secret"])
            }
            builder.commit()
            let error = try #require(failure { try applier.run(builder.batch) })
            #expect(error.kind == .rowMissing)
            #expect(error.position == LogPosition(rawValue: 0x1100))
            #expect(error.table == TableName(schema: "s", name: "t"))
            #expect(error.what == (isDelete ? "apply DELETE" : "apply UPDATE"))
            #expect(error.remedy?.contains("martlet verify shop --table s.t") == true)
            #expect(!error.description.contains("secret"))
            #expect(try fixture.content("s", ["t"]) == ["t": "(1,a)"])
        }
    }

    @Test(
        "I5: an insert of a present key is refused, also when the batch deletes it again",
        arguments: modes)
    func rowConflict(net: Bool) throws {
        let fixture = try fixture(
            "CREATE TABLE s.t (id int PRIMARY KEY, v text); INSERT INTO s.t VALUES (3, 'old')")
        let route = try fixture.route("t", from: "s", to: "s", key: ["id"])
        let applier = try fixture.applier([route], net: net)
        for deletesAgain in [false, true] {
            var builder = BatchBuilder([route])
            builder.insert(0, ["3", "secret"])
            if deletesAgain { builder.delete(0, ["3", nil]) }
            builder.commit()
            let error = try #require(failure { try applier.run(builder.batch) })
            #expect(error.kind == .rowConflict)
            #expect(error.what == "apply INSERT")
            #expect(error.position == LogPosition(rawValue: 0x1000))
            #expect(!error.description.contains("secret"))
            #expect(try fixture.content("s", ["t"]) == ["t": "(3,old)"])
        }
    }

    @Test("I5: a key that is two rows at the target is refused", arguments: modes)
    func twoRows(net: Bool) throws {
        let fixture = try fixture(
            "CREATE TABLE s.t (id int, v text); INSERT INTO s.t VALUES (1, 'a'), (1, 'b'), (2, 'c')"
        )
        let route = try fixture.route("t", from: "s", to: "s", key: ["id"])
        let applier = try fixture.applier([route], net: net)
        var builder = BatchBuilder([route])
        builder.delete(0, ["1", nil])
        builder.delete(0, ["5", nil])
        builder.commit()
        let error = try #require(failure { try applier.run(builder.batch) })
        #expect(error.kind == .rowConflict)
        #expect(error.why.contains("2 rows"))
    }

    @Test(
        "P01-P03, P02: what the log did not repeat stays, also through a key change",
        arguments: modes)
    func unchangedValues(net: Bool) throws {
        let fixture = try fixture(
            "CREATE TABLE s.t (id int PRIMARY KEY, big text, n int); "
                + "INSERT INTO s.t VALUES (1, 'large', 1), (2, 'huge', 1)")
        let route = try fixture.route("t", from: "s", to: "s", key: ["id"])
        let applier = try fixture.applier([route], net: net)
        var builder = BatchBuilder([route])
        builder.insert(0, ["3", "new", "1"])
        builder.update(0, ["3", BatchBuilder.unchanged, "2"])
        builder.update(0, ["1", BatchBuilder.unchanged, "2"])
        builder.update(0, ["1", nil, "3"])
        builder.update(0, ["1", BatchBuilder.unchanged, "4"])
        builder.update(0, ["2", BatchBuilder.unchanged, "4"])
        builder.update(0, old: ["2", nil, nil], ["7", BatchBuilder.unchanged, "5"])
        builder.commit()
        try applier.run(builder.batch)
        #expect(try fixture.content("s", ["t"]) == ["t": "(1,,4)\n(3,new,2)\n(7,huge,5)"])
        #expect(applier.fallbacks == 0)
    }

    @Test("P11: a unique value handed from row to row in the source's order", arguments: modes)
    func uniqueHandedOn(net: Bool) throws {
        let fixture = try fixture(
            "CREATE TABLE s.t (id int PRIMARY KEY, k int UNIQUE); "
                + "INSERT INTO s.t VALUES (1, 1), (2, 2)")
        let route = try fixture.route("t", from: "s", to: "s", key: ["id"])
        let applier = try fixture.applier([route], net: net)
        try applier.run(BatchBuilder.swappingUniqueValues(of: route))
        #expect(try fixture.content("s", ["t"]) == ["t": "(1,2)\n(2,1)"])
        #expect(applier.fallbacks == (net ? 1 : 0))
    }

    @Test("I5: a replica session does not check deferrable keys, so Martlet does", arguments: modes)
    func deferrableKeys(net: Bool) throws {
        let fixture = try fixture(
            "CREATE TABLE s.t (id int PRIMARY KEY, a int, b text, UNIQUE (a, b) DEFERRABLE); "
                + "INSERT INTO s.t VALUES (1, 1, 'x'), (2, 1, 'y'), (3, NULL, 'x')")
        let route = try fixture.route("t", from: "s", to: "s", key: ["id"])
        let applier = try fixture.applier([route], net: net)
        var swap = BatchBuilder([route])
        swap.update(0, ["1", "1", "y"])
        swap.update(0, ["2", "1", "x"])
        swap.insert(0, ["4", nil, "x"])
        swap.commit()
        try applier.run(swap.batch)
        let swapped = "(1,1,y)\n(2,1,x)\n(3,,x)\n(4,,x)"
        #expect(try fixture.content("s", ["t"]) == ["t": swapped])
        for second in ["x", BatchBuilder.unchanged] {
            var doubled = BatchBuilder([route])
            doubled.update(0, ["3", "1", second])
            doubled.commit()
            let error = try #require(failure { try applier.run(doubled.batch) })
            #expect(error.kind == .rowConflict)
            #expect(error.table?.name == "t")
            #expect(try fixture.content("s", ["t"]) == ["t": swapped])
        }
        #expect(applier.fallbacks == 0)
    }

    @Test("I7: an applier whose epoch has ended cannot begin")
    func fenced() throws {
        let fixture = try fixture("CREATE TABLE s.t (id int PRIMARY KEY)")
        let route = try fixture.route("t", from: "s", to: "s", key: ["id"])
        let applier = try fixture.applier([route])
        try fixture.connection.run("UPDATE martlet.pipeline SET epoch = 8")
        let error = failure { try applier.begin() }
        applier.rollback()
        #expect(error?.kind == .fenced)
    }

    @Test("A session that is cut says that the connection is lost, not that a row is missing")
    func connectionLost() throws {
        let fixture = try fixture("CREATE TABLE s.t (id int PRIMARY KEY)")
        let route = try fixture.route("t", from: "s", to: "s", key: ["id"])
        let applier = try fixture.applier([route])
        try applier.begin()
        try fixture.connection.run(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() "
                + "AND datname = current_database()")
        var builder = BatchBuilder([route])
        builder.insert(0, ["1"])
        builder.commit()
        var counts = [ChangeCounts()]
        let error = failure {
            try applier.apply(
                builder.batch, range: 0..<1, actions: nil, routes: [0], counts: &counts)
        }
        #expect(error?.kind == .connectionLost)
        #expect(counts == [ChangeCounts()])
        #expect(failure { try applier.commit(nil, durable: true) }?.kind == .connectionLost)
    }

    @Test("P52: TRUNCATE of a table that others reference names the table", arguments: modes)
    func truncateReferenced(net: Bool) throws {
        let fixture = try fixture(
            "CREATE TABLE s.t (id int PRIMARY KEY); CREATE TABLE s.c (t int REFERENCES s.t)")
        let route = try fixture.route("t", from: "s", to: "s", key: ["id"])
        let applier = try fixture.applier([route], net: net)
        var builder = BatchBuilder([route])
        builder.truncate([0])
        builder.commit()
        let error = try #require(failure { try applier.run(builder.batch) })
        #expect(error.kind == .unsupported)
        #expect(error.what == "apply TRUNCATE")
        #expect(error.remedy?.contains("foreign keys") == true)
    }

    @Test("A key change with one side wanted is a delete or an insert", arguments: modes)
    func oneSide(net: Bool) throws {
        let fixture = try fixture(
            """
            CREATE TABLE s.t (id int PRIMARY KEY, v text);
            INSERT INTO s.t VALUES (1, 'a'), (5, 'e')
            """)
        let route = try fixture.route("t", from: "s", to: "s", key: ["id"])
        let applier = try fixture.applier([route], net: net)
        var builder = BatchBuilder([route])
        builder.update(0, old: ["1", nil], ["2", "x"])
        builder.update(0, old: ["8", nil], ["3", "y"])
        builder.update(0, old: ["5", nil], ["9", "z"])
        builder.commit()
        let counts = try applier.run(
            builder.batch, actions: [.deleteOld, .insertNew, .skip])
        #expect(try fixture.content("s", ["t"]) == ["t": "(3,y)\n(5,e)"])
        #expect(counts[0].updates == 2)
    }

    @Test("A role that may not be a replica gets foreign keys and triggers, one by one")
    func firingMode() throws {
        let fixture = try fixture(
            "CREATE TABLE s.p (id int PRIMARY KEY); CREATE TABLE s.c (id int PRIMARY KEY, "
                + "p int REFERENCES s.p DEFERRABLE); DROP ROLE IF EXISTS martlet_plain_apply; "
                + "CREATE ROLE martlet_plain_apply LOGIN; "
                + "GRANT ALL ON SCHEMA s, martlet TO martlet_plain_apply; "
                + "GRANT ALL ON ALL TABLES IN SCHEMA s, martlet TO martlet_plain_apply")
        defer {
            _ = try? fixture.connection.run(
                "DROP OWNED BY martlet_plain_apply; DROP ROLE martlet_plain_apply")
        }
        let url = TestDatabase.url(
            "pg17", database: fixture.database.name, user: "martlet_plain_apply")
        let routes = try ["p", "c"].map { try fixture.route($0, from: "s", to: "s", key: ["id"]) }
        let applier = try PGApplier(
            connection: PGConnection(url: url, password: nil, label: "test", purpose: .target),
            fence: fixture.fence, routes: routes)
        #expect(!applier.isReplica)
        var builder = BatchBuilder(routes)
        builder.insert(1, ["10", "1"])
        builder.insert(0, ["1"])
        builder.commit()
        try applier.run(builder.batch)
        #expect(try fixture.content("s", ["p", "c"]) == ["p": "(1)", "c": "(10,1)"])
        var orphan = BatchBuilder(routes)
        orphan.insert(1, ["11", "2"])
        orphan.commit()
        #expect(failure { try applier.run(orphan.batch) }?.kind == .rowConflict)
        #expect(try fixture.content("s", ["c"]) == ["c": "(10,1)"])
    }

    @Test(
        "I6: more output than both sockets hold does not block", .timeLimit(.minutes(1)),
        arguments: modes)
    func muchOutput(net: Bool) throws {
        let fixture = try fixture("CREATE TABLE s.t (id int PRIMARY KEY, v text)")
        let route = try fixture.route("t", from: "s", to: "s", key: ["id"])
        let applier = try fixture.applier([route], net: net)
        var builder = BatchBuilder([route])
        let wide = String(repeating: "x", count: 700)
        for id in 0..<30_000 { builder.insert(0, [String(id), wide]) }
        builder.commit()
        let counts = try applier.run(builder.batch)
        #expect(counts[0].inserts == 30_000)
        #expect(try fixture.connection.run("SELECT count(*) FROM s.t").integer(0, 0) == 30_000)
    }

    @Test("A log whose columns are not the route's stops by name", arguments: modes)
    func otherColumns(net: Bool) throws {
        let fixture = try fixture("CREATE TABLE s.t (id int PRIMARY KEY, v text)")
        let route = try fixture.route("t", from: "s", to: "s", key: ["id"])
        let applier = try fixture.applier([route], net: net)
        var builder = BatchBuilder([route])
        builder.insert(0, ["1", "a"])
        builder.commit()
        builder.batch.tables[0].columns.swapAt(0, 1)
        #expect(failure { try applier.run(builder.batch) }?.kind == .unseenSchemaChange)
    }

    @Test("Wipe empties a table, also one that others reference")
    func wipe() throws {
        let fixture = try fixture(
            "CREATE TABLE s.t (id int PRIMARY KEY); INSERT INTO s.t VALUES (1); "
                + "CREATE TABLE s.c (t int REFERENCES s.t); INSERT INTO s.c VALUES (1)")
        let routes = try [
            fixture.route("t", from: "s", to: "s", key: ["id"]),
            fixture.route("c", from: "s", to: "s", key: []),
        ]
        let applier = try fixture.applier(routes)
        try applier.begin()
        try applier.wipe(route: 0)
        try applier.wipe(route: 1)
        try applier.commit(nil, durable: true)
        #expect(try fixture.content("s", ["t", "c"]) == ["t": "", "c": ""])
    }
}
