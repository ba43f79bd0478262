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
