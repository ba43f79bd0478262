import ReplicationEngine
import ReplicationModel
import Testing

@testable import SQLTransform

/// A batch of one table, whose rows are given as texts.
struct TestBatch {
    enum Field: Sendable, Equatable, ExpressibleByStringLiteral, ExpressibleByNilLiteral {
        case text(String), null, unchanged
        init(stringLiteral value: String) { self = .text(value) }
        init(nilLiteral: ()) { self = .null }
    }

    var batch = ChangeBatch()
    let route: TableRoute
    /// Of the changes that are added.
    var table: Int32 = 0

    init(_ route: TableRoute, isFull: Bool = false) {
        self.route = route
        batch.tables = [
            LoggedTable(
                id: route.source.id, name: route.source.name,
                columns: route.columns.enumerated().map {
                    LoggedTable.Column(
                        name: $1.name, typeID: $1.type.id, modifier: -1,
                        isIdentity: isFull || route.key.contains($0))
                }, isFull: isFull)
        ]
    }

    mutating func add(
        _ operation: Change.Operation, old: [Field]? = nil, whole: Bool = false, new: [Field]? = nil
    ) {
        var change = Change(operation: operation, table: table)
        change.oldRow = append(old)
        change.newRow = append(new)
        change.oldIsWhole = whole
        batch.changes.append(change)
        let position = LogPosition(rawValue: UInt64(batch.changes.count))
        batch.transactions = [
            TransactionMark(
                xid: 1, commitPosition: position, endPosition: position, commitTime: 0,
                changes: 0..<batch.changes.count)
        ]
    }

    private mutating func append(_ row: [Field]?) -> Int32 {
        guard let row else { return -1 }
        let start = Int32(batch.values.count)
        for field in row {
            switch field {
            case .text(let text):
                batch.values.append(Array(text.utf8).withUnsafeBytes { batch.append($0) })
            case .null: batch.values.append(.null)
            case .unchanged: batch.values.append(.unchanged)
            }
        }
        return start
    }
}

@Suite("A45, A46: what becomes of a change")
struct ChangeTests {
    static let shop = table("shop", "id:int32!", "name:text", "kind:text", identity: .full)
    static let sql = "SELECT id, upper(name) AS name FROM shop WHERE kind = 'in'"

    /// `insert 1 A`, with the verdict behind it unless it is `whole`.
    static func run(
        _ sql: String, _ test: TestBatch, _ actions: [ChangeAction]? = nil,
        lookups: Lookups? = nil
    ) throws -> [String] {
        let transform = try compile(sql, test.route, lookups: lookups)
        let evaluator = try RowEvaluator(transform, keys: TransformKeys(), sourceName: "shop")
        var made = ChangeTransform(test.batch, [[evaluator]])
        _ = try made.run(0..<test.batch.changes.count, actions)
        return shown(made, columns: transform.outputs.count)
    }

    static func shown(_ made: ChangeTransform, columns: Int) -> [String] {
        zip(made.batch.changes, made.actions).map { change, action in
            var words = ["\(change.operation)"]
            for row in [change.oldRow, change.newRow] where row >= 0 {
                let values = made.batch.values[Int(row)..<Int(row) + columns]
                words.append(
                    values.map { value in
                        value.isUnchanged ? "~" : made.batch.text(of: value) ?? "-"
                    }.joined(separator: ","))
            }
            if action != .whole {
                words.append("\(action.step)")
                if action.clears.contains(.old) { words.append("clear-old") }
                if action.clears.contains(.new) { words.append("clear-new") }
            }
            return words.joined(separator: " ")
        }
    }

    struct Case: Sendable, CustomTestStringConvertible {
        var old: String?
        var new: String?
        var action: ChangeAction
        var result: [String]
        var testDescription: String { "\(old ?? "-") -> \(new ?? "-"), \(action)" }

        init(_ old: String?, _ new: String?, _ action: ChangeAction, _ result: String...) {
            (self.old, self.new, self.action, self.result) = (old, new, action, result)
        }
    }

    static let cases: [Case] = [
        Case(nil, "in", .whole, "insert 1,B"), Case(nil, "out", .whole),
        Case("in", nil, .whole, "delete 1,-"), Case("out", nil, .whole),
        Case("in", "in", .whole, "update 1,- 1,B"), Case("in", "out", .whole, "delete 1,-"),
        Case("out", "in", .whole, "insert 1,B"), Case("out", "out", .whole),
        Case("in", "in", .deleteOld, "update 1,- 1,B deleteOld"),
        Case("in", "out", .deleteOld, "delete 1,-"), Case("out", "in", .deleteOld),
        Case("in", "in", .insertNew, "update 1,- 1,B insertNew"), Case("in", "out", .insertNew),
        Case("out", "in", .insertNew, "insert 1,B"),
        Case(
            "in", "out", ChangeAction(.insertNew, clearing: .new),
            "delete 1,- nothing clear-old"),
        Case(
            "out", "in", ChangeAction(.insertNew, clearing: .new),
            "insert 1,B insertNew clear-new"),
        Case("out", "out", ChangeAction(.insertNew, clearing: .new)),
        Case(
            "in", nil, ChangeAction(.nothing, clearing: .old), "delete 1,- nothing clear-old"),
        Case("in", "out", ChangeAction(.updateIfThere), "delete 1,- nothing clear-old"),
        Case("out", "in", ChangeAction(.updateIfThere), "insert 1,B insertNew clear-new"),
        Case("in", "in", .skip), Case(nil, "in", .skip),
    ]

    @Test("The matrix of both rows, the filter and the verdict", arguments: cases)
    func matrix(_ sample: Case) throws {
        var test = TestBatch(Self.shop, isFull: true)
        let operation: Change.Operation =
            sample.old == nil ? .insert : sample.new == nil ? .delete : .update
        test.add(
            operation, old: sample.old.map { ["1", "a", .text($0)] }, whole: true,
            new: sample.new.map { ["1", "b", .text($0)] })
        #expect(try Self.run(Self.sql, test, [sample.action]) == sample.result)
    }

    @Test("A filter needs the whole old row, and says how to get it")
    func needsOldRow() throws {
        var test = TestBatch(Self.shop)
        test.add(.update, new: ["1", "b", "out"])
        let error = #expect(throws: ReplicationError.self) { try Self.run(Self.sql, test) }
        #expect(error?.remedy == "ALTER TABLE \"public\".\"shop\" REPLICA IDENTITY FULL")
        #expect(error?.position != nil)
    }

    @Test("A filter over the key needs the key only")
    func filterByKey() throws {
        let sql = "SELECT id, upper(name) AS name FROM shop WHERE id > 1"
        var test = TestBatch(Self.shop)
        test.add(.update, new: ["1", "b", "x"])
        test.add(.update, new: ["2", "b", "x"])
        test.add(.update, old: ["1", nil, nil], new: ["2", "c", "x"])
        test.add(.update, old: ["2", nil, nil], new: ["1", "d", "x"])
        test.add(.update, old: ["2", nil, nil], new: ["3", "e", "x"])
        test.add(.delete, old: ["2", nil, nil])
        test.add(.delete, old: ["1", nil, nil])
        #expect(
            try Self.run(sql, test) == [
                "update 2,B", "insert 2,C", "delete 2,-", "update 2,- 3,E", "delete 2,-",
            ])
    }

    @Test("P01: what depends on an unchanged value alone is unchanged; what mixes stops")
    func unchanged() throws {
        let sql = "SELECT id, name, upper(name) AS big, name || id AS both FROM shop"
        var test = TestBatch(Self.shop)
        test.add(.update, new: ["1", .unchanged, "x"])
        #expect(try Self.run(sql, test) == ["update 1,~,~,~"])

        var moved = TestBatch(Self.shop)
        moved.add(.update, old: ["1", nil, nil], new: ["2", .unchanged, "x"])
        #expect(throws: ReplicationError.self) { try Self.run(sql, moved) }
        let mixed = "SELECT id, name || kind AS both FROM shop"
        #expect(throws: ReplicationError.self) { try Self.run(mixed, test) }
    }

    @Test("What a key change does not repeat: alone it stays, in a row that enters it is missed")
    func unchangedBehindMovedKey() throws {
        var moved = TestBatch(Self.shop)
        moved.add(.update, old: ["1", nil, nil], new: ["2", .unchanged, "x"])
        let alone = "SELECT id, upper(name) AS big FROM shop"
        #expect(try Self.run(alone, moved) == ["update 1,- 2,~"])
        let error = #expect(throws: ReplicationError.self) {
            try Self.run("SELECT id, name FROM shop WHERE id > 1", moved)
        }
        #expect(error?.why.contains("enters the filter") == true)
        #expect(error?.remedy == "ALTER TABLE \"public\".\"shop\" REPLICA IDENTITY FULL")
    }

    @Test("Of an old row only the key is asked: an expression may fail where values are missing")
    func oldRowsKeyOnly() throws {
        let sql = "SELECT id, decimal_div(1, coalesce(name, 0), 2) AS part FROM shop"
        var test = TestBatch(Self.shop)
        test.add(.delete, old: ["1", nil, nil])
        test.add(.update, old: ["2", nil, nil], new: ["3", "4", "x"])
        #expect(try Self.run(sql, test) == ["delete 1,-", "update 2,- 3,0.25"])
    }

    @Test("I6: a batch is handed on in pieces when expressions make much of it")
    func pieces() throws {
        var test = TestBatch(Self.shop, isFull: true)
        for id in 1...5 { test.add(.insert, new: [.text("\(id)"), "abcdefgh", "in"]) }
        let transform = try compile(Self.sql, test.route)
        let evaluator = try RowEvaluator(transform, keys: TransformKeys(), sourceName: "shop")
        var (start, sizes, ends) = (0, [Int](), [Bool]())
        while start < 5 {
            var made = ChangeTransform(test.batch, [[evaluator]])
            start = try made.run(start..<5, nil, bytes: 15)
            sizes.append(made.batch.changes.count)
            ends.append(made.batch.transactions[0].isLastPart)
        }
        #expect(sizes == [2, 2, 1])
        #expect(ends == [false, false, true])
    }

    @Test("A failing expression names position, table, output and key, and no value")
    func failure() throws {
        var test = TestBatch(Self.shop, isFull: true)
        test.add(.insert, new: ["1", "secret", "in"])
        let sql = "SELECT id, CAST(json_extract(name, '$') AS TEXT) AS x FROM shop"
        let error = try #require(
            #expect(throws: ReplicationError.self) { try Self.run(sql, test) })
        #expect(error.description.contains("position 0/1, table public.shop, column x"))
        #expect(error.why == "malformed JSON (key: id)")
        #expect(!error.description.contains("secret"))
    }

    @Test("Passed values are the same bytes, whatever they are")
    func exact() throws {
        let number = String(repeating: "9", count: 1000) + ".10"
        var test = TestBatch(Self.shop, isFull: true)
        test.add(.insert, new: ["1", .text(number), "in"])
        #expect(
            try Self.run("SELECT id, name, kind || '' AS k FROM shop", test)
                == ["insert 1,\(number),in"])
    }

    @Test("Rows of a snapshot become what rows of the stream become")
    func copy() throws {
        let transform = try compile(
            Self.sql.replacing("id,", with: "id, kind, name AS raw,"), Self.shop)
        let evaluator = try RowEvaluator(transform, keys: TransformKeys(), sourceName: "shop")
        var copy = RowCopyTransform(evaluator)
        defer { copy.close() }
        let block = "1\ta\\tb\\\\\tin\n2\tb\tout\n3\t\\N\tin\n4\t\tin\n"
        var made: [UInt8] = []
        try Array(block.utf8).withUnsafeBytes { try copy.take($0) { made += $0 } }
        #expect(
            String(decoding: made, as: UTF8.self)
                == "1\tin\ta\\tb\\\\\tA\\tB\\\\\n3\tin\t\\N\t\\N\n4\tin\t\t\n")
        #expect((copy.rowsRead, copy.rowsWritten) == (4, 3))
    }
}
