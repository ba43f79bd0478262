import Foundation
import ReplicationEngine
import ReplicationModel
import Testing

@testable import SQLiteConnector

@Suite("Applier")
struct ApplierTests {
    static let plain = route("t", [Column("id", .int32), Column("a", .text), Column("b", .int32)])

    @Test("Changes are applied in order, and counted")
    func order() throws {
        let file = try TargetFile([Self.plain])
        let counts = try file.apply(
            batch {
                $0.transaction {
                    $0.insert(["1", "x", "1"])
                    $0.update(["1", "y", nil])
                    $0.insert(["2", "z", "2"])
                    $0.delete(["1", nil, nil])
                    $0.insert(["1", "again", "7"])
                }
                $0.transaction { $0.update(["3", "z", "2"], old: ["2", nil, nil]) }
            }, [Self.plain])
        #expect(try file.quoted("t", ["id", "a", "b"]) == ["1|'again'|7", "3|'z'|2"])
        #expect(counts[0].inserts == 3)
        #expect(counts[0].updates == 2)
        #expect(counts[0].deletes == 1)
    }

    @Test("P01, P02: An unchanged value stays, also when the key changes")
    func unchanged() throws {
        let file = try TargetFile([Self.plain])
        try file.apply(
            batch {
                $0.transaction {
                    $0.insert(["1", "large", "1"])
                    $0.update(["1", .unchanged, "2"])
                    $0.update(["5", .unchanged, "3"], old: ["1", nil, nil])
                }
            }, [Self.plain])
        #expect(try file.quoted("t", ["id", "a", "b"]) == ["5|'large'|3"])
    }

    @Test("I5: A missing row and a present key stop with position, table and a way out")
    func strict() throws {
        let file = try TargetFile([Self.plain])
        try file.load("1\tx\t1\n", Self.plain)
        let cases: [(ReplicationError.Kind, (inout BatchBuilder) -> Void)] = [
            (.rowMissing, { $0.update(["9", "x", "1"]) }),
            (.rowMissing, { $0.update(["3", "x", "1"], old: ["9", nil, nil]) }),
            (.rowMissing, { $0.delete(["9", nil, nil]) }),
            (.rowConflict, { $0.insert(["1", "secret", "1"]) }),
        ]
        for (kind, change) in cases {
            let error = failure {
                try file.apply(batch { $0.transaction(change) }, [Self.plain])
            }
            #expect(error?.kind == kind)
            #expect(error?.position == LogPosition(rawValue: 0x100))
            #expect(error?.table == Self.plain.target)
            #expect(error?.remedy?.contains("reload") == true)
            #expect(error?.description.contains("secret") == false)
        }
        #expect(try file.quoted("t", ["id", "a", "b"]) == ["1|'x'|1"])
    }

    @Test("A key moved onto a present key is a conflict")
    func keyOntoKey() throws {
        let file = try TargetFile([Self.plain])
        try file.load("1\tx\t1\n2\ty\t2\n", Self.plain)
        let change = batch { $0.transaction { $0.update(["2", "x", "1"], old: ["1", nil, nil]) } }
        #expect(failure { try file.apply(change, [Self.plain]) }?.kind == .rowConflict)
    }

    @Test("A NULL in an integer key is refused, not numbered by SQLite")
    func nullKey() throws {
        let file = try TargetFile([Self.plain])
        let change = batch { $0.transaction { $0.insert([nil, "x", "1"]) } }
        let error = failure { try file.apply(change, [Self.plain]) }
        #expect(error?.kind == .protocolViolation)
        #expect(error?.column == "id")
        #expect(failure { try file.load("\\N\tx\t1\n", Self.plain) }?.column == "id")
        #expect(try file.rows("SELECT id FROM t") == [])
    }

    @Test("Actions: skip, only the old side, only the new side")
    func actions() throws {
        let file = try TargetFile([Self.plain])
        try file.load("1\ta\t1\n2\tb\t2\n3\tc\t3\n", Self.plain)
        let changes = batch {
            $0.transaction {
                $0.insert(["9", "skipped", nil])
                $0.update(["8", "x", "1"], old: ["1", nil, nil])
                $0.update(["7", "new", "2"], old: ["4", nil, nil])
                $0.delete(["2", nil, nil])
                $0.update(["3", "in place", "3"])
            }
        }
        let counts = try file.apply(
            changes, [Self.plain], actions: [.skip, .deleteOld, .insertNew, .whole, .deleteOld])
        #expect(try file.quoted("t", ["id", "a"]) == ["7|'new'"])
        #expect(
            counts[0]
                == {
                    var counts = ChangeCounts()
                    counts.inserts = 1
                    counts.deletes = 3
                    return counts
                }())
    }

    @Test("P04: Only the new side of a FULL image takes unchanged values from the old row")
    func insertNewFull() throws {
        let file = try TargetFile([Self.plain])
        let change = batch {
            $0.transaction {
                $0.update(["2", .unchanged, "2"], old: ["1", "large", "1"], whole: true)
            }
        }
        try file.apply(change, [Self.plain], actions: [.insertNew])
        #expect(try file.quoted("t", ["id", "a", "b"]) == ["2|'large'|2"])
        let incomplete = batch {
            $0.transaction { $0.update(["3", .unchanged, "2"], old: ["1", nil, nil]) }
        }
        let error = failure { try file.apply(incomplete, [Self.plain], actions: [.insertNew]) }
        #expect(error?.kind == .protocolViolation)
        #expect(error?.column == "a")
    }

    @Test("P52: TRUNCATE empties each of its tables, in order with other changes")
    func truncate() throws {
        let other = route("u", [Column("id", .int32)], id: 2)
        let file = try TargetFile([Self.plain, other])
        try file.apply(
            batch(tables: 2) {
                $0.transaction {
                    $0.insert(["1", "a", "1"])
                    $0.insert(["1"], table: 1)
                    $0.truncate()
                    $0.truncate(table: 1)
                    $0.insert(["2", "b", "2"])
                }
            }, [Self.plain, other])
        #expect(try file.rows("SELECT id FROM t") == ["2"])
        #expect(try file.rows("SELECT id FROM u") == [])
    }

    @Test("Composite and text keys, case kept apart")
    func compositeKey() throws {
        let route = route(
            "t", [Column("v", .int32), Column("k2", .text), Column("k1", .int32)],
            key: ["k1", "k2"])
        let file = try TargetFile([route])
        try file.apply(
            batch {
                $0.transaction {
                    $0.insert(["1", "a", "1"])
                    $0.insert(["2", "A", "1"])
                    $0.update(["3", "a", "1"])
                    $0.update(["4", "b", "1"], old: [nil, "A", "1"])
                }
            }, [route])
        #expect(try file.quoted("t", ["k1", "k2", "v"], order: "v") == ["1|'a'|3", "1|'b'|4"])
    }

    @Test("A table that is all key can be updated and deleted from")
    func allKey() throws {
        let route = route("t", [Column("id", .int32)])
        let file = try TargetFile([route])
        try file.load("1\n", route)
        try file.apply(batch { $0.transaction { $0.update(["1"]) } }, [route])
        #expect(
            failure { try file.apply(batch { $0.transaction { $0.update(["2"]) } }, [route]) }?.kind
                == .rowMissing)
        try file.apply(batch { $0.transaction { $0.update(["2"], old: ["1"]) } }, [route])
        #expect(try file.rows("SELECT id FROM t") == ["2"])
    }

    @Test("P05: In a table without key a change is for exactly one of several equal rows")
    func keyless() throws {
        let route = route("t", [Column("a", .int32), Column("b", .text)], key: [])
        let file = try TargetFile([route])
        try file.apply(
            batch {
                $0.transaction {
                    for _ in 0..<3 { $0.insert(["1", nil]) }
                    $0.delete(["1", nil], whole: true)
                    $0.update(["1", "x"], old: ["1", nil], whole: true)
                }
            }, [route])
        #expect(try file.quoted("t", ["a", "b"], order: "b") == ["1|NULL", "1|'x'"])
        let error = failure {
            try file.apply(
                batch { $0.transaction { $0.delete(["1", "y"], whole: true) } }, [route])
        }
        #expect(error?.kind == .rowMissing)
    }

    @Test("A keyless table with columns named like the row id")
    func rowIDColumns() throws {
        let route = route("t", [Column("rowid", .int32), Column("_ROWID_", .text)], key: [])
        let file = try TargetFile([route])
        try file.apply(
            batch {
                $0.transaction {
                    $0.insert(["7", "x"])
                    $0.insert(["7", "x"])
                    $0.delete(["7", "x"], whole: true)
                }
            }, [route])
        #expect(try file.rows("SELECT count(*) FROM t") == ["1"])
    }

    @Test("More sets of unchanged columns than are kept prepared")
    func manyUpdates() throws {
        let columns = [Column("id", .int32)] + (0..<8).map { Column("c\($0)", .text) }
        let route = route("t", columns)
        let file = try TargetFile([route])
        let first = Array(repeating: Field.text("0"), count: 8)
        try file.apply(batch { $0.transaction { $0.insert(["1"] + first) } }, [route])
        var expected = Array(repeating: 0, count: 8)
        try file.apply(
            batch {
                $0.transaction { builder in
                    for mask in 1..<256 {
                        let fields = (0..<8).map {
                            mask >> $0 & 1 == 1 ? Field.text("\(mask)") : .unchanged
                        }
                        for bit in 0..<8 where mask >> bit & 1 == 1 { expected[bit] = mask }
                        builder.update(["1"] + fields)
                    }
                }
            }, [route])
        let list = (0..<8).map { "c\($0)" }.joined(separator: " || ',' || ")
        #expect(
            try file.rows("SELECT \(list) FROM t")
                == [expected.map(String.init).joined(separator: ",")])
    }

    @Test("A31: Triggers of the target do not fire for replicated rows")
    func triggers() throws {
        let file = try TargetFile([Self.plain])
        try file.elsewhere(
            "CREATE TRIGGER x AFTER INSERT ON t BEGIN UPDATE t SET a = 'changed'; END")
        try file.load("1\tx\t1\n", Self.plain)
        #expect(try file.rows("SELECT a FROM t") == ["x"])
    }

    @Test("P68: Foreign keys neither refuse nor cascade; violations can be asked for")
    func foreignKeys() throws {
        let parent = route("p", [Column("id", .int32)], id: 2)
        let child = route("t", [Column("id", .int32), Column("p", .int32)]) {
            $0.foreignKeys = [
                ForeignKey(
                    name: "t_p_fkey", columns: ["p"], referenced: parent.source.name,
                    referencedColumns: ["id"],
                    definition: "FOREIGN KEY (p) REFERENCES public.p(id) ON DELETE CASCADE",
                    changesRows: true, isDeferrable: false)
            ]
        }
        let routes = [child, parent]
        let file = try TargetFile(routes)
        let child2: (inout BatchBuilder) -> Void = {
            $0.insert(["1", "1"])
            $0.insert(["1"], table: 1)
            $0.delete(["1"], table: 1)
        }
        try file.apply(batch(tables: 2) { $0.transaction(child2) }, routes)
        #expect(try file.rows("SELECT id FROM t") == ["1"])
        let found = try file.target.foreignKeyViolations()
        #expect(found.map(\.table.name) == ["t"])
        #expect(found.map(\.count) == [1])
    }

    @Test("An image that the log did not send is an error, never a trap")
    func missingImages() throws {
        let keyless = route("k", [Column("a", .int32)], key: [], id: 2)
        let routes = [Self.plain, keyless]
        let file = try TargetFile(routes)
        var broken = batch(tables: 2) { $0.transaction { $0.delete(["1"], table: 1) } }
        #expect(failure { try file.apply(broken, routes) }?.kind == .protocolViolation)
        broken = batch(tables: 2) { $0.transaction { $0.update(["1"], table: 1) } }
        #expect(failure { try file.apply(broken, routes) }?.kind == .protocolViolation)
        broken = batch(tables: 2) { $0.transaction { $0.insert(["1", "a"]) } }
        #expect(failure { try file.apply(broken, routes) }?.kind == .protocolViolation)
    }

    @Test("What the target's columns refuse names the column")
    func refusedByColumn() throws {
        let table = route("t", [Column("id", .int32), Column("n", .text, isNullable: false)])
        let file = try TargetFile([table])
        let error = failure { try file.load("1\t\\N\n", table) }
        #expect(error?.kind == .invalidValue)
        #expect(error?.column == "n")
    }

    @Test("Broken COPY data is an error of the protocol, and nothing of it stays")
    func brokenCopy() throws {
        let file = try TargetFile([Self.plain])
        for text in ["1\ta\t1\n2\tb", "1\ta\n", "1\ta\t1\t1\n"] {
            #expect(failure { try file.load(text, Self.plain) }?.kind == .protocolViolation)
        }
        #expect(failure { try file.load("1\ta\t1\n1\tb\t1\n", Self.plain) }?.kind == .rowConflict)
        #expect(try file.rows("SELECT id FROM t") == [])
        let applier = try file.target.openApplier([Self.plain], label: "test")
        defer { applier.close() }
        try applier.begin()
        let error = failure { try applier.beginRows(route: 0, format: .copyBinary) }
        #expect(error?.kind == .unsupported)
        #expect(applier.rowFormats(route: 0) == [.copyText])
    }
}
