import Foundation
import PostgreSQLConnector
import ReplicationEngine
import ReplicationModel
import Synchronization
import Testing

/// Sessions that the callback of a slot's creation drives; used by one thread at a time.
private final class Sessions: @unchecked Sendable {
    let server: PrivateServer
    let first, second, third, watch: PGConnection
    var hungXID: UInt64 = 0
    let isDone = Atomic<Bool>(false)
    var step = 0

    init(_ server: PrivateServer) throws {
        self.server = server
        first = try server.connect()
        second = try server.connect()
        third = try server.connect()
        watch = try server.connect()
    }

    static func open(_ session: PGConnection, _ id: Int) throws -> UInt64 {
        try session.run("BEGIN")
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
        // Whoever asks for it waits for a standby that never comes.
        let server = try PrivateServer([
            "synchronous_standby_names=nobody", "synchronous_commit=local",
        ])
        let admin = try server.connect()
        try admin.run("CREATE TABLE public.t (id int PRIMARY KEY)")
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
