import Foundation
import ReplicationModel
import Testing

@testable import MySQLConnector

@Suite("The transport of a binlog")
struct BinlogSessionTests {
    private static let ownRow = Array("a row of this test".utf8)

    /// Reads until an event with our row comes; the types of the events before it.
    private static func readToRow(_ session: BinlogSession) throws -> [UInt8] {
        var types: [UInt8] = []
        while true {
            let event = try session.next()
            types.append(event[4])
            if event.contains(subsequence: ownRow) { return types }
        }
    }

    private static func insertRow(_ connection: MySQLConnection) throws {
        try connection.run("CREATE TABLE IF NOT EXISTS t (v TEXT)")
        try connection.run("INSERT INTO t VALUES ('a row of this test')")
    }

    @Test("starts after a GTID set (C16)", .timeLimit(.minutes(1)), arguments: TestServer.all)
    func gtidStart(_ server: String) throws {
        let database = try TestServer(on: server)
        let connection = try database.connect()
        try connection.run("CREATE TABLE t (v TEXT)")
        try connection.run("INSERT INTO t VALUES ('before')")
        let end = try LogEnd.start(connection)
        try Self.insertRow(connection)
        let session = try BinlogSession(
            url: database.url, password: nil, start: .gtids(try #require(end.gtids)))
        var isBefore = false
        while true {
            let event = try session.next()
            isBefore = isBefore || event.contains(subsequence: Array("before".utf8))
            if event.contains(subsequence: Self.ownRow) { break }
        }
        #expect(!isBefore)
    }

    @Test(
        "starts at a place of a file and crosses to the next (C01)", .timeLimit(.minutes(1)),
        arguments: TestServer.all)
    func fileStart(_ server: String) throws {
        let database = try TestServer(on: server)
        let connection = try database.connect()
        let end = try LogEnd.start(connection)
        try connection.run("FLUSH BINARY LOGS")
        try Self.insertRow(connection)
        let session = try BinlogSession(
            url: database.url, password: nil, start: .file(end.file, offset: UInt64(end.offset)))
        let types = try Self.readToRow(session)
        // The one that the server makes up for the start, and the file's own at least.
        #expect(types.filter { $0 == 4 }.count >= 2)
        #expect(types.first == 4)
    }

    @Test("shows that an idle server lives", .timeLimit(.minutes(1)), arguments: TestServer.all)
    func heartbeat(_ server: String) throws {
        let database = try TestServer(on: server)
        let end = try LogEnd.start(database.connect())
        let session = try BinlogSession(
            url: database.url, password: nil, start: .gtids(try #require(end.gtids)))
        while try session.next()[4] != 27 {}
    }

    @Test("can be stopped while it waits", .timeLimit(.minutes(1)), arguments: TestServer.all)
    func stop(_ server: String) throws {
        let database = try TestServer(on: server)
        let end = try LogEnd.start(database.connect())
        nonisolated(unsafe) let session = try BinlogSession(
            url: database.url, password: nil, start: .gtids(try #require(end.gtids)))
        let other = Thread {
            Thread.sleep(forTimeInterval: 0.3)
            session.stop()
        }
        other.start()
        let error = #expect(throws: ReplicationError.self) {
            while true { _ = try session.next() }
        }
        #expect(error?.kind == .connectionLost)
    }

    @Test("is refused after what the source does not know (B26)", arguments: TestServer.all)
    func unknownGTID(_ server: String) throws {
        let database = try TestServer(on: server)
        let end = try LogEnd.start(database.connect())
        var set = try #require(end.gtids)
        if server == "mysql97" {
            set.formUnion(try #require(GTIDSet(parsing: "3e11fa47-71ca-11e1-9e33-c80aa9429562:7")))
        } else {
            set = try #require(GTIDSet(parsing: "0-1-999999999"))
        }
        let error = #expect(throws: ReplicationError.self) {
            let session = try BinlogSession(url: database.url, password: nil, start: .gtids(set))
            while true { _ = try session.next() }
        }
        #expect(error?.kind == .positionGap)
    }

    @Test("is refused in a file that is gone (B32)", arguments: TestServer.all)
    func purgedFile(_ server: String) throws {
        let database = try TestServer(on: server)
        let error = #expect(throws: ReplicationError.self) {
            try BinlogSession(
                url: database.url, password: nil, start: .file("binlog.000000", offset: 4))
        }
        #expect(error?.kind == .positionGap)
    }

    @Test(
        "says what to set for an event beyond the largest packet (B28)", arguments: TestServer.all)
    func largeEvent(_ server: String) throws {
        let database = try TestServer(on: server)
        let connection = try database.connect()
        try connection.run("CREATE TABLE t (v BLOB)")
        // From inside a value that is all ones, an event seems to have 4 GB.
        try connection.run("INSERT INTO t VALUES (REPEAT(x'ff', 4000))")
        let end = try LogEnd.start(connection)
        let error = #expect(throws: ReplicationError.self) {
            let session = try BinlogSession(
                url: database.url, password: nil,
                start: .file(end.file, offset: UInt64(end.offset) - 2000))
            while true { _ = try session.next() }
        }
        #expect(error?.kind == .positionGap)
        #expect(error?.remedy?.contains("SET GLOBAL max_allowed_packet = 1073741824") == true)
    }

    @Test("takes a set with tags (B24)", .timeLimit(.minutes(1)))
    func taggedSet() throws {
        let database = try TestServer(on: "mysql97")
        let connection = try database.connect()
        try connection.run("SET SESSION gtid_next = 'AUTOMATIC:martlet_test'")
        try connection.run("CREATE TABLE tagged (v TEXT)")
        try connection.run("SET SESSION gtid_next = 'AUTOMATIC'")
        let end = try LogEnd.start(connection)
        #expect(try #require(end.gtids).lanes.contains { $0.lane.tag == "martlet_test" })
        try Self.insertRow(connection)
        let session = try BinlogSession(
            url: database.url, password: nil, start: .gtids(try #require(end.gtids)))
        #expect(try Self.readToRow(session).filter { $0 == 42 }.isEmpty)
    }

    @Test("needs no more than REPLICATION SLAVE and CLIENT", arguments: TestServer.all)
    func privileges(_ server: String) throws {
        let database = try TestServer(on: server)
        let end = try LogEnd.start(database.connect())
        let grants = [
            server == "mysql97"
                ? "REPLICATION SLAVE, REPLICATION CLIENT ON *.*"
                : "REPLICATION SLAVE, BINLOG MONITOR ON *.*"
        ]
        let user = try database.makeUser(grants: grants)
        let administrator = try database.connect()
        try administrator.run("GRANT SELECT ON \(database.name).* TO '\(user)'@'%'")
        let session = try BinlogSession(
            url: "mysql://\(user)@localhost:\(database.port)/", password: "secret",
            start: .gtids(try #require(end.gtids)))
        _ = try session.next()
        let stranger = try database.makeUser("x")
        let error = #expect(throws: ReplicationError.self) {
            let session = try BinlogSession(
                url: "mysql://\(stranger)@localhost:\(database.port)/", password: "secret",
                start: .gtids(try #require(end.gtids)))
            _ = try session.next()
        }
        #expect(error?.kind == .privilege)
    }
}

extension UnsafeRawBufferPointer {
    fileprivate func contains(subsequence wanted: [UInt8]) -> Bool {
        guard count >= wanted.count else { return false }
        return (0...count - wanted.count).contains { start in
            self[start..<start + wanted.count].elementsEqual(wanted)
        }
    }
}
