import Foundation
import PostgreSQLConnector
import ReplicationEngine
import ReplicationModel
import Testing

/// A server of the test's own, because it is stopped or its settings are changed.
final class PrivateServer {
    let directory: String
    let port = Int.random(in: 56_000...59_000)

    init(_ settings: [String] = []) throws {
        directory = "/tmp/martlet-server-" + UUID().uuidString.prefix(8)
        try shell(
            "install -d -o postgres -m 755 \(directory)",
            asPostgres("initdb -D \(directory)/data -A trust -U postgres -N"))
        let all = ["wal_level=logical", "fsync=off", "max_wal_size=64MB"] + settings
        let options = all.map { "-c " + $0 }.joined(separator: " ")
        try shell(
            asPostgres(
                "pg_ctl -w -D \(directory)/data -l \(directory)/data/log "
                    + "-o \"-p \(port) -h '' -k \(directory) \(options)\" start"))
    }

    deinit {
        try? shell(asPostgres("pg_ctl -w -D \(directory)/data -m immediate stop || true"))
        try? FileManager.default.removeItem(atPath: directory)
    }

    var url: String { "postgres://postgres@/postgres?host=\(directory)&port=\(port)" }

    func connect() throws -> PGConnection {
        try PGConnection(url: url, password: nil, label: "test", purpose: .source)
    }

    func open(_ start: LogPosition) throws -> PGLogReader {
        try PGLogReader(
            url: url, password: nil, capture: CaptureNames(slot: "s", publication: "p"),
            start: start,
            spoolDirectory: directory + "/spool", spoolMax: 1 << 20, memoryShare: 1 << 20,
            senderTimeoutMilliseconds: 60_000)
    }

    func makeSlot() throws -> LogPosition {
        let connection = try connect()
        try connection.run(
            "CREATE TABLE public.t(a int PRIMARY KEY); CREATE PUBLICATION p FOR ALL TABLES")
        let slot = try connection.run(
            "SELECT lsn FROM pg_create_logical_replication_slot('s', 'pgoutput')")
        return try #require(slot.text(0, 0).flatMap { LogPosition(parsing: $0) })
    }

    func asPostgres(_ command: String) -> String {
        "PATH=/usr/lib/postgresql/15/bin:$PATH "
            + "setpriv --reuid postgres --regid postgres --clear-groups "
            + command
    }

    func shell(_ commands: String...) throws {
        for command in commands {
            let process = Process()
            // `waitUntilExit` waits for a descriptor that a server started here would inherit.
            let close =
                "for f in /proc/$$/fd/*; do n=${f##*/}; [ $n -le 2 ] || eval \"exec $n>&-\"; done"
            process.executableURL = URL(filePath: "/bin/bash")
            process.arguments = ["-c", "\(close); cd /tmp && { \(command); } >/dev/null 2>&1"]
            try process.run()
            process.waitUntilExit()
            try #require(process.terminationStatus == 0, "\(command)")
        }
    }
}

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
        let began = Date()
        try server.shell(
            server.asPostgres("pg_ctl -w -t 20 -D \(server.directory)/data -m fast stop"))
        #expect(Date().timeIntervalSince(began) < 10)
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
