import ReplicationEngine
import ReplicationModel
import Testing

@testable import SQLiteConnector

@Suite("B33: Rows in SQLite that a foreign key finds")
struct KeySearchTests {
    private static let table = route(
        "t",
        [
            Column("id", .bytes), Column("n", .text), Column("a", .int32), Column("u", .int32),
        ], key: ["id", "n"], unique: [["u"]])

    @Test("Keys come in pages, as the source writes them; rows parked for a unique value are found")
    func keys() throws {
        let file = try TargetFile([Self.table])
        try file.load(
            "\\\\x01\tone\t7\t1\n\\\\x01\tit's\t7\t2\n\\\\xff\tc\t8\t3\n\\\\x02\td\t\\N\t4\n",
            Self.table)
        let applier = try file.target.openApplier([Self.table], label: "test")
        defer { applier.close() }
        func found(_ values: [String], after: [String]? = nil, limit: Int = 9) throws -> [[String]]
        {
            try applier.keys(
                route: 0, where: [2], among: values.map { [Array($0.utf8)] },
                after: after.map { Key(texts: $0) }, limit: limit
            ).map(\.texts)
        }
        let both = [["\\x01", "it's"], ["\\x01", "one"]]
        try applier.begin()
        #expect(try found(["7"]) == both)
        #expect(try found(["7", "8"], limit: 2) == both)
        #expect(try found(["7", "8"], after: both[1], limit: 2) == [["\\xff", "c"]])
        let parking = batch {
            $0.transaction { $0.update(["\\x01", "one", "7", "2"]) }
        }
        var part = parking
        part.transactions[0].isLastPart = false
        var counts = [ChangeCounts()]
        try applier.apply(part, range: 0..<1, actions: nil, routes: [0], counts: &counts)
        #expect(try found(["7"]) == both)
        applier.rollback()
    }
}
