import ReplicationEngine
import ReplicationModel
import Testing

@testable import SQLiteConnector

@Suite("P11: Unique values that move between rows")
struct UniqueSwapTests {
    static let table = route(
        "t",
        [Column("id", .int32), Column("k", .int32, isNullable: false), Column("a", .text)],
        unique: [["k"]])

    private func file(_ rows: String) throws -> TargetFile {
        let file = try TargetFile([Self.table])
        try file.load(rows, Self.table)
        return file
    }

    @Test("Two rows swap a NOT NULL unique value; unchanged values stay")
    func swap() throws {
        let file = try file("1\t1\tone\n2\t2\ttwo\n")
        try file.apply(
            batch {
                $0.transaction {
                    $0.update(["1", "2", .unchanged])
                    $0.update(["2", "1", .unchanged])
                }
            }, [Self.table])
        #expect(try file.quoted("t", ["id", "k", "a"]) == ["1|2|'one'", "2|1|'two'"])
    }

    @Test("A cycle of three, with rows changed again while they are parked")
    func cycle() throws {
        let file = try file("1\t1\ta\n2\t2\tb\n3\t3\tc\n4\t4\td\n")
        try file.apply(
            batch {
                $0.transaction {
                    $0.update(["1", "2", "x"])
                    $0.update(["2", "3", "y"])
                    $0.update(["3", "1", "z"])
                    $0.update(["1", .unchanged, "xx"])
                    $0.update(["9", "2", .unchanged], old: ["1", nil, nil])
                    $0.delete(["2", nil, nil])
                    $0.insert(["2", "4", "insert parked"])
                    $0.update(["4", "3", "d"])
                }
                $0.transaction { $0.insert(["5", "5", "next"]) }
            }, [Self.table])
        #expect(
            try file.quoted("t", ["id", "k", "a"]) == [
                "2|4|'insert parked'", "3|1|'z'", "4|3|'d'", "5|5|'next'", "9|2|'xx'",
            ])
    }

    @Test("All rows move up by one, in a transaction that comes in several parts")
    func parts() throws {
        let file = try file((1...200).map { "\($0)\t\($0)\tv\n" }.joined())
        let applier = try file.target.openApplier([Self.table], label: "test")
        defer { applier.close() }
        var counts = [ChangeCounts()]
        try applier.begin()
        for part in 0..<4 {
            var changes = batch {
                $0.transaction { builder in
                    for id in (part * 50 + 1)...(part * 50 + 50) {
                        builder.update([.text("\(id)"), .text("\(id + 1)"), .unchanged])
                    }
                }
            }
            changes.transactions[0].isFirstPart = part == 0
            changes.transactions[0].isLastPart = part == 3
            try applier.apply(changes, range: 0..<50, actions: nil, routes: [0], counts: &counts)
        }
        try applier.commit(nil, durable: true)
        #expect(counts[0].updates == 200)
        #expect(try file.rows("SELECT count(*) FROM t WHERE k = id + 1 AND a = 'v'") == ["200"])
    }

    @Test("A conflict that is there at the transaction's end still fails, at that transaction")
    func realConflict() throws {
        let file = try file("1\t1\ta\n2\t2\tb\n")
        let changes = batch {
            $0.transaction { $0.update(["1", "7", "a"]) }
            $0.transaction { $0.update(["1", "2", "a"]) }
            $0.transaction { $0.update(["2", "1", "b"]) }
        }
        let error = failure { try file.apply(changes, [Self.table]) }
        #expect(error?.kind == .rowConflict)
        #expect(error?.position == LogPosition(rawValue: 0x200))
        #expect(try file.quoted("t", ["id", "k"]) == ["1|1", "2|2"])
    }

    @Test("A key that is taken fails at once, also while rows are parked")
    func keyTaken() throws {
        let file = try file("1\t1\ta\n2\t2\tb\n3\t3\tc\n")
        let cases: [(inout BatchBuilder) -> Void] = [
            { $0.insert(["1", "9", "x"]) },
            { $0.insert(["2", "9", "x"]) },
            { $0.update(["1", "9", "x"], old: ["3", nil, nil]) },
            { $0.update(["2", "9", "x"], old: ["1", nil, nil]) },
        ]
        for change in cases {
            let changes = batch {
                $0.transaction {
                    $0.update(["1", "2", "parked"])
                    change(&$0)
                    $0.delete(["1", nil, nil])
                    $0.delete(["2", nil, nil])
                }
            }
            #expect(failure { try file.apply(changes, [Self.table]) }?.kind == .rowConflict)
        }
        #expect(try file.quoted("t", ["id", "k"]) == ["1|1", "2|2", "3|3"])
    }

    @Test("TRUNCATE and rollback forget parked rows")
    func forgotten() throws {
        let file = try file("1\t1\ta\n2\t2\tb\n")
        let applier = try file.target.openApplier([Self.table], label: "test")
        defer { applier.close() }
        var counts = [ChangeCounts()]
        let park = batch { $0.transaction { $0.update(["1", "2", "a"]) } }
        for _ in 0..<2 {
            try applier.begin()
            #expect(throws: ReplicationError.self) {
                try applier.apply(park, range: 0..<1, actions: nil, routes: [0], counts: &counts)
            }
            applier.rollback()
        }
        try applier.begin()
        let truncate = batch {
            $0.transaction {
                $0.update(["1", "2", "a"])
                $0.truncate()
                $0.insert(["1", "2", "new"])
            }
        }
        try applier.apply(truncate, range: 0..<3, actions: nil, routes: [0], counts: &counts)
        try applier.commit(nil, durable: true)
        #expect(try file.quoted("t", ["id", "k", "a"]) == ["1|2|'new'"])
    }

    @Test("A swap in a table without key")
    func keyless() throws {
        let route = route(
            "t", [Column("k", .int32), Column("a", .text)], key: [], unique: [["k"]])
        let file = try TargetFile([route])
        try file.load("1\ta\n2\tb\n", route)
        try file.apply(
            batch {
                $0.transaction {
                    $0.update(["2", "a"], old: ["1", "a"], whole: true)
                    $0.update(["1", "b"], old: ["2", "b"], whole: true)
                }
            }, [route])
        #expect(try file.quoted("t", ["k", "a"]) == ["1|'b'", "2|'a'"])
    }

    @Test("Columns that no value travels for survive parking")
    func foreignColumns() throws {
        let file = try TargetFile()
        try file.elsewhere(
            """
            CREATE TABLE t (id INTEGER PRIMARY KEY, k INTEGER NOT NULL UNIQUE, a TEXT,
                own TEXT DEFAULT 'own', g INTEGER GENERATED ALWAYS AS (k * 2) STORED);
            INSERT INTO t (id, k, own) VALUES (1, 1, 'mine'), (2, 2, 'yours')
            """)
        try file.apply(
            batch {
                $0.transaction {
                    $0.update(["1", "2", nil])
                    $0.update(["2", "1", nil])
                }
            }, [Self.table])
        #expect(
            try file.quoted("t", ["id", "k", "own", "g"]) == ["1|2|'mine'|4", "2|1|'yours'|2"])
    }
}
