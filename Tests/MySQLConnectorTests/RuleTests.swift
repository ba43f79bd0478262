import ReplicationModel
import Testing

@testable import MySQLConnector

/// Single rules, with events that are made here.
@Suite("Rules of the binlog")
struct RuleTests {
    private static func query(
        _ text: String, schema: String = "db", status: [UInt8] = []
    ) -> [UInt8] {
        Event.little(1, 4) + Event.little(0, 4) + [UInt8(schema.utf8.count)] + Event.little(0, 2)
            + Event.little(UInt64(status.count), 2) + status + Array(schema.utf8) + [0]
            + Array(text.utf8)
    }

    /// A description of MySQL's without checksums.
    private static let description =
        Recording.event(
            .formatDescription,
            Event.little(4, 2) + Array("8.0.99".utf8) + Array(repeating: 0, count: 44)
                + Event.little(0, 4) + [19] + Array(repeating: 0, count: 41) + [0, 0, 0, 0, 0])

    private func feed(_ events: [[UInt8]]) throws -> ChangeBatch {
        var feeder = Feeder()
        try feeder.feed(Recording.rotation())
        try feeder.feed(Self.description)
        for event in events { try feeder.feed(event) }
        return feeder.finish()[0]
    }

    private func statement(_ text: String) -> [UInt8] {
        Recording.event(.query, Self.query(text))
    }

    private let begin = Recording.event(.query, RuleTests.query("BEGIN"))
    private let xid = Recording.event(.xid, Event.little(9, 8))

    @Test(
        "B01: a change logged as a statement is refused by its first word, without its text",
        arguments: [
            "INSERT INTO t VALUES (1, 'secret')", "update t set v = 'secret'",
            "/* x */ DELETE FROM t",
            "REPLACE t VALUES ('secret')", "LOAD DATA INFILE 'secret' INTO TABLE t",
            "SET STATEMENT max_statement_time=1 FOR INSERT INTO t VALUES ('secret')",
            "CREATE TABLE t AS SELECT 'secret'", "/*!50003 INSERT INTO t VALUES ('secret')*/",
        ])
    func statementBased(_ text: String) throws {
        do {
            _ = try feed([begin, statement(text)])
            Issue.record("not refused")
        } catch let error as MalformedEvent {
            let text = error.replicationError(at: EventPlace()).description
            #expect(text.contains("logged as a statement"))
            #expect(!text.contains("secret"))
        }
    }

    @Test(
        "B40: what the first words of a statement mean",
        arguments: [
            ("DROP /*!40005 TEMPORARY */ TABLE IF EXISTS `t`", StatementKind.other(.harmless)),
            ("DROP TABLE `TEMPORARY`", .other(.definition)),
            ("CREATE TEMPORARY TABLE t (a int)", .other(.harmless)),
            ("CREATE OR REPLACE TABLE t (a int)", .other(.definition)),
            ("CREATE TABLE `select` (a int COMMENT 'select')", .other(.definition)),
            (
                "CREATE DEFINER=`table`@`%` TRIGGER x BEFORE INSERT ON t FOR EACH ROW SET @a = 1",
                .other(.harmless)
            ),
            ("create unique index i on t (a)", .other(.definition)),
            ("DROP DATABASE d", .other(.definition)), ("CREATE DATABASE d", .other(.harmless)),
            ("RENAME TABLE a TO b", .other(.definition)), ("RENAME USER a TO b", .other(.harmless)),
            ("TRUNCATE t", .other(.definition)), ("GRANT ALL ON *.* TO u", .other(.harmless)),
            ("SET PASSWORD FOR u = 'x'", .other(.harmless)), ("SET GLOBAL x = 1", .other(.unknown)),
            ("CREATE SEQUENCE s", .other(.unknown)), ("FROBNICATE", .other(.unknown)),
            ("SAVEPOINT `a``b`", .savepoint("a`b")), ("ROLLBACK TO SAVEPOINT x", .rollbackTo("x")),
            ("ROLLBACK TO `s p`", .rollbackTo("s p")), ("RELEASE SAVEPOINT x", .release("x")),
            ("ROLLBACK", .rollback), ("commit", .commit), ("SAVEPOINT xa", .savepoint("xa")),
            ("XA START X'61',X'',1", .xa("START", xid: "X'61',X'',1")),
            ("START TRANSACTION", .begin),
            ("-- insert\nALTER TABLE t ADD a int", .other(.definition)),
        ])
    func kinds(_ text: String, _ kind: StatementKind) {
        #expect(StatementKind(text) == kind)
    }

    @Test("B44: the text of a statement is in the client's character set")
    func clientCharacterSet() throws {
        // Flags, sql_mode, catalogue, then the client's collation: latin1_swedish_ci.
        let status: [UInt8] =
            [0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 6, 3, 0x73, 0x74, 0x64, 4, 8, 0, 8, 0, 8, 0]
        let body = Self.query("CREATE TABLE caf", status: status) + [0xE9] + Array(" (a int)".utf8)
        let batch = try feed([Recording.event(.query, body)])
        #expect(batch.statements.map(\.text) == ["CREATE TABLE café (a int)"])
        #expect(batch.statements.map(\.schema) == ["db"])
    }

    @Test("I5: an unknown event is an error, unless it may be ignored")
    func unknownEvent() throws {
        var unknown = Recording.event(.xid, [1, 2, 3])
        unknown[4] = 99
        #expect(throws: MalformedEvent.unknownEvent) { _ = try feed([unknown]) }
        unknown[17] = 0x80
        #expect(try feed([unknown]).changes.isEmpty)
    }

    @Test("Events at the wrong place are errors")
    func outOfPlace() {
        #expect(throws: MalformedEvent.outOfPlace) { _ = try feed([xid]) }
        #expect(throws: MalformedEvent.outOfPlace) { _ = try feed([begin, begin]) }
        #expect(throws: MalformedEvent.outOfPlace) { _ = try feed([statement("COMMIT")]) }
        #expect(throws: MalformedEvent.outOfPlace) {
            _ = try feed([begin, Recording.rotation("binlog.000002")])
        }
        let rows = Event.little(5, 6) + Event.little(1, 2) + Event.little(2, 2) + [1, 1]
        #expect(throws: MalformedEvent.unknownTable(5)) {
            _ = try feed([begin, Recording.event(.writeRows, rows)])
        }
        let dummy = Event.little(0xFF_FFFF, 6) + Event.little(1, 2) + Event.little(2, 2) + [0]
        #expect(throws: Never.self) {
            _ = try feed([begin, Recording.event(.writeRows, dummy), xid])
        }
    }

    @Test("B05, B27: what is refused by name")
    func refused() {
        #expect(throws: MalformedEvent.partialJSON) {
            _ = try feed([begin, Recording.event(.partialUpdateRows, [])])
        }
        #expect(throws: MalformedEvent.incident(number: 1, message: "lost")) {
            _ = try feed([Recording.event(.incident, [1, 0, 4] + Array("lost".utf8))])
        }
    }

    @Test("B20: a commit of what was prepared before the log was read stops")
    func preparedEarlier() throws {
        #expect(throws: MalformedEvent.notPrepared("XA COMMIT X'61',X'',1")) {
            _ = try feed([statement("XA COMMIT X'61',X'',1")])
        }
        #expect(try feed([statement("XA ROLLBACK X'61',X'',1")]).changes.isEmpty)
        #expect(throws: MalformedEvent.prepared("XA FORGET")) {
            _ = try feed([statement("XA FORGET X'61',X'',1")])
        }
    }

    @Test("B11: made-up events do not move the position; the next file does")
    func madeUp() throws {
        var feeder = Feeder()
        try feeder.feed(Recording.rotation("binlog.000009", offset: 500))
        try feeder.feed(Self.description)
        try feeder.feed(Recording.event(.heartbeat, Array("binlog.000009".utf8), next: 500))
        #expect(feeder.decoder.offset == 500 && feeder.decoder.file == 9)
        let next = Event.little(4, 8) + Array("binlog.000010".utf8)
        try feeder.feed(Recording.event(.rotate, next, next: 540))
        let mark = try #require(feeder.finish()[0].transactions.first)
        #expect(mark.commitPosition == LogPosition(file: 9, offset: 500))
        #expect(mark.endPosition == LogPosition(file: 10, offset: 4))
    }

    @Test("A jump back is an error, a jump forward is what the server passed over")
    func jumps() throws {
        var feeder = Feeder()
        try feeder.feed(Recording.rotation(offset: 1_000))
        try feeder.feed(Self.description)
        let stop = Recording.event(.stop, [], next: 5_000)
        try feeder.feed(stop)
        #expect(feeder.decoder.offset == 5_000)
        #expect(throws: MalformedEvent.position(expected: 5_019, said: 4_000)) {
            try feeder.feed(Recording.event(.stop, [], next: 4_000))
        }
    }

    @Test(
        "Floats are printed as PostgreSQL prints them",
        arguments: [
            (1e15, "1e+15"), (0.1, "0.1"), (1e14, "100000000000000"), (-0.0, "-0"), (0, "0"),
            (1e-5, "1e-05"), (0.0001, "0.0001"), (1.5e300, "1.5e+300"),
            (Double.leastNonzeroMagnitude, "5e-324"),
            (123456789.125, "123456789.125"), (9_007_199_254_740_992, "9.007199254740992e+15"),
        ])
    func floats(_ value: Double, _ text: String) throws {
        var row = RowText()
        try Event.little(value.bitPattern, 8).withUnsafeBytes { bytes in
            var reader = EventReader(bytes)
            try row.double(&reader)
        }
        #expect(String(decoding: row.bytes, as: UTF8.self) == text)
    }

    @Test("Days of the calendar")
    func calendar() {
        var expected = (1970, 1, 1)
        let lengths = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
        for day in 0..<60_000 {
            let date = CivilDate(daysSince1970: day)
            #expect((date.year, date.month, date.day) == expected)
            let isLeap =
                expected.0 % 4 == 0 && (expected.0 % 100 != 0 || expected.0 % 400 == 0)
            let length = lengths[expected.1 - 1] + (expected.1 == 2 && isLeap ? 1 : 0)
            expected.2 += 1
            if expected.2 > length { expected = (expected.0, expected.1 + 1, 1) }
            if expected.1 > 12 { expected = (expected.0 + 1, 1, 1) }
        }
    }
}
