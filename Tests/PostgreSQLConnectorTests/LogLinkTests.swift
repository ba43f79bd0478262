import Foundation
import PostgreSQLConnector
import ReplicationEngine
import ReplicationModel
import Testing

@Suite("The link to the log", .serialized) struct LogLinkTests {
    private static let table = "CREATE TABLE t(id int PRIMARY KEY, a text)"

    private func kind(_ body: () throws -> Void) -> ReplicationError.Kind? {
        do { try body() } catch { return (error as? ReplicationError)?.kind }
        return nil
    }

    @Test(
        "P21: a consumer that takes nothing for longer than the timeout keeps the link",
        arguments: TestDatabase.servers)
    func slowConsumer(server: String) throws {
        let lab = try LogLab(on: server, Self.table)
        let reader = try lab.open(memoryShare: 1, timeout: 3000)
        for part in 0..<4 {
            try lab.run(
                """
                INSERT INTO t SELECT i, repeat('x', 300)
                FROM generate_series(\(part * 1000 + 1), \(part * 1000 + 1000)) i
                """)
        }
        Thread.sleep(forTimeInterval: 5)
        #expect(try lab.read(reader).map(\.lines.count) == [1000, 1000, 1000, 1000])
        let timeout = try lab.connection.query(
            "SELECT active FROM pg_replication_slots WHERE slot_name = $1", [lab.names.slot])
        #expect(timeout.boolean(0, 0))
    }

    @Test("P17: the server's question is answered at once", arguments: TestDatabase.servers)
    func question(server: String) throws {
        let lab = try LogLab(on: server, Self.table)
        // It asks after half the time and ends the link after all of it. No status update that
        // nobody asked for comes before.
        let reader = try lab.open(timeout: 3000, statusSeconds: 60)
        Thread.sleep(forTimeInterval: 4)
        try lab.run("INSERT INTO t VALUES (1, 'x')")
        #expect(try lab.lines(reader) == [["I t[1,x]"]])
    }

    @Test(
        "P22: a slot in use is waited for, then named with its pid", arguments: TestDatabase.servers
    )
    func activeSlot(server: String) throws {
        let lab = try LogLab(on: server, Self.table)
        var first: PGLogReader? = try lab.open()
        let pid = try lab.connection.query(
            "SELECT active_pid FROM pg_replication_slots WHERE slot_name = $1", [lab.names.slot])
        let number = try #require(pid.text(0, 0))
        do {
            _ = try lab.open()
            Issue.record("a second reader was let in")
        } catch let error as ReplicationError {
            #expect(error.kind == .slotActive)
            #expect(error.remedy?.contains("pg_terminate_backend(\(number))") == true)
        }
        _ = try first?.next(timeout: 0)
        first = nil
        #expect(throws: Never.self) { try lab.open() }
    }

    @Test(
        "A slot that is not there, a publication that is not there", arguments: TestDatabase.servers
    )
    func missing(server: String) throws {
        let lab = try LogLab(on: server, Self.table)
        try lab.run("DROP PUBLICATION p")
        #expect(kind { _ = try lab.open() } == .unfitSchema)
        try lab.run(
            "CREATE PUBLICATION p FOR ALL TABLES",
            "SELECT pg_drop_replication_slot('\(lab.names.slot)')")
        #expect(kind { _ = try lab.open() } == .slotMissing)
    }

    @Test("P33: a publication dropped on the way stops the reader", arguments: TestDatabase.servers)
    func droppedPublication(server: String) throws {
        let lab = try LogLab(on: server, Self.table)
        let reader = try lab.open()
        try lab.run(
            "INSERT INTO t VALUES (1, 'x')", "DROP PUBLICATION p", "INSERT INTO t VALUES (2, 'x')")
        let found = kind {
            let deadline = Date().addingTimeInterval(10)
            while deadline.timeIntervalSinceNow > 0 { _ = try reader.next(timeout: 1) }
        }
        #expect(found == .unfitSchema)
    }

    @Test(
        "A link that is cut ends the reader with .connectionLost, after what it had",
        arguments: TestDatabase.servers)
    func cutLink(server: String) throws {
        let lab = try LogLab(on: server, Self.table)
        let reader = try lab.open()
        try lab.run("INSERT INTO t VALUES (1, 'x')")
        #expect(try lab.lines(reader) == [["I t[1,x]"]])
        try lab.connection.query(
            """
            SELECT pg_terminate_backend(active_pid)
            FROM pg_replication_slots WHERE slot_name = $1
            """,
            [lab.names.slot])
        let found = kind { for _ in 0..<100 { _ = try reader.next(timeout: 0.1) } }
        #expect(found == .connectionLost)
    }

    @Test(
        "After close, what was received is delivered and its confirmation arrives",
        arguments: TestDatabase.servers)
    func closing(server: String) throws {
        let lab = try LogLab(on: server, Self.table)
        let reader = try lab.open()
        try lab.run("INSERT INTO t VALUES (1, 'x')")
        try lab.wait("it is received") { reader.received > lab.start }
        let all = try lab.read(reader, confirming: false)
        reader.close()
        let began = Date()
        while try reader.next(timeout: 60) != nil {}
        // It ends; it is not waited for.
        #expect(Date().timeIntervalSince(began) < 50)
        let end = try #require(all.last?.mark.endPosition)
        reader.confirm(end)
        try lab.wait("the confirmation arrives") { try lab.confirmed == end }
    }

    @Test("A row reaches a waiting consumer at once")
    func latency() throws {
        let lab = try LogLab(on: "pg17", Self.table)
        // Nothing but the row wakes the thread, and nothing but the batch the consumer.
        let reader = try lab.open(timeout: 0, statusSeconds: 600)
        _ = try lab.read(reader)
        for index in 0..<20 {
            try lab.run("INSERT INTO t VALUES (\(index), 'x')")
            _ = try #require(try reader.next(timeout: 60))
        }
    }

    @Test("IDENTIFY_SYSTEM names the system", arguments: TestDatabase.servers)
    func identification(server: String) throws {
        let database = try TestDatabase(on: server)
        let answer = try SystemIdentification(on: try database.connect(.replication))
        let control = try database.connect().run(
            "SELECT system_identifier FROM pg_control_system()")
        #expect(answer.systemIdentifier == control.text(0, 0))
        #expect(answer.database == database.name)
        #expect(answer.timeline == 1)
        #expect(answer.flushed > .zero)
    }
}
