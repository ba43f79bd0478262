import ReplicationEngine
import ReplicationModel
import Testing

@testable import PostgreSQLConnector

@Suite("B33: Rows at PostgreSQL that a foreign key finds")
struct KeySearchTests {
    @Test("Keys come in pages, as the source writes them")
    func keys() throws {
        let fixture = try ApplyFixture()
        try fixture.connection.run(
            """
            CREATE SCHEMA s; CREATE SCHEMA d;
            CREATE TABLE s.t (id bytea, n text, a int, b numeric(20), PRIMARY KEY (id, n));
            CREATE TABLE d.t (LIKE s.t INCLUDING ALL);
            INSERT INTO d.t VALUES ('\\x01', 'one', 7, 1), ('\\x01', 'it''s', 7, 2),
            ('\\xff', 'c', 8, 18446744073709551615), ('\\x02', 'd', NULL, 1)
            """)
        let route = try fixture.route("t", from: "s", to: "d", key: ["id", "n"])
        let applier = try PGApplier(
            connection: try fixture.database.connect(.target), fence: fixture.fence,
            routes: [route])
        func found(_ columns: [Int], _ values: [[String]], after: [String]? = nil, limit: Int = 9)
            throws -> [[String]]
        {
            try applier.keys(
                route: 0, where: columns, among: values.map { $0.map { Array($0.utf8) } },
                after: after.map { Key(texts: $0) }, limit: limit
            ).map(\.texts)
        }
        try applier.begin()
        let both = [["\\x01", "it's"], ["\\x01", "one"]]
        #expect(try found([2], [["7"]]) == both)
        #expect(try found([2], [["7"], ["8"]], limit: 2) == both)
        #expect(try found([2], [["7"], ["8"]], after: both[1], limit: 2) == [["\\xff", "c"]])
        #expect(try found([2, 3], [["7", "2"], ["8", "1"]]) == [both[0]])
        #expect(try found([3], [["18446744073709551615"]]) == [["\\xff", "c"]])
        applier.rollback()
    }
}
