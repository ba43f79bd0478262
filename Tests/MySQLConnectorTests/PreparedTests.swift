import Foundation
import ReplicationEngine
import ReplicationModel
import Testing

@testable import MySQLConnector

/// XA transactions at the real servers (B20): a session that prepares, and a log that is read, left
/// and read again as a run does it.
@Suite("XA transactions")
struct PreparedTests {
    /// A server that lost or replaced what the target has would be passed over for ever.
    @Test("B20: what is applied is passed over, by GTIDs")
    func passed() throws {
        func set(_ text: String) throws -> GTIDSet { try #require(GTIDSet(parsing: text)) }
        func pass(_ groups: inout PassedGroups, _ text: String) throws -> Bool {
            try groups.pass(#require(GTID(parsing: text)))
        }
        let (applied, start) = (try set("0-1-5,1-1-2"), try set("0-1-3,1-1-2"))
        var groups = PassedGroups(applied: applied, start: start)
        #expect(try pass(&groups, "0-1-4"))
        #expect(try groups.before == set("0-1-3,1-1-2"))
        #expect(try !pass(&groups, "1-1-3"))
        #expect(try pass(&groups, "0-1-5"))
        #expect(try !pass(&groups, "0-2-6"))
        #expect(try groups.before == set("0-1-5,1-1-3"))
        for other in ["0-2-5", "0-1-6"] {
            groups = PassedGroups(applied: applied, start: start)
            #expect(throws: MalformedEvent.lost(.mariadb(domain: 0, server: 1, number: 5))) {
                try pass(&groups, other)
            }
        }
        let server = "3e11fa47-71ca-11e1-9e33-c80aa9429562"
        groups = PassedGroups(
            applied: try set("\(server):1-7:9"), start: try set("\(server):1-5"))
        #expect(
            try (6...10).map { try pass(&groups, "\(server):\($0)") } == [
                true, true, false, true, false,
            ])
    }

    private static let capture = CaptureNames(slot: "", publication: "")

    /// Table `t (id, v)` with a reader of its log, and what a checkpoint would say.
    private final class Lab {
        let database: TestServer
        let connection: MySQLConnection
        let source: MySQLSource
        var place: LogPlace
        var log: any ChangeSource
        /// By the session that prepared it: MariaDB's can do nothing else before the end.
        private var open: [String: MySQLConnection] = [:]

        init(_ server: String) throws {
            database = try TestServer(on: server)
            connection = try database.connect(.target)
            source = database.source
            try connection.run("CREATE TABLE t (id INT PRIMARY KEY, v TEXT)")
            try connection.run("INSERT INTO t VALUES (0, 'before')")
            place = try source.createCapture(capture, tables: []).place
            log = try Self.open(source, database, place)
        }

        /// A transaction that is left prepared would stop the loads of every other test.
        deinit { for (name, session) in open { _ = try? session.run("XA ROLLBACK \(xid(name))") } }

        private static func open(_ source: MySQLSource, _ database: TestServer, _ place: LogPlace)
            throws -> any ChangeSource
        {
            try source.openLog(capture, routes: [database.route("t")], from: place)
        }

        func xid(_ name: String) -> String { "'\(database.name)', '\(name)'" }

        func prepare(_ name: String, _ statements: String...) throws {
            let session = try database.connect(.target)
            try session.run("XA START \(xid(name))")
            for statement in statements { try session.run(statement) }
            try session.run("XA END \(xid(name))")
            try session.run("XA PREPARE \(xid(name))")
            open[name] = session
        }

        func end(_ word: String, _ name: String) throws {
            try open.removeValue(forKey: name)?.run("XA \(word) \(xid(name))")
        }

        /// The new rows of everything up to the log's end.
        func rows() throws -> [String] {
            guard case .position(let end, _) = try source.mark("") else { return [] }
            var rows: [String] = []
            let deadline = Date().addingTimeInterval(30)
            while place.position < end {
                guard Date() < deadline else {
                    Issue.record("the log does not come to its end")
                    break
                }
                guard let batch = try log.next(timeout: 0.5) else { continue }
                rows += batch.changes.compactMap { batch.row($0) }
                for mark in batch.transactions {
                    #expect(mark.endPosition >= place.position)
                    (place.position, place.readFrom) = (mark.endPosition, mark.readFrom)
                    if let gtid = mark.gtid { place.gtids?.insert(gtid) }
                }
            }
            return rows
        }

        /// As a run that goes on from its checkpoint.
        func restart() throws {
            log.close()
            place = try source.resume(capture, known: source.identity(), from: place)
            log = try Self.open(source, database, place)
        }
    }

    @Test(
        "B20: brings what was prepared with its commit, also after restarts",
        arguments: TestServer.all)
    func restarts(_ server: String) throws {
        let lab = try Lab(server)
        for id in 1...3 {
            try lab.prepare(
                "\(id)", "INSERT INTO t VALUES (\(id), 'prepared')",
                "UPDATE t SET id = id + 10, v = 'moved' WHERE id = \(id)")
            try lab.connection.run("INSERT INTO t VALUES (\(id + 90), 'between')")
        }
        #expect(try lab.rows() == ["91 between", "92 between", "93 between"])
        #expect(lab.place.readFrom != nil)
        try lab.restart()
        try lab.end("COMMIT", "2")
        #expect(try lab.rows() == ["2 prepared", "12 moved"])
        try lab.restart()
        try lab.end("ROLLBACK", "3")
        try lab.connection.run("INSERT INTO t VALUES (94, 'behind')")
        #expect(try lab.rows() == ["94 behind"])
        try lab.restart()
        try lab.end("COMMIT", "1")
        #expect(try lab.rows() == ["1 prepared", "11 moved"])
        #expect(lab.place.readFrom == nil)
        try lab.restart()
        #expect(try lab.rows() == [])
    }

    @Test("B20: one phase, none at all, a name that is used again", arguments: TestServer.all)
    func forms(_ server: String) throws {
        let lab = try Lab(server)
        try lab.connection.run("XA START \(lab.xid("a"))")
        try lab.connection.run("INSERT INTO t VALUES (1, 'one phase')")
        try lab.connection.run("XA END \(lab.xid("a"))")
        try lab.connection.run("XA COMMIT \(lab.xid("a")) ONE PHASE")
        try lab.connection.run("XA START \(lab.xid("b"))")
        try lab.connection.run("INSERT INTO t VALUES (2, 'never')")
        try lab.connection.run("XA END \(lab.xid("b"))")
        try lab.connection.run("XA ROLLBACK \(lab.xid("b"))")
        for round in 3...4 {
            try lab.prepare("c", "INSERT INTO t VALUES (\(round), 'again')")
            try lab.end("COMMIT", "c")
        }
        try lab.prepare("d", "INSERT INTO t VALUES (5, 'rolled back')")
        try lab.end("ROLLBACK", "d")
        #expect(try lab.rows() == ["1 one phase", "3 again", "4 again"])
        #expect(lab.place.readFrom == nil)
    }

    /// The load's start lies behind the prepare, what it reads does not.
    @Test("B20: prepared before the start, ended behind it", arguments: TestServer.all)
    func earlier(_ server: String) throws {
        let lab = try Lab(server)
        let early = lab.place
        try lab.prepare("a", "INSERT INTO t VALUES (1, 'early')")
        try lab.connection.run("INSERT INTO t VALUES (2, 'applied')")
        _ = try lab.rows()
        // What `createCapture` gives while the transaction is open.
        lab.place.readFrom = early.gtids
        try lab.restart()
        try lab.end("COMMIT", "a")
        #expect(try lab.rows() == ["1 early"])
    }

    @Test("B20: a start waits for what is prepared, and says so", arguments: TestServer.all)
    func waits(_ server: String) throws {
        let lab = try Lab(server)
        try lab.prepare("a", "INSERT INTO t VALUES (1, 'x')")
        #expect {
            try PreparedAtServer.waitUntilEnded(lab.connection, seconds: 0.1)
        } throws: { error in
            let error = error as? ReplicationError
            return error?.kind == .serverBusy && error?.why.contains("did not end") == true
        }
        try lab.end("COMMIT", "a")
        #expect(throws: Never.self) { try PreparedAtServer.waitUntilEnded(lab.connection) }
    }
}

extension ChangeBatch {
    /// `id v` of the new row.
    fileprivate func row(_ change: Change) -> String? {
        guard change.newRow >= 0 else { return nil }
        return tables[Int(change.table)].columns.indices
            .map { text(of: values[Int(change.newRow) + $0]) ?? "NULL" }.joined(separator: " ")
    }
}
