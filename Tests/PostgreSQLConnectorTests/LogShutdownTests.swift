import Foundation
import PostgreSQLConnector
import ReplicationEngine
import ReplicationModel
import Testing

@Suite("The source stops, or forgets", .serialized) struct LogShutdownTests {
    private func kind(_ body: () throws -> Void) -> ReplicationError.Kind? {
        do { try body() } catch { return (error as? ReplicationError)?.kind }
        return nil
    }

    @Test("P17: a fast shutdown does not wait for an idle reader")
    func fastShutdown() throws {
        let server = try PrivateServer()
        let reader = try server.open(try server.makeSlot())
        try server.connect().run("INSERT INTO public.t VALUES (1)")
        let ended = Ended()
        WorkerThread.start("consumer") {
            do {
                while true {
                    guard let end = try reader.next(timeout: 0.2)?.transactions.last?.endPosition
                    else {
                        continue
                    }
                    reader.confirm(end)
                }
            } catch { ended.set((error as? ReplicationError)?.kind) }
        }
        // A sender that waits for its reader would do so for the 60 s of `open`.
        try server.shell(
            server.asPostgres("pg_ctl -w -t 45 -D \(server.directory)/data -m fast stop"))
        #expect(ended.wait() == .connectionLost)
    }

    @Test("P23: a slot whose log was removed is .slotInvalidated")
    func invalidated() throws {
        let server = try PrivateServer(["max_slot_wal_keep_size=1MB", "min_wal_size=32MB"])
        let start = try server.makeSlot()
        let connection = try server.connect()
        for _ in 0..<4 {
            try connection.run(
                "INSERT INTO public.t SELECT count(*) FROM public.t; SELECT pg_switch_wal()")
            try connection.run("CHECKPOINT")
        }
        let status = try connection.run("SELECT wal_status FROM pg_replication_slots")
        #expect(status.text(0, 0) == "lost")
        #expect(kind { _ = try server.open(start) } == .slotInvalidated)
    }
}

/// How the consumer's thread ended.
private final class Ended: @unchecked Sendable {  // `condition` guards it
    private let condition = NSCondition()
    private var kind: ReplicationError.Kind??

    func set(_ found: ReplicationError.Kind?) {
        condition.lock()
        kind = .some(found)
        condition.broadcast()
        condition.unlock()
    }

    func wait() -> ReplicationError.Kind? {
        condition.lock()
        defer { condition.unlock() }
        let deadline = Date().addingTimeInterval(15)
        while kind == nil, condition.wait(until: deadline) {}
        return kind ?? nil
    }
}
