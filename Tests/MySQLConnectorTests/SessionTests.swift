import Foundation
import ReplicationModel
import Testing

@testable import MySQLConnector

@Suite("A session with MySQL or MariaDB")
struct SessionTests {
    @Test("knows what it talks to without a version number (B29a)", arguments: TestServer.all)
    func flavour(_ server: String) throws {
        let connection = try TestServer.administrator(server)
        #expect(connection.flavour == (server == "mysql97" ? .mysql : .mariadb))
        #expect(connection.facts.isOn("log_bin"))
        #expect(connection.facts.variable("binlog_row_metadata") == "FULL")
        #expect(connection.sessionID > 0)
    }

    @Test("fixes its settings and reads them back", arguments: TestServer.all)
    func settings(_ server: String) throws {
        let database = try TestServer(on: server)
        let connection = try database.connect(.target)
        let found = try connection.query(
            "SELECT @@time_zone, @@autocommit, @@character_set_results, CAST('0' AS SIGNED)")
        #expect(found.rows == [["+00:00", "1", "utf8mb4", "0"]])
    }

    @Test("counts rows found, not rows changed (A29)", arguments: TestServer.all)
    func foundRows(_ server: String) throws {
        let database = try TestServer(on: server)
        let connection = try database.connect(.target)
        try connection.run("CREATE TEMPORARY TABLE t (id INT PRIMARY KEY, v INT)")
        #expect(try connection.run("INSERT INTO t VALUES (1, 1), (2, 2)").affectedRows == 2)
        #expect(try connection.run("UPDATE t SET v = 1 WHERE id = 1").affectedRows == 1)
        #expect(try connection.run("UPDATE t SET v = 1 WHERE id = 9").affectedRows == 0)
    }

    @Test("takes one statement at a time", arguments: TestServer.all)
    func oneStatement(_ server: String) throws {
        let database = try TestServer(on: server)
        let connection = try database.connect()
        let error = #expect(throws: MySQLError.Server.self) {
            try connection.run("SELECT 1; SELECT 2")
        }
        #expect(error?.code == 1064)
        #expect(try connection.query("SELECT 3").rows == [["3"]])
    }

    @Test("streams rows, NULL apart from empty and bytes as they are", arguments: TestServer.all)
    func rows(_ server: String) throws {
        let database = try TestServer(on: server)
        let connection = try database.connect()
        var found: [[[UInt8]?]] = []
        let count = try connection.stream("SELECT NULL, '', x'00FF27', 'ä'") { row in
            found.append((0..<row.count).map { row[$0].map(Array.init) })
        }
        #expect(count == 1)
        #expect(found == [[nil, [], [0, 255, 0x27], [0xC3, 0xA4]]])
    }

    @Test("gives up an answer whose reader fails", arguments: TestServer.all)
    func brokenReader(_ server: String) throws {
        struct Enough: Error {}
        let database = try TestServer(on: server)
        let connection = try database.connect()
        #expect(throws: Enough.self) {
            try connection.stream(
                "SELECT 1 FROM information_schema.columns a, information_schema.columns b"
            ) { _ in throw Enough() }
        }
        #expect(!connection.isAlive)
        let error = #expect(throws: ReplicationError.self) { try connection.run("SELECT 1") }
        #expect(error?.kind == .connectionLost)
    }

    @Test(
        "can be interrupted from another thread", .timeLimit(.minutes(1)), arguments: TestServer.all
    )
    func interrupt(_ server: String) throws {
        let database = try TestServer(on: server)
        nonisolated(unsafe) let connection = try database.connect()
        let other = Thread {
            Thread.sleep(forTimeInterval: 0.2)
            connection.interrupt()
        }
        other.start()
        let error = #expect(throws: ReplicationError.self) {
            try connection.query("SELECT SLEEP(40)")
        }
        #expect(error?.kind == .connectionLost)
        #expect(!connection.isAlive)
    }

    @Test("is lost when the server ends it", arguments: TestServer.all)
    func killed(_ server: String) throws {
        let database = try TestServer(on: server)
        let connection = try database.connect()
        try database.connect().run("KILL \(connection.sessionID)")
        let error = #expect(throws: ReplicationError.self) { try connection.run("SELECT 1") }
        #expect(error?.kind == .connectionLost)
    }

    @Test("writes names and literals that come back as they went", arguments: TestServer.all)
    func literals(_ server: String) throws {
        let database = try TestServer(on: server)
        let connection = try database.connect()
        let text = "it's \\ \"q\" `b` ä🐦 \n\u{0}%_"
        #expect(try connection.query("SELECT \(SQLText.literal(text))").text(0, 0) == text)
        let bytes = try connection.query("SELECT HEX(\(SQLText.literal(bytes: Array(text.utf8))))")
        #expect(bytes.text(0, 0) == text.utf8.map { String(format: "%02X", $0) }.joined())
        try connection.run("CREATE TEMPORARY TABLE \(SQLText.name("a`b")) (x INT)")
    }
}

@Suite("Errors of MySQL and MariaDB")
struct SessionErrorTests {
    /// Statements that fail, and what they are to the pipeline.
    static let cases: [(String, ReplicationError.Kind)] = [
        ("INSERT INTO t VALUES (777777, 1)", .rowConflict),
        ("INSERT INTO t VALUES (2, NULL)", .rowConflict),
        ("INSERT INTO t VALUES (99999999999, 1)", .invalidValue),
        ("INSERT INTO c VALUES (1, 5)", .rowConflict),
        ("SELECT * FROM missing", .unfitSchema),
        ("SELECT nothing FROM t", .unfitSchema),
        ("SET SESSION no_such_setting = 1", .unfitSetting),
        ("SELEC 777777", .unfitSchema),
        ("SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'secret 777777'", .internalFault),
    ]

    @Test("have the kind that decides, and show no value (I9)", arguments: TestServer.all)
    func kinds(_ server: String) throws {
        let database = try TestServer(on: server)
        let connection = try database.connect(.target)
        try connection.run("CREATE TABLE t (id INT PRIMARY KEY, v INT NOT NULL)")
        try connection.run(
            "CREATE TABLE c (id INT PRIMARY KEY, t INT, FOREIGN KEY (t) REFERENCES t (id))")
        try connection.run("INSERT INTO t VALUES (1, 1), (777777, 1)")
        for (sql, kind) in Self.cases {
            let error = #expect(throws: MySQLError.Server.self) { try connection.run(sql) }
            let mapped = error?.replicationError()
            #expect(mapped?.kind == kind, "\(sql)")
            #expect(mapped?.why.contains("777777") != true, "\(sql)")
            #expect(mapped?.why.contains("secret") != true, "\(sql)")
        }
    }

    @Test("tell a deadlock from a wait that took too long", arguments: TestServer.all)
    func locks(_ server: String) throws {
        let database = try TestServer(on: server)
        let one = try database.connect(.target)
        let two = try database.connect(.target)
        try one.run("CREATE TABLE t (id INT PRIMARY KEY, v INT)")
        try one.run("INSERT INTO t VALUES (1, 1)")
        try two.run("SET SESSION innodb_lock_wait_timeout = 1")
        try one.run("BEGIN")
        try one.run("UPDATE t SET v = 2")
        #expect(one.isInTransaction)
        let error = #expect(throws: MySQLError.Server.self) { try two.run("UPDATE t SET v = 3") }
        #expect(error?.replicationError().kind == .serverBusy)
        #expect(MySQLError.kind(of: 1213, sqlState: "40001") == .deadlock)
    }
}

@Suite("LOAD DATA LOCAL")
struct LocalInfileTests {
    private static let load = "LOAD DATA LOCAL INFILE 'martlet' INTO TABLE t"

    @Test("takes rows from us", arguments: TestServer.all)
    func load(_ server: String) throws {
        let database = try TestServer(on: server)
        let connection = try database.connect(.target)
        try connection.run("CREATE TABLE t (id INT PRIMARY KEY, v VARCHAR(20))")
        var rows = (1...5000).map { "\($0)\tvalue \($0)\n" }.joined().utf8[...]
        let outcome = try connection.load(Self.load) { buffer in
            let part = rows.prefix(buffer.count)
            buffer.copyBytes(from: part)
            rows = rows.dropFirst(part.count)
            return part.count
        }
        #expect(outcome.affectedRows == 5000)
        #expect(outcome.warnings == 0)
        #expect(try connection.query("SELECT SUM(id) FROM t").rows == [["12502500"]])
    }

    @Test("that is cut off leaves nothing behind", arguments: TestServer.all)
    func cutOff(_ server: String) throws {
        struct Broken: Error {}
        let database = try TestServer(on: server)
        let connection = try database.connect(.target)
        try connection.run("CREATE TABLE t (id INT PRIMARY KEY)")
        var isFirst = true
        #expect(throws: Broken.self) {
            try connection.load(Self.load) { buffer in
                guard isFirst else { throw Broken() }
                isFirst = false
                buffer.copyBytes(from: "1\n2\n".utf8)
                return 4
            }
        }
        #expect(!connection.isAlive)
        let other = try database.connect()
        let deadline = Date().addingTimeInterval(10)
        while try other.query(
            "SELECT 1 FROM information_schema.processlist WHERE id = \(connection.sessionID)"
        ).rowCount > 0, Date() < deadline { Thread.sleep(forTimeInterval: 0.02) }
        #expect(try other.query("SELECT COUNT(*) FROM t").rows == [["0"]])
    }

    @Test("never sends a file that the server asks for", arguments: TestServer.all)
    func foreignFile(_ server: String) throws {
        let database = try TestServer(on: server)
        let connection = try database.connect(.target)
        try connection.run("CREATE TABLE t (line TEXT)")
        for name in ["/etc/passwd", "martlet"] {
            guard connection.isAlive else { continue }
            let error = #expect(throws: ReplicationError.self) {
                try connection.run("LOAD DATA LOCAL INFILE '\(name)' INTO TABLE t")
            }
            #expect(error?.kind == .protocolViolation)
        }
    }
}

@Suite("The way in")
struct LoginTests {
    @Test("over TLS as libpq names it", arguments: TestServer.all)
    func tls(_ server: String) throws {
        let database = try TestServer(on: server)
        let user = try database.makeUser(grants: ["SELECT ON \(database.name).*"])
        func cipher(_ parameters: String) throws -> String? {
            let shown = "SHOW SESSION STATUS LIKE 'Ssl_cipher'"
            return try database.connect(tcp: user, parameters).query(shown).text(0, 1)
        }
        let tls = TestServer.lab + "/tls"
        #expect(try cipher("")?.isEmpty == false)
        #expect(try cipher("sslmode=require")?.isEmpty == false)
        #expect(try cipher("sslmode=verify-full&sslrootcert=\(tls)/ca.crt")?.isEmpty == false)
        #expect(try cipher("sslmode=verify-ca&sslrootcert=\(tls)/ca.crt")?.isEmpty == false)
        #expect(try cipher("sslmode=disable&get-server-public-key=true") == "")
        for mode in ["verify-ca", "verify-full", "require"] {
            let error = #expect(throws: ReplicationError.self) {
                try cipher("sslmode=\(mode)&sslrootcert=\(tls)/wrong-ca.crt")
            }
            #expect(error?.kind == .authentication)
        }
    }

    @Test("shows no password to a server that nobody vouches for")
    func blindPassword() throws {
        let database = try TestServer(on: "mysql97")
        let user = try database.makeUser()
        let error = #expect(throws: ReplicationError.self) {
            try database.connect(tcp: user, "sslmode=disable")
        }
        #expect(error?.kind == .authentication)
        #expect(error?.remedy?.contains("get-server-public-key") == true)
    }

    @Test("says what is wrong, and no password", arguments: TestServer.all)
    func refused(_ server: String) throws {
        let database = try TestServer(on: server)
        let user = try database.makeUser()
        let error = #expect(throws: ReplicationError.self) {
            try database.connect(tcp: user, "", password: "hunter2")
        }
        #expect(error?.kind == .authentication)
        #expect(error.map { "\($0)".contains("hunter2") } == false)
        let unreachable = #expect(throws: ReplicationError.self) {
            try MySQLConnection(
                url: "mysql://x@127.0.0.1:1/", password: nil, label: "test", purpose: .source)
        }
        #expect(unreachable?.kind == .unreachable)
    }

    @Test("is read from a URL")
    func address() throws {
        let address = try ServerAddress(
            parsing: "mysql://a%40b@[::1]:3307/my%20db?socket=/s&sslmode=verify-ca&sslkey=k")
        #expect(address.user == "a@b")
        #expect(address.host == "::1")
        #expect(address.port == 3307)
        #expect(address.database == "my db")
        #expect(address.socket == "/s")
        #expect(address.tls == .verifyCA)
        #expect(address.key == "k")
        #expect(try ServerAddress(parsing: "mysql://").place == "localhost:3306")
    }

    @Test(
        "is refused when it is not understood",
        arguments: ["mysql://h?sslmod=x", "mysql://h?sslmode=x", "mysql://h:x", "mysql://a,b/"])
    func malformed(_ url: String) {
        let error = #expect(throws: ReplicationError.self) { try ServerAddress(parsing: url) }
        #expect(error?.kind == .configuration)
    }

    @Test("finds user and password in an option file")
    func optionFile() {
        let file = OptionFile(
            parsing: """
                # of the clients
                [client]
                user = one
                password = "p # 'w"
                [mysqld]
                user = nobody
                [martlet]
                user=two # ours
                """)
        #expect(file == OptionFile(parsing: "[client]\nuser=two\npassword=\"p # 'w\""))
        #expect(file.user == "two")
    }
}
