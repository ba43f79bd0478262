import ReplicationEngine
import ReplicationModel
import Testing

@testable import PostgreSQLConnector

@Suite("Preflight of a PostgreSQL target")
struct TargetPreflightTests {
    private func refusals(_ findings: [Finding]) -> [Finding] {
        findings.filter { $0.severity == .refused }
    }

    @Test("A superuser in an empty database is refused nothing", arguments: TestDatabase.servers)
    func superuser(server: String) throws {
        let database = try TestDatabase(on: server)
        let target = Fixture.target(database)
        defer { target.close() }
        let findings = try target.preflight([Fixture.table()], prerequisites: [])
        #expect(findings.allSatisfy { $0.severity == .ok }, "\(findings)")
        #expect(findings.count >= 4)
        let made = try database.connect().run("SELECT FROM pg_namespace WHERE nspname = 'martlet'")
        #expect(made.rowCount == 0)
    }

    @Test("The least grants suffice: check, state, tables, rows", arguments: TestDatabase.servers)
    func leastGrants(server: String) throws {
        try withPlainRole(on: server) { database, role in
            let administrator = try database.connect()
            try administrator.run(
                """
                CREATE SCHEMA shop;
                CREATE TABLE shop.old (id integer CONSTRAINT old_pkey PRIMARY KEY);
                REVOKE ALL ON SCHEMA public FROM PUBLIC
                """)
            var old = Fixture.table("old", id: 2)
            old.target.schema = "shop"
            var new = Fixture.table("new", id: 3)
            new.target.schema = "fresh"
            let target = Fixture.target(database, user: role)
            defer { target.close() }
            let missing = refusals(try target.preflight([old, new], prerequisites: []))
            #expect(missing.count == 4, "\(missing)")
            #expect(missing.allSatisfy { $0.remedy != nil })

            let statements = try target.grantStatements([old, new])
            for statement in statements { try administrator.run(statement) }
            #expect(refusals(try target.preflight([old, new], prerequisites: [])).isEmpty)
            try target.prepare()
            _ = try target.acquire(
                pipeline: "shop", setup: Fixture.setup, holder: Fixture.holder("a"), lease: 30)
            let plan = try target.schemaPlan([old, new], prerequisites: [])
            #expect(plan.problems.isEmpty)
            try target.run(plan.beforeRows + plan.keys.values.joined(), tables: [])
            try target.empty(old.target)
            let applier = try target.openApplier([old, new], label: "apply-1")
            defer { applier.close() }
            try applier.begin()
            try applier.wipe(route: 0)
            try applier.commit(Checkpoint(position: .zero, commitPosition: .zero), durable: true)
            try target.drop(pipeline: "shop")
        }
    }

    @Test("Each single missing privilege is named with the statement that grants it")
    func privileges() throws {
        try withPlainRole { database, role in
            let administrator = try database.connect()
            try administrator.run(
                """
                CREATE SCHEMA martlet; CREATE TABLE public.t (id integer PRIMARY KEY);
                GRANT SELECT, INSERT, UPDATE ON public.t TO \(role);
                INSERT INTO public.t VALUES (1); REVOKE ALL ON SCHEMA public FROM PUBLIC
                """)
            let target = Fixture.target(database, user: role)
            defer { target.close() }
            let first = refusals(try target.preflight([Fixture.table()], prerequisites: []))
            #expect(first.count == 3, "\(first)")
            for finding in first { try administrator.run(try #require(finding.remedy)) }
            let second = refusals(try target.preflight([Fixture.table()], prerequisites: []))
            #expect(second.map(\.check) == [TargetPreflight.existingRows])
            let granted = try administrator.query(
                "SELECT has_table_privilege($1, 'public.t', 'TRUNCATE')", [role])
            #expect(granted.boolean(0, 0))
        }
    }

    @Test("Triggers that fire in replica role are refused; ordinary ones are not")
    func triggers() throws {
        let database = try TestDatabase()
        let administrator = try database.connect()
        try administrator.run(
            """
            CREATE TABLE public.t (id integer PRIMARY KEY);
            CREATE FUNCTION public.f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
            CREATE TRIGGER "one 1" BEFORE INSERT ON public.t EXECUTE FUNCTION public.f()
            """)
        let target = Fixture.target(database)
        defer { target.close() }
        #expect(refusals(try target.preflight([Fixture.table()], prerequisites: [])).isEmpty)
        for mode in ["ALWAYS", "REPLICA"] {
            try administrator.run("ALTER TABLE public.t ENABLE \(mode) TRIGGER \"one 1\"")
            let found = refusals(try target.preflight([Fixture.table()], prerequisites: []))
            #expect(found.count == 1)
            try administrator.run(try #require(found.first?.remedy))
            #expect(refusals(try target.preflight([Fixture.table()], prerequisites: [])).isEmpty)
        }
    }

    @Test("Without session_replication_role, triggers and acting foreign keys are refused")
    func firing() throws {
        try withPlainRole { database, role in
            let administrator = try database.connect()
            try administrator.run(
                """
                CREATE TABLE public.t (id integer PRIMARY KEY);
                CREATE TABLE public.c (id integer PRIMARY KEY, a integer, b integer,
                    CONSTRAINT acts FOREIGN KEY (a) REFERENCES public.t ON DELETE CASCADE,
                    CONSTRAINT rigid FOREIGN KEY (b) REFERENCES public.t);
                CREATE FUNCTION public.f() RETURNS trigger LANGUAGE plpgsql
                    AS 'BEGIN RETURN NEW; END';
                CREATE TRIGGER tr BEFORE INSERT ON public.t EXECUTE FUNCTION public.f();
                GRANT ALL ON public.t, public.c TO \(role);
                GRANT CREATE ON DATABASE \(database.name) TO \(role)
                """)
            let target = Fixture.target(database, user: role)
            defer { target.close() }
            let routes = [Fixture.table()]
            let found = refusals(try target.preflight(routes, prerequisites: []))
            for words in [
                "trigger tr would fire", "acts of public.c changes rows",
                "rigid of public.c cannot",
            ] {
                let finding = try #require(found.first { $0.detail.contains(words) }, "\(words)")
                try administrator.run(try #require(finding.remedy))
            }
            #expect(found.count == 3)
            #expect(refusals(try target.preflight(routes, prerequisites: [])).isEmpty)
            let superuser = Fixture.target(database)
            defer { superuser.close() }
            let outside = try superuser.preflight(routes, prerequisites: []).filter {
                $0.detail.contains("not replicated")
            }
            #expect(outside.map(\.severity) == [.warning])
        }
    }

    @Test("Without session_replication_role, foreign keys are made deferrable and without actions")
    func deferrable() throws {
        try withPlainRole { database, role in
            try database.connect().run("GRANT CREATE ON DATABASE \(database.name) TO \(role)")
            let target = Fixture.target(database, user: role)
            defer { target.close() }
            let plan = try target.schemaPlan(
                SchemaFixture.routes, prerequisites: SchemaFixture.prerequisites)
            let key = try #require(plan.whenConsistent.first { $0.contains("child (fk)") })
            #expect(key.hasSuffix("DEFERRABLE INITIALLY IMMEDIATE") && !key.contains("CASCADE"))
            #expect(plan.mappings.filter { $0.contains("child (fk)") }.count == 2)
            let deferred = try #require(plan.whenConsistent.first { $0.contains("child_up") })
            #expect(deferred.hasSuffix("DEFERRABLE INITIALLY DEFERRED"))
        }
    }

    @Test("Rows that Martlet did not write are refused, and are gone after emptying")
    func existingRows() throws {
        let database = try TestDatabase()
        let administrator = try database.connect()
        try administrator.run(
            """
            CREATE TABLE public.t (id integer PRIMARY KEY); INSERT INTO public.t VALUES (1);
            CREATE TABLE public.c (id integer PRIMARY KEY REFERENCES public.t);
            CREATE TABLE public.heir () INHERITS (public.t); INSERT INTO public.heir VALUES (2)
            """)
        let target = try Fixture.acquired(database)
        defer { target.close() }
        let found = refusals(try target.preflight([Fixture.table()], prerequisites: []))
        #expect(found.map(\.check) == [TargetPreflight.existingRows])
        #expect(try target.shape(of: Fixture.table().target)?.hasRows == true)
        let others = RowShare(column: "id", value: "-77")
        #expect(try target.shape(of: Fixture.table().target, share: others)?.hasRows == false)
        try target.empty(Fixture.table().target, share: others)
        #expect(try target.shape(of: Fixture.table().target)?.hasRows == true)
        try target.empty(Fixture.table().target)
        #expect(try administrator.run("SELECT id FROM public.t").column(0) == ["2"])
        #expect(try target.shape(of: Fixture.table().target)?.hasRows == false)
        #expect(refusals(try target.preflight([Fixture.table()], prerequisites: [])).isEmpty)
        #expect(try target.shape(of: TableName(schema: "public", name: "absent")) == nil)
    }

    @Test("Row security, rules and unfit tables are refused")
    func obstacles() throws {
        try withPlainRole { database, role in
            try database.connect().run(
                """
                CREATE TABLE public.t (id integer PRIMARY KEY, more integer NOT NULL);
                CREATE RULE r AS ON DELETE TO public.t DO INSTEAD NOTHING;
                ALTER TABLE public.t ENABLE ROW LEVEL SECURITY; GRANT ALL ON public.t TO \(role);
                CREATE SCHEMA martlet AUTHORIZATION \(role)
                """)
            let target = Fixture.target(database, user: role)
            defer { target.close() }
            let found = refusals(try target.preflight([Fixture.table()], prerequisites: []))
            #expect(found.count == 3, "\(found)")
            for word in ["row-level security", "rules", "NOT NULL"] {
                #expect(found.contains { $0.detail.contains(word) }, "\(word)")
            }
        }
    }
}
