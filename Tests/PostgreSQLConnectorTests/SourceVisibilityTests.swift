import Foundation
import PostgreSQLConnector
import ReplicationEngine
import ReplicationModel
import Synchronization
import Testing

/// A server of the test's own: what it needs (a synchronous standby that never answers) would stop
/// every other test on a shared one.
private final class OwnServer {
    private static let programs = "/usr/lib/postgresql/15/bin"
    private let folder = "/tmp/martlet-own-" + UUID().uuidString.lowercased().prefix(8)

    init() throws {
        try Self.shell(
            """
            install -d -o postgres \(folder) && cd \(folder) && (runuser -u postgres -- sh -c '
            \(Self.programs)/initdb -D data -A trust -N -E UTF8 && \
            \(Self.programs)/pg_ctl -D data -w \
            -l log -o "-c listen_addresses= -k \(folder) -c wal_level=logical -c fsync=off" start')
            """)
    }

    deinit {
        _ = try? Self.shell(
            "(cd /tmp && runuser -u postgres -- "
                + "\(Self.programs)/pg_ctl -D \(folder)/data -m immediate stop;"
                + " rm -rf \(folder))")
    }

    var url: String { "postgres://postgres@/postgres?host=\(folder)&port=5432" }

    func connect() throws -> PGConnection {
        try PGConnection(url: url, password: nil, label: "test", purpose: .source)
    }

    private static func shell(_ command: String) throws {
        // Foundation's Process would wait for the server too: it inherits what is waited on.
        guard system(command + " >/dev/null 2>&1") == 0 else {
            throw ReplicationError(.internalFault, "run a server for a test", why: command)
        }
    }
}

/// Sessions that the callback of a slot's creation drives; used by one thread at a time.
private final class Sessions: @unchecked Sendable {
    let server: OwnServer
    let first, second, third, watch: PGConnection
    var hungXID: UInt64 = 0
    let isDone = Atomic<Bool>(false)
    var step = 0

    init(_ server: OwnServer) throws {
        self.server = server
        first = try server.connect()
        second = try server.connect()
        third = try server.connect()
        watch = try server.connect()
    }

    static func open(_ session: PGConnection, _ id: Int) throws -> UInt64 {
        try session.run("BEGIN; SET LOCAL synchronous_commit = local")
        try session.run("INSERT INTO public.t VALUES (\(id))")
        return UInt64(try session.run("SELECT pg_current_xact_id()").text(0, 0) ?? "") ?? 0
    }

    /// The slot waits for the first session, then, of the second state of its creation, for the
    /// second; the third begins after that and hangs in its commit, out in the log.
    func advance() throws {
        step += 1
        if step == 1 {
            _ = try Self.open(second, 2)
            try first.run("COMMIT")
        } else if step == 2 {
            hungXID = try Self.open(third, 3)
            try third.run("SET LOCAL synchronous_commit = on")
            WorkerThread.start("hung") { [self] in
                _ = try? third.run("COMMIT")
                isDone.store(true, ordering: .releasing)
            }
            try waitUntilHung()
            try second.run("COMMIT")
        }
    }

    private func waitUntilHung() throws {
        for _ in 0..<200 {
            let event = try watch.query(
                "SELECT wait_event FROM pg_stat_activity WHERE pid = $1", [String(third.backendPID)]
            )
            if event.text(0, 0) == "SyncRep" { return }
            Thread.sleep(forTimeInterval: 0.05)
        }
        throw ReplicationError(.internalFault, "hang a commit", why: "it does not wait")
    }
}

@Suite struct SourceVisibilityTests {
    @Test("P36, DESIGN 6.1: a commit in the exported snapshot that nobody sees yet is unseen")
    func unseen() throws {
        let server = try OwnServer()
        let admin = try server.connect()
        try admin.run("CREATE TABLE public.t (id int PRIMARY KEY)")
        try admin.run("ALTER SYSTEM SET synchronous_standby_names = 'nobody'")
        try admin.run("SELECT pg_reload_conf()")
        try admin.run("SET synchronous_commit = local; SELECT pg_sleep(0.3)")
        let sessions = try Sessions(server)
        _ = try Sessions.open(sessions.first, 1)
        let source = SourceFixture.source(server.url) { _ in try? sessions.advance() }
        let table = TableName(schema: "public", name: "t")
        let capture = CaptureNames(slot: "own", publication: "own")
        let start = try source.createCapture(capture, tables: [table])
        #expect(sessions.step == 2)
        let isHung = !sessions.isDone.load(ordering: .acquiring)
        #expect(isHung)
        #expect(start.unseen.map(\.rawValue) == [sessions.hungXID])

        // A chunk read now does not see the row, and its snapshot says so.
        let route = SourceFixture.route(try source.describe([table])[0])
        let reader = try source.openReader(label: "chunk")
        let chunk = try reader.begin(route)
        let snapshot = try #require(chunk.visibility)
        #expect(start.unseen.allSatisfy { !snapshot.sees($0) })
        var rows = Rows()
        _ = try reader.copy(route, .everything, format: .copyText) { rows.take($0) }
        #expect(rows.lines.sorted() == ["1", "2"])
        try reader.finish()

        try admin.query("SELECT pg_cancel_backend($1::int)", [String(sessions.third.backendPID)])
        for _ in 0..<200 where !sessions.isDone.load(ordering: .acquiring) {
            Thread.sleep(forTimeInterval: 0.05)
        }
        guard case .visibility(let now) = try source.currentSnapshot() else {
            Issue.record("a primary tells visibility")
            return
        }
        #expect(start.unseen.allSatisfy(now.sees))
    }
}
