import Foundation
import PostgreSQLConnector
import ReplicationEngine
import ReplicationModel
import Synchronization
import Testing

@Suite(.serialized) struct SourceCaptureTests {
    private static let tables = """
        CREATE TABLE a (id int PRIMARY KEY); CREATE TABLE b (id int PRIMARY KEY);
        CREATE TABLE child () INHERITS (a);
        """
    private static let names = ["a", "b"].map { TableName(schema: "public", name: $0) }

    private func published(_ fixture: SourceFixture) throws -> [String] {
        try fixture.admin.query(
            "SELECT tablename FROM pg_publication_tables WHERE pubname = $1 ORDER BY 1",
            [fixture.capture.publication]
        ).column(0)
    }

    @Test(
        "Publication first, then the slot; what was committed before is before P0",
        arguments: TestDatabase.servers)
    func create(server: String) throws {
        let fixture = try SourceFixture(on: server, Self.tables)
        try fixture.admin.run("INSERT INTO a VALUES (1)")
        let before = try fixture.source.report(fixture.capture, applied: nil)
        #expect(before.retainedBytes == nil)
        let start = try fixture.source.createCapture(fixture.capture, tables: Self.names)
        #expect(start.place.position > LogPosition.zero && start.place.position >= before.position)
        #expect(try published(fixture) == ["a", "b"])
        let state = try #require(try fixture.source.slotState(fixture.capture))
        #expect(state.plugin == "pgoutput" && state.database == fixture.database.name)
        #expect(!state.isActive && !state.isTwoPhase && state.invalidationReason == nil)
        #expect(state.confirmed == start.place.position && state.walStatus == "reserved")
        let after = try fixture.source.report(fixture.capture, applied: nil)
        #expect(try #require(after.retainedBytes) > 0)
        let error = #expect(throws: ReplicationError.self) {
            try fixture.source.createCapture(fixture.capture, tables: Self.names)
        }
        #expect(error?.kind == .preflight)
        try fixture.source.dropSlot(fixture.capture)
        try fixture.source.dropSlot(fixture.capture)
        try fixture.source.dropPublication(fixture.capture)
        #expect(try fixture.source.slotState(fixture.capture) == nil)
        #expect(try published(fixture) == [])
    }

    @Test("An existing publication is brought to exactly these tables")
    func alter() throws {
        let fixture = try SourceFixture(Self.tables)
        try fixture.admin.run(
            "CREATE PUBLICATION martlet_test FOR TABLE a WHERE (id > 5) WITH (publish = 'insert')")
        _ = try fixture.source.createCapture(fixture.capture, tables: Self.names)
        #expect(try published(fixture) == ["a", "b"])
        let flags = try fixture.admin.run(
            """
            SELECT pubinsert AND pubupdate AND pubdelete AND pubtruncate AND pubviaroot, (
              SELECT bool_and(prqual IS NULL) FROM pg_publication_rel)
            FROM pg_publication
            """)
        #expect(flags.boolean(0, 0) && flags.boolean(0, 1))
    }

    @Test("P38: the creation of a slot names whom it waits for")
    func blockers() throws {
        let fixture = try SourceFixture(Self.tables)
        let open = try fixture.database.connect()
        try open.run("BEGIN; INSERT INTO public.a VALUES (1)")
        let seen = Mutex<[[String]]>([])
        let holder = Held(open)
        let source = SourceFixture.source(fixture.database.url) { list in
            // Other tests' transactions on the same server may be waited for as well.
            guard list.contains(where: { $0.hasPrefix("pid \(holder.pid) (") }) else { return }
            seen.withLock { $0.append(list) }
            holder.commit()
        }
        _ = try source.createCapture(fixture.capture, tables: Self.names)
        #expect(seen.withLock { $0.count } == 1)
    }

    @Test("A slot that is read is dropped by ending its reader")
    func dropActive() throws {
        let fixture = try SourceFixture(Self.tables)
        let start = try fixture.source.createCapture(fixture.capture, tables: Self.names)
        let reader = try fixture.database.connect(.replication)
        try reader.run(
            "START_REPLICATION SLOT \"\(fixture.capture.slot)\" LOGICAL \(start.place.position) "
                + "(proto_version '1', publication_names 'martlet_test')")
        #expect(try fixture.source.slotState(fixture.capture)?.isActive == true)
        try fixture.source.dropSlot(fixture.capture)
        #expect(try fixture.source.slotState(fixture.capture) == nil)
    }

    @Test(
        "P33: a publication made again after the slot is refused, one made before is not",
        arguments: ["pg17", "pg18"])
    func publicationAge(server: String) throws {
        let fixture = try SourceFixture(on: server, Self.tables)
        let start = try fixture.source.createCapture(fixture.capture, tables: Self.names)
        let again = SourceFixture.source(fixture.database.url)
        func refusal(_ source: PostgreSQLSource) -> ReplicationError.Kind? {
            do {
                _ = try source.openLog(fixture.capture, routes: [], from: start.place)
                return nil
            } catch { return error.asReplicationError().kind }
        }
        #expect(refusal(again) == nil)
        try fixture.admin.run(
            "DROP PUBLICATION martlet_test; CREATE PUBLICATION martlet_test FOR TABLE a, b")
        #expect(refusal(again) == .positionGap)
        try fixture.admin.run("DROP PUBLICATION martlet_test")
        #expect(refusal(again) == .unfitSchema)
        try fixture.source.dropSlot(fixture.capture)
        #expect(refusal(again) == .slotMissing)
    }

    @Test("The first unseen entries are what one snapshot sees and the later one does not")
    func unseenIDs() throws {
        let early = try #require(Visibility(parsing: "10:20:12,15"))
        let late = try #require(Visibility(parsing: "8:18:8,12,16,17"))
        #expect(early.seen(butNotIn: late).map(\.rawValue) == [8, 16, 17, 18, 19])
        let all = try #require(Visibility(parsing: "30:30:"))
        #expect(early.seen(butNotIn: all).isEmpty)
    }

    @Test("Messages are emitted, positions move, a dead connection is replaced")
    func questions() throws {
        let fixture = try SourceFixture(Self.tables)
        _ = try fixture.source.createCapture(fixture.capture, tables: Self.names)
        let before = try fixture.source.report(fixture.capture, applied: nil)
        _ = try fixture.source.mark("it's one")
        try fixture.admin.query(
            """
            SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
            WHERE datname = current_database() AND pid <> pg_backend_pid()
              AND application_name LIKE 'martlet source%'
            """, [])
        _ = try fixture.source.mark("two")
        #expect(try fixture.source.report(fixture.capture, applied: nil).position > before.position)
        #expect(abs(Double(before.now) / 1e6 - Date().timeIntervalSince1970) < 60)
        let messages = try fixture.admin.query(
            """
            SELECT count(*) FROM pg_logical_slot_peek_binary_changes($1, NULL, NULL,
              'proto_version', '1', 'publication_names', 'martlet_test', 'messages', 'true')
            WHERE get_byte(data, 0) = ascii('M')
            """, [fixture.capture.slot])
        #expect(messages.integer(0, 0) == 2)
        let identity = try fixture.source.identity()
        #expect(identity.database == fixture.database.name && identity.timeline >= 1)
        #expect(identity == (try fixture.source.identity()))
    }
}

/// A session that another thread ends.
private final class Held: @unchecked Sendable {
    // Used by the test's thread before, by the callback's once.
    private let connection: PGConnection
    let pid: Int32

    init(_ connection: PGConnection) {
        self.connection = connection
        pid = connection.backendPID
    }

    func commit() { _ = try? connection.run("COMMIT") }
}
