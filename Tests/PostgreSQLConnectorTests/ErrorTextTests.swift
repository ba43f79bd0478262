import ReplicationModel
import Testing

@testable import PostgreSQLConnector

@Suite("What PostgreSQL's errors say") struct ErrorTextTests {
    private static let value = "top-secret-value"

    /// The statement's own text is cut after four words: the value must come later.
    private static let failing = [
        "SELECT * FROM (SELECT '\(value)'::integer) AS q",
        "SELECT * FROM (SELECT '\(value)'::date) AS q",
        "SELECT * FROM (SELECT '{\"a\": \(value)}'::json) AS q",
        "DO $$ BEGIN RAISE 'row %', '\(value)'; END $$",
    ]

    @Test("I9: a data exception keeps its SQLSTATE and loses its words", arguments: failing)
    func quoted(sql: String) throws {
        let database = try TestDatabase()
        let connection = try database.connect()
        let server = try #require(throws: PGError.Server.self) { try connection.run(sql) }
        // What is tested: the server does quote the value.
        #expect(server.message.contains(Self.value) || sql.contains("json"))
        let told = server.replicationError()
        #expect(!told.description.contains(Self.value))
        #expect(told.why.contains("SQLSTATE \(server.sqlState)"))
    }

    @Test("I9: the column and table of a refused row are named, its values are not")
    func named() throws {
        let database = try TestDatabase()
        let connection = try database.connect()
        try connection.run("CREATE TABLE public.t (c text NOT NULL)")
        let error = try #require(throws: PGError.Server.self) {
            try connection.run("INSERT INTO public.t VALUES (NULL)")
        }
        let told = error.replicationError()
        #expect(told.table == TableName(schema: "public", name: "t") && told.column == "c")
        #expect(told.why.contains("not-null"))
    }

    private static let answers = [
        (#"at "db" failed: FATAL:  password authentication failed for user "a""#, true),
        (#"at "db" failed: FATAL:  no pg_hba.conf entry for host "::1", user "a""#, true),
        (#"FATAL:  database "x" does not exist"#, true),
        (#"FATAL:  role "a" is not permitted to log in"#, true),
        ("fe_sendauth: no password supplied", true),
        ("SSL error: certificate verify failed", true),
        (#"at "db", port 5432 failed: Operation not permitted"#, false),
        (#"could not translate host name "password-certificate" to address"#, false),
        (#"at "db", port 5432 failed: Connection refused"#, false),
        ("FATAL:  the database system is starting up", false),
    ]

    @Test("A server that answers and refuses is told from one that cannot be reached")
    func refusals() {
        for (message, isRefusal) in Self.answers {
            #expect(PGError.isRefusal(message) == isRefusal, "\(message)")
        }
    }

    @Test("Interrupting a lost connection leaves alone what has its descriptor now")
    func interruptLost() throws {
        let database = try TestDatabase()
        let admin = try database.connect()
        let lost = try database.connect()
        try admin.query("SELECT pg_terminate_backend($1::int)", [String(lost.backendPID)])
        #expect(throws: (any Error).self) { try lost.run("SELECT 1") }
        let others = try (0..<8).map { _ in try database.connect() }
        lost.interrupt()
        for other in others { try other.run("SELECT 1") }
    }

    @Test("Interrupting ends a call that is blocked")
    func interruptBlocked() async throws {
        let database = try TestDatabase()
        let connection = try Unchecked(connection: database.connect())
        let blocked = Task.detached { _ = try connection.connection.run("SELECT pg_sleep(60)") }
        try await Task.sleep(for: .milliseconds(200))
        connection.connection.interrupt()
        await #expect(throws: ReplicationError.self) { try await blocked.value }
    }

    /// `interrupt` may come from any thread.
    private struct Unchecked: @unchecked Sendable { let connection: PGConnection }

    @Test("A failed connection to several addresses is told in one line")
    func oneLine() throws {
        let error = try #require(throws: ReplicationError.self) {
            try PGConnection(
                url: "postgres://nobody@127.0.0.1:1,127.0.0.2:1/none", password: nil, label: "test",
                purpose: .source)
        }
        #expect(error.kind == .unreachable)
        #expect(error.why.contains("127.0.0.1") && error.why.contains("127.0.0.2"))
        #expect(error.description.split(separator: "\n").count <= 4)
    }
}
