import ReplicationEngine
import ReplicationModel
import Testing

@testable import MySQLConnector

@Suite("B33: Rows at MySQL and MariaDB that a foreign key finds")
struct TargetKeySearchTests {
    private func tuples(_ values: [String]...) -> [[[UInt8]]] {
        values.map { $0.map { Array($0.utf8) } }
    }

    @Test("Keys come in pages, as the source writes them", arguments: TestServer.all)
    func keys(_ server: String) throws {
        let lab = try TargetLab(on: server)
        let route = lab.route(
            "t",
            [
                Column("id", "binary(2)", .bytes, null: false),
                Column("n", "varchar(20)", .text, null: false), Column("a", "integer", .int32),
                Column("b", "varbinary(4)", .bytes),
            ], key: ["id", "n"]
        ) { $0.dialect = .mariadb }
        try lab.make([route])
        let applier = try lab.applier([route])
        try applier.load(
            "\\\\x0001\tone\t7\t\\\\xff\n\\\\x0001\tit's\t7\t\\\\xff\n\\\\x00ff\tc\t8\t\\\\x\n"
                + "\\\\x0002\td\t\\N\t\\\\xff\n")
        func found(_ columns: [Int], _ values: [[[UInt8]]], after: Key? = nil, limit: Int = 9)
            throws -> [[String]]
        {
            try applier.keys(
                route: 0, where: columns, among: values, after: after, limit: limit
            ).map(\.texts)
        }
        #expect(try found([2], tuples(["7"])) == [["\\x0001", "it's"], ["\\x0001", "one"]])
        let first = try found([2], tuples(["7"], ["8"]), limit: 2)
        #expect(first == [["\\x0001", "it's"], ["\\x0001", "one"]])
        let rest = try found([2], tuples(["7"], ["8"]), after: Key(texts: first[1]), limit: 2)
        #expect(rest == [["\\x00ff", "c"]])
        #expect(try found([3], tuples(["\\x"])) == [["\\x00ff", "c"]])
        #expect(try found([2, 3], tuples(["8", "\\x"], ["7", "\\x"])) == [["\\x00ff", "c"]])
    }

    @Test("A time that the log does not repeat stays", arguments: TestServer.all)
    func times(_ server: String) throws {
        let lab = try TargetLab(on: server)
        let route = lab.route(
            "t", [.id, Column("a", "integer", .int32), Column("at", "timestamp", .timestamp)]
        ) { $0.dialect = .mariadb }
        try lab.make([route])
        try lab.connection.run(
            "ALTER TABLE \(lab.server.name).t MODIFY at timestamp NULL ON UPDATE current_timestamp")
        let applier = try lab.applier([route])
        try applier.load("1\t1\t2020-01-01 00:00:00\n")
        var builder = BatchBuilder([route])
        builder.update(["1", nil, BatchBuilder.unchanged])
        builder.commit()
        try applier.run(builder.batch)
        #expect(try lab.rows("t") == ["1|NULL|2020-01-01 00:00:00"])
    }
}
