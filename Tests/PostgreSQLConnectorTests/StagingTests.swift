import ReplicationEngine
import ReplicationModel
import Testing

@testable import PostgreSQLConnector

@Suite("Target tables that are there before the load")
struct StagingTests {
    private static let both = "CREATE SCHEMA s; CREATE SCHEMA d;"

    private func fixture(_ columns: String) throws -> (ApplyFixture, TableRoute) {
        let fixture = try ApplyFixture()
        try fixture.connection.run(
            "\(Self.both) CREATE TABLE s.t (\(columns)); CREATE TABLE d.t (LIKE s.t INCLUDING ALL)")
        return (fixture, try fixture.route("t", from: "s", to: "d", key: ["id"]))
    }

    private func applier(_ fixture: ApplyFixture, _ route: TableRoute) throws -> PGApplier {
        try PGApplier(
            connection: try fixture.database.connect(.target), fence: fixture.fence,
            routes: [route], staged: [0])
    }

    private func stage(_ rows: String, _ applier: PGApplier) throws {
        try applier.beginRows(route: 0, format: .copyText)
        try Array(rows.utf8).withUnsafeBytes { try applier.writeRows($0) }
        #expect(try applier.endRows() == Int64(rows.split(separator: "\n").count))
    }

    private func change(
        _ applier: PGApplier, _ route: TableRoute, _ body: (inout BatchBuilder) -> Void
    ) throws {
        var builder = BatchBuilder([route])
        body(&builder)
        builder.commit()
        var counts = [ChangeCounts()]
        try applier.apply(
            builder.batch, range: builder.batch.changes.indices, actions: nil, routes: [0],
            counts: &counts)
    }

    @Test("Staged rows and their changes reach the table whole, when they are moved")
    func moves() throws {
        let (fixture, route) = try fixture(
            "id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, k int UNIQUE, v text")
        try fixture.connection.run("INSERT INTO d.t OVERRIDING SYSTEM VALUE VALUES (9, 2, 'there')")
        let applier = try applier(fixture, route)
        try stage("7\t7\tleft by a chunk that failed\n", applier)
        try stage("1\t1\ta\n2\t2\tb\n3\t3\tc\n", applier)
        try applier.begin()
        try change(applier, route) {
            $0.update(0, ["2", "3", BatchBuilder.unchanged])
            $0.update(0, ["3", "5", "d"])
            $0.update(0, old: ["1", nil, nil], ["4", "1", BatchBuilder.unchanged])
        }
        let content = { try fixture.content("d", ["t"])["t"] }
        #expect(try content() == "(9,2,there)")
        try applier.moveStaged(route: 0)
        try applier.commit(nil, durable: true)
        #expect(try content() == "(2,3,b)\n(3,5,d)\n(4,1,a)\n(9,2,there)")
    }

    @Test("A route that shares its table empties its own rows", arguments: [true, false])
    func share(_ mayNet: Bool) throws {
        var (fixture, route) = try fixture("id int PRIMARY KEY, k int")
        route.share = RowShare(column: "k", value: "2")
        try fixture.connection.run("INSERT INTO d.t VALUES (1, 1)")
        let applier = try PGApplier(
            connection: try fixture.database.connect(.target), fence: fixture.fence,
            routes: [route], mayNet: mayNet)
        for isTruncate in [true, false] {
            try applier.begin()
            try change(applier, route) { $0.insert(0, ["2", "2"]) }
            if isTruncate {
                try change(applier, route) { $0.truncate([0]) }
            } else {
                try applier.wipe(route: 0)
            }
            try applier.commit(nil, durable: true)
            #expect(try fixture.content("d", ["t"])["t"] == "(1,1)")
        }
    }

    @Test(
        "A unique value that the table has already is refused when staged rows are moved",
        arguments: ["UNIQUE", "UNIQUE DEFERRABLE INITIALLY DEFERRED"])
    func conflict(_ constraint: String) throws {
        let (fixture, route) = try fixture("id int PRIMARY KEY, k int \(constraint)")
        try fixture.connection.run("INSERT INTO d.t VALUES (9, 2), (10, NULL)")
        let applier = try applier(fixture, route)
        try stage("1\t1\n2\t2\n3\t\\N\n", applier)
        try applier.begin()
        let error = failure { try applier.moveStaged(route: 0) }
        #expect(error?.kind == .rowConflict)
        #expect(error?.table?.description == "d.t")
        applier.rollback()
        #expect(try fixture.content("d", ["t"])["t"] == "(10,)\n(9,2)")
    }

    @Test("Rows that were there are set aside, and put back if the source has not their key")
    func kept() throws {
        let database = try TestDatabase()
        let connection = try database.connect()
        try connection.run(
            """
            CREATE TABLE public.t (id int PRIMARY KEY, k int UNIQUE DEFERRABLE, \
            g int GENERATED ALWAYS AS (k + 1) STORED);
            INSERT INTO public.t VALUES (1, 1), (2, 2), (3, 3)
            """)
        let target = try Fixture.acquired(database)
        defer { target.close() }
        let route = Fixture.table("t", Fixture.column("k", "integer"))
        try target.setAside(route.target)
        #expect(try target.shape(of: route.target)?.hasRows == false)
        try connection.run("INSERT INTO public.t VALUES (2, 20)")
        let plan = try target.schemaPlan([route], prerequisites: [])
        #expect(plan.staged == [1])
        try target.run(plan.whenConsistent, tables: [])
        let rows = { try connection.run("SELECT t::text FROM public.t ORDER BY id").column(0) }
        #expect(try rows() == ["(1,1,2)", "(2,20,21)", "(3,3,4)"])
        #expect(try target.schemaPlan([route], prerequisites: []).whenConsistent.isEmpty)

        try target.setAside(route.target)
        try connection.run("INSERT INTO public.t VALUES (9, 1)")
        let again = try target.schemaPlan([route], prerequisites: []).whenConsistent
        #expect(failure { try target.run(again, tables: []) }?.kind == .rowConflict)
        try connection.run("DELETE FROM public.t")
        try target.store(
            setup: Fixture.setup, checkpoint: nil, tables: [Self.progress(route, .loading)])
        try target.drop(pipeline: "shop")
        #expect(try rows() == ["(1,1,2)", "(2,20,21)", "(3,3,4)"])
    }

    private static func progress(
        _ route: TableRoute, _ state: TableProgress.State
    ) -> TableProgress {
        var progress = TableProgress(
            id: route.source.id, source: route.source.name, target: route.target, state: state)
        progress.key = route.keyColumns.map(\.name)
        return progress
    }

    @Test("Foreign keys that fire are taken off and put back; a drop puts them back at once")
    func foreignKeys() throws {
        try withPlainRole { database, role in
            let administrator = try database.connect()
            try administrator.run(
                """
                GRANT CREATE ON DATABASE \(database.name) TO \(role);
                CREATE TABLE public.p (id int PRIMARY KEY); CREATE TABLE public.t (id int \
                PRIMARY KEY, p int CONSTRAINT "f 1" REFERENCES public.p DEFERRABLE);
                ALTER TABLE public.t OWNER TO \(role); GRANT ALL ON public.p TO \(role);
                REVOKE REFERENCES ON public.p FROM \(role)
                """)
            let target = Fixture.target(database, user: role)
            defer { target.close() }
            try target.prepare()
            _ = try target.acquire(
                pipeline: "shop", setup: Fixture.setup, holder: Fixture.holder("a"), lease: 30)
            let route = Fixture.table("t", Fixture.column("p", "integer"))
            let plan = { try target.schemaPlan([route], prerequisites: []) }
            #expect(try plan().problems.map(\.why).count { $0.contains("put back") } == 1)
            try administrator.run("GRANT REFERENCES ON public.p TO \(role)")
            let first = try plan()
            #expect(first.problems.isEmpty)
            #expect(first.beforeRows.count == 2 && first.whenConsistent.count == 2)
            let progress = Self.progress(route, .loading)
            try target.run(first.beforeRows, tables: [progress])
            let keys = {
                try administrator.run(
                    "SELECT convalidated FROM pg_constraint WHERE contype = 'f' AND conname = 'f 1'"
                ).column(0)
            }
            #expect(try keys().isEmpty)
            let second = try plan()
            #expect(second.beforeRows.isEmpty && second.whenConsistent == first.whenConsistent)
            try target.run(second.whenConsistent, tables: [])
            #expect(try keys() == ["t"])
            try target.run(try plan().beforeRows, tables: [])
            try administrator.run("INSERT INTO public.t VALUES (1, 99)")
            try target.drop(pipeline: "shop")
            #expect(try keys() == ["f"])
        }
    }

    @Test("Foreign keys of a table that belongs to another role are refused with the statement")
    func foreignKeysOfOthers() throws {
        try withPlainRole { database, role in
            try database.connect().run(
                """
                CREATE TABLE public.p (id int PRIMARY KEY); CREATE TABLE public.t (id int \
                PRIMARY KEY, p int CONSTRAINT f REFERENCES public.p DEFERRABLE);
                GRANT ALL ON public.p, public.t TO \(role)
                """)
            let target = Fixture.target(database, user: role)
            defer { target.close() }
            let route = Fixture.table("t", Fixture.column("p", "integer"))
            let problems = try target.schemaPlan([route], prerequisites: []).problems
            #expect(
                problems.map(\.remedy) == ["ALTER TABLE \"public\".\"t\" DROP CONSTRAINT \"f\";"])
        }
    }
}
