import Foundation
import PostgreSQLConnector
import ReplicationEngine
import ReplicationModel
import Testing

@Suite("Positions of the log", .serialized) struct LogPositionTests {
    private static let table = "CREATE TABLE t(id int PRIMARY KEY, a text)"

    @Test(
        "P12, P13: transactions come in commit order; the next byte is confirmed",
        arguments: TestDatabase.servers)
    func commitOrder(server: String) throws {
        let lab = try LogLab(on: server, Self.table)
        let reader = try lab.open()
        let other = try lab.connect()
        try lab.run("BEGIN", "INSERT INTO t VALUES (1, 'first')")
        try other.run("BEGIN; INSERT INTO t VALUES (2, 'second')")
        try lab.run("INSERT INTO t VALUES (3, 'first')")
        try other.run("COMMIT")
        try lab.run("COMMIT")
        let all = try lab.read(reader, confirming: false)
        #expect(all.map(\.lines) == [["I t[2,second]"], ["I t[1,first]", "I t[3,first]"]])
        #expect(all[1].mark.xid < all[0].mark.xid)
        #expect(try lab.confirmed == lab.start)
        reader.confirm(all[0].mark.endPosition)
        try lab.wait("the confirmation arrives") { try lab.confirmed == all[0].mark.endPosition }
    }

    @Test(
        "P14, I2: nothing is confirmed but what the consumer confirmed",
        arguments: TestDatabase.servers)
    func confirmsNothingByItself(server: String) throws {
        let lab = try LogLab(on: server, Self.table)
        let reader = try lab.open()
        try lab.run("INSERT INTO t VALUES (1, 'x')")
        let all = try lab.read(reader, confirming: false)
        // Two status updates at least.
        Thread.sleep(forTimeInterval: 2.2)
        #expect(try lab.confirmed == lab.start)
        #expect(all.count == 1)
    }

    @Test("P15: the slot of an idle database moves", arguments: TestDatabase.servers)
    func idleSlot(server: String) throws {
        let lab = try LogLab(on: server, Self.table)
        let reader = try lab.open()
        let elsewhere = try TestDatabase(on: server)
        try elsewhere.connect().run(
            "CREATE TABLE public.w(a int); INSERT INTO public.w SELECT generate_series(1, 10000)")
        let goal = try lab.connection.run("SELECT pg_current_wal_lsn()").text(0, 0)
        let position = try #require(goal.flatMap { LogPosition(parsing: $0) })
        try lab.wait("the slot moves") {
            if let mark = try reader.next(timeout: 0.1)?.transactions.last {
                #expect(mark.xid == 0 && mark.changes.isEmpty)
                reader.confirm(mark.endPosition)
            }
            return try lab.confirmed >= position
        }
        try lab.run("INSERT INTO t VALUES (1, 'x')")
        #expect(try lab.lines(reader) == [["I t[1,x]"]])
    }

    @Test("P16: no position is offered while a streamed transaction is open")
    func openStream() throws {
        let lab = try LogLab(on: "pg17", streaming: true, Self.table)
        let reader = try lab.open()
        try lab.run(
            "BEGIN", "INSERT INTO t SELECT i, repeat('x', 300) FROM generate_series(1, 1000) i")
        try lab.wait("the stream begins") { lab.spoolFiles.count == 1 }
        let elsewhere = try TestDatabase(on: "pg17")
        try elsewhere.connect().run(
            "CREATE TABLE public.w(a int); INSERT INTO public.w SELECT generate_series(1, 10000)")
        #expect(try reader.next(timeout: 3) == nil)
        try lab.run("COMMIT")
        #expect(try lab.read(reader).map(\.lines.count) == [1000])
    }

    @Test(
        "P18: what ends at or before the start is not delivered again",
        arguments: TestDatabase.servers)
    func resume(server: String) throws {
        let lab = try LogLab(on: server, streaming: true, Self.table)
        try lab.run(
            "INSERT INTO t VALUES (1, 'x')",
            "INSERT INTO t SELECT i, repeat('x', 300) FROM generate_series(10, 600) i",
            "INSERT INTO t VALUES (2, 'y')")
        var reader: PGLogReader? = try lab.open()
        let first = try lab.read(try #require(reader), confirming: false)
        #expect(first.map(\.lines.count) == [1, 591, 1])
        reader = nil
        // The slot did not move; the target has applied two of them.
        #expect(try lab.confirmed == lab.start)
        let again = try lab.open(from: first[1].mark.endPosition)
        let second = try lab.read(again)
        #expect(second.map(\.lines) == [["I t[2,y]"], ["M fence 1"]])
        #expect(second.first?.mark.commitPosition == first[2].mark.commitPosition)
    }

    @Test("P19: a slot ahead of the target is refused", arguments: TestDatabase.servers)
    func gap(server: String) throws {
        let lab = try LogLab(on: server, Self.table)
        try lab.run(
            "INSERT INTO t VALUES (1, 'x')",
            "SELECT pg_replication_slot_advance('\(lab.names.slot)', pg_current_wal_lsn())")
        do {
            _ = try lab.open()
            Issue.record("the gap was not seen")
        } catch let error as ReplicationError {
            #expect(error.kind == .positionGap)
        }
        let confirmed = try lab.confirmed
        #expect(throws: Never.self) { _ = try lab.open(from: confirmed) }
    }

    @Test(
        "P25: transactions without rows move the position and bring nothing",
        arguments: TestDatabase.servers)
    func emptyTransactions(server: String) throws {
        let lab = try LogLab(on: server, Self.table)
        let reader = try lab.open()
        for index in 0..<20 { try lab.run("CREATE TABLE e\(index)(a int)") }
        _ = try lab.read(reader)
        let end = try #require(lab.connection.run("SELECT pg_current_wal_lsn()").text(0, 0))
        let position = try #require(LogPosition(parsing: end))
        try lab.wait("the position is confirmed") { try lab.confirmed >= position }
    }

    @Test("P31: messages of ours in their transactions, no others", arguments: TestDatabase.servers)
    func messages(server: String) throws {
        let lab = try LogLab(on: server, Self.table)
        let reader = try lab.open()
        try lab.run(
            "BEGIN; SELECT pg_logical_emit_message(false, 'martlet', 'early'); ROLLBACK",
            "SELECT pg_logical_emit_message(true, 'other', 'theirs')",
            """
            BEGIN; SELECT pg_logical_emit_message(true, 'martlet', 'one');
            INSERT INTO t VALUES (1, 'x'); SELECT pg_logical_emit_message(false, 'martlet', 'now');
            SELECT pg_logical_emit_message(true, 'martlet', 'two'); COMMIT
            """,
            """
            BEGIN; SAVEPOINT a; SELECT pg_logical_emit_message(true, 'martlet', 'gone');
            ROLLBACK TO a; COMMIT
            """,
            "SELECT pg_logical_emit_message(true, 'martlet', 'ä')")
        #expect(try lab.lines(reader) == [["I t[1,x]", "M one", "M two"], ["M ä"]])
    }

    @Test(
        "I3: a transaction larger than a batch comes in parts that hold nothing else",
        arguments: TestDatabase.servers)
    func parts(server: String) throws {
        let lab = try LogLab(on: server, Self.table)
        try lab.run(
            """
            INSERT INTO t VALUES (0, 'before');
            SELECT pg_logical_emit_message(true, 'martlet', 'm')
            """,
            """
            BEGIN; SELECT pg_logical_emit_message(true, 'martlet', 'inside');
            INSERT INTO t SELECT i, repeat('x', 300) FROM generate_series(1, 1000) i; COMMIT
            """,
            "INSERT INTO t VALUES (2000, 'after')")
        let reader = try lab.open(memoryShare: 1)
        let all = try lab.read(reader)
        #expect(all.map(\.lines.count) == [2, 1001, 1])
        #expect(all[1].parts >= 4)
        #expect(all[1].lines.contains("M inside"))
        #expect(all[0].lines == ["I t[0,before]", "M m"])
        #expect(all[2].lines == ["I t[2000,after]"])
    }
}
