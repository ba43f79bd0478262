import ReplicationEngine
import ReplicationModel
import Testing

@testable import SQLiteConnector

/// Changes of rows that a chunk may have or not (DESIGN 6.6).
@Suite("Applying changes that a chunk may contain already")
struct IdempotentTests {
    static let table = route(
        "t", [Column("id", .int32), Column("k", .int32), Column("big", .text)], unique: [["k"]])
    private static let upsert = ChangeAction(.insertNew, clearing: .new)
    private static let remove = ChangeAction(.nothing, clearing: .old)

    private func file() throws -> TargetFile {
        let file = try TargetFile([Self.table])
        try file.load((1...5).map { "\($0)\t\($0)0\tB\($0)\n" }.joined(), Self.table)
        return file
    }

    @Test("Rows that are there and rows that are not end alike")
    func eitherWay() throws {
        let file = try file()
        let changes = batch {
            $0.transaction {
                $0.insert(["1", "11", "put"])
                $0.insert(["10", "12", "put"])
                $0.update(["11", "13", "set"])
                $0.delete(["2", nil, nil])
                $0.delete(["20", nil, nil])
                $0.update(["3", "14", .unchanged])
                $0.update(["30", "15", .unchanged])
                $0.update(["4", "16", "moved"], old: ["40", nil, nil])
                $0.update(["5", "17", .unchanged], old: ["10", nil, nil])
                $0.insert(["5", "18", "strict"])
                $0.delete(["11", nil, nil])
            }
        }
        try file.apply(
            changes, [Self.table],
            actions: [
                Self.upsert, Self.upsert, Self.upsert, Self.remove, Self.remove,
                ChangeAction(.updateIfThere), ChangeAction(.updateIfThere),
                ChangeAction(.insertNew, clearing: .both),
                ChangeAction(.nothing, clearing: .both), .whole, .whole,
            ])
        #expect(
            try file.quoted("t", ["id", "k", "big"]) == [
                "1|11|'put'", "3|14|'B3'", "4|16|'moved'", "5|18|'strict'",
            ])
    }

    @Test("A move out of a strict row keeps its value over a row that may be there")
    func moveOver() throws {
        let file = try file()
        let over = ChangeAction(.whole, clearing: .new)
        try file.apply(
            batch {
                $0.transaction {
                    $0.update(["2", "91", .unchanged], old: ["1", nil, nil])
                    $0.update(["9", "93", .unchanged], old: ["3", nil, nil])
                }
            }, [Self.table], actions: [over, over])
        #expect(
            try file.quoted("t", ["id", "k", "big"]) == [
                "2|91|'B1'", "4|40|'B4'", "5|50|'B5'", "9|93|'B3'",
            ])
    }

    @Test("A row that is parked for its unique value is cleared where it is")
    func parked() throws {
        let file = try file()
        try file.apply(
            batch {
                $0.transaction {
                    // Row 1 is parked: row 2 has its value until the next change.
                    $0.update(["1", "20", .unchanged])
                    $0.insert(["1", "60", "again"])
                    $0.update(["2", "10", .unchanged])
                }
            }, [Self.table], actions: [.whole, Self.upsert, .whole])
        #expect(try file.quoted("t", ["id", "k", "big"]).prefix(2) == ["1|60|'again'", "2|10|'B2'"])
    }

    @Test("What is strict in an action stays strict")
    func strict() throws {
        let file = try file()
        let move = batch {
            $0.transaction { $0.update(["1", "70", "y"], old: ["8", nil, nil]) }
        }
        let missing = failure {
            try file.apply(move, [Self.table], actions: [ChangeAction(.whole, clearing: .new)])
        }
        #expect(missing?.kind == .rowMissing)
        let taken = failure {
            try file.apply(move, [Self.table], actions: [ChangeAction(.insertNew, clearing: .old)])
        }
        #expect(taken?.kind == .rowConflict)
    }
}
