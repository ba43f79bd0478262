import ReplicationEngine
import ReplicationModel
import Testing

@testable import SQLTransform

@Suite("Modes: what the target's table keeps of a row's changes")
struct ModeTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var mode: TableMode
        var old: String?
        var new: String?
        var action: ChangeAction
        var result: [String]
        var testDescription: String { "\(mode) \(old ?? "-") -> \(new ?? "-"), \(action)" }

        /// Rows are `key kind`.
        init(
            _ mode: TableMode, _ old: String?, _ new: String?, _ action: ChangeAction,
            _ result: String...
        ) {
            (self.mode, self.old, self.new) = (mode, old, new)
            (self.action, self.result) = (action, result)
        }
    }

    static let time = "1970-01-01 00:00:01+00"
    static let cleared = ChangeAction(.insertNew, clearing: .new)

    static let softDeletes: [Case] = [
        Case(.softDelete, nil, "1 in", .whole, "insert 1,in,- insertNew clear-new"),
        Case(.softDelete, nil, "1 out", .whole),
        Case(.softDelete, "1 in", nil, .whole, "update 1,-,- 1,~,\(time)"),
        Case(.softDelete, "1 out", nil, .whole),
        Case(.softDelete, "1 in", "1 in", .whole, "update 1,-,- 1,in,-"),
        Case(.softDelete, "1 in", "1 out", .whole, "update 1,-,- 1,~,\(time)"),
        Case(.softDelete, "1 out", "1 in", .whole, "insert 1,in,- insertNew clear-new"),
        Case(
            .softDelete, "1 in", "2 in", .whole, "update 1,-,- 1,~,\(time)",
            "insert 2,in,- insertNew clear-new"),
        Case(.softDelete, "1 in", "2 in", .deleteOld, "update 1,-,- 1,~,\(time)"),
        Case(.softDelete, "1 in", "2 in", .insertNew, "insert 2,in,- insertNew clear-new"),
        Case(.softDelete, "1 in", "2 out", .insertNew),
        Case(
            .softDelete, "1 in", "1 in", cleared, "update 1,-,- 1,in,- insertNew clear-new"),
        Case(
            .softDelete, "1 in", "1 out", cleared, "update 1,-,- 1,~,\(time) updateIfThere"),
        Case(
            .softDelete, "1 in", nil, ChangeAction(.nothing, clearing: .old),
            "update 1,-,- 1,~,\(time) updateIfThere"),
        Case(
            .softDelete, "1 in", "2 in", ChangeAction(.insertNew, clearing: .both),
            "update 1,-,- 1,~,\(time) updateIfThere", "insert 2,in,- insertNew clear-new"),
        Case(
            .softDelete, "1 in", "2 in", ChangeAction(.nothing, clearing: .new),
            "insert 2,in,- nothing clear-new"),
        Case(.softDelete, "1 in", "1 in", .skip),
    ]

    static let logs: [Case] = [
        Case(.append, nil, "1 in", .whole, log("1,in", "insert")),
        Case(.append, "1 in", nil, .whole, log("1,in", "delete")),
        Case(.append, "1 in", "1 in", .whole, log("1,in", "update")),
        Case(.append, "1 in", "1 out", .whole, log("1,in", "delete")),
        Case(.append, "1 out", "1 in", .whole, log("1,in", "insert")),
        Case(
            .append, "1 in", "2 in", .whole, log("1,in", "delete"), log("2,in", "insert", 2)),
        Case(.append, "1 in", "2 in", .deleteOld, log("1,in", "delete")),
        Case(.append, "1 in", "2 in", .insertNew, log("2,in", "insert")),
        Case(.append, "1 in", "1 in", cleared, log("1,in", "update")),
        Case(
            .append, "1 in", nil, ChangeAction(.nothing, clearing: .old), log("1,in", "delete")),
        Case(.append, "1 in", "1 in", .skip),
    ]

    static let versions: [Case] = [
        Case(.history, nil, "1 in", .whole, opened("1,in")),
        Case(.history, "1 in", nil, .whole, closed("1")),
        Case(.history, "1 in", "1 in", .whole, closed("1"), opened("1,in")),
        Case(.history, "1 in", "1 out", .whole, closed("1")),
        Case(.history, "1 in", "2 in", .whole, closed("1"), opened("2,in")),
        Case(.history, "1 in", "2 in", .deleteOld, closed("1")),
        Case(.history, "1 in", "2 in", .insertNew, opened("2,in")),
        Case(.history, "1 in", "1 in", .skip),
    ]

    static func log(_ row: String, _ word: String, _ ordinal: Int = 1) -> String {
        "insert \(row),\(word),\(time),00000000/00000001,\(ordinal)"
    }

    static func opened(_ row: String) -> String {
        "insert \(row),\(time),-,00000000/00000001,current,0"
    }

    static func closed(_ key: String) -> String {
        "update \(key),-,-,-,-,current,0 \(key),~,~,\(time),~,00000000/00000001,1"
    }

    static let shop = table("shop", "id:int32!", "kind:text", identity: .full)

    static func transform(
        _ mode: TableMode, _ route: TableRoute = shop,
        sql: String = "SELECT id, kind FROM shop WHERE kind = 'in'"
    ) throws -> Transform {
        var definition = TransformDefinition(
            table: route.source.name, target: route.target, sql: sql)
        definition.mode = mode
        return try TransformCompiler.compile(definition, route, keys: TransformKeys())
    }

    static func run(
        _ mode: TableMode, _ test: TestBatch, _ actions: [ChangeAction]?
    ) throws -> [String] {
        let evaluator = try RowEvaluator(
            transform(mode, test.route), keys: TransformKeys(), sourceName: "shop")
        var batch = test.batch
        batch.transactions[0].commitTime = 1_000_000
        var made = ChangeTransform(batch, [[evaluator]])
        _ = try made.run(0..<batch.changes.count, actions)
        return ChangeTests.shown(made, columns: evaluator.transform.outputs.count)
    }

    @Test("The matrix", arguments: softDeletes + logs + versions)
    func matrix(_ sample: Case) throws {
        var test = TestBatch(Self.shop, isFull: true)
        let operation: Change.Operation =
            sample.old == nil ? .insert : sample.new == nil ? .delete : .update
        func row(_ text: String) -> [TestBatch.Field] {
            text.split(separator: " ").map { .text(String($0)) }
        }
        test.add(operation, old: sample.old.map(row), whole: true, new: sample.new.map(row))
        #expect(try Self.run(sample.mode, test, [sample.action]) == sample.result)
    }

    @Test("A version that may have been loaded already stops the run")
    func windows() throws {
        var test = TestBatch(Self.shop, isFull: true)
        test.add(.update, old: ["1", "in"], whole: true, new: ["1", "in"])
        let error = #expect(throws: ReplicationError.self) {
            try Self.run(.history, test, [Self.cleared])
        }
        #expect(error?.remedy == "mode: append")
    }

    @Test("TRUNCATE is logged, and stops what would have to keep all rows")
    func truncate() throws {
        var test = TestBatch(Self.shop, isFull: true)
        test.add(.truncate)
        let logged = "insert -,-,truncate,\(Self.time),00000000/00000001,1"
        #expect(try Self.run(.append, test, nil) == [logged])
        for mode in [TableMode.softDelete, .history] {
            let error = #expect(throws: ReplicationError.self) {
                try Self.run(mode, test, nil)
            }
            #expect(error?.what == "apply TRUNCATE")
        }
    }

    @Test("Without a key an update is logged as the row before and the row after")
    func keyless() throws {
        var test = TestBatch(table("shop", "id:int32", "kind:text", identity: .full), isFull: true)
        test.add(.update, old: ["1", "in"], whole: true, new: ["1", "in"])
        #expect(
            try Self.run(.append, test, nil)
                == [Self.log("1,in", "delete"), Self.log("1,in", "insert", 2)])
    }

    @Test("Ordinals go on over the batches of one transaction, and begin anew with the next")
    func ordinals() {
        let ordinals = ChangeOrdinals()
        let places = [1, 1, 2, 2, 2, 3].map { LogPosition(rawValue: $0) }
        #expect(places.map(ordinals.next) == [1, 2, 1, 2, 3, 1])
        ordinals.forget()
        #expect(ordinals.next(LogPosition(rawValue: 3)) == 1)
    }

    @Test("Positions are texts in the order of the log")
    func positions() throws {
        let places =
            [(9, 5), (10, 5), (10, 40), (123_456, 1)].map {
                LogPosition(file: $0, offset: $1)
            } + [LogPosition(file: 1, offset: 4, generation: 1)]
        let texts = try places.map { try #require($0).sortable }
        #expect(texts == texts.sorted())
        #expect(
            try texts.map { try #require(LogPosition(parsing: $0)).offset } == [5, 5, 40, 1, 4])
        #expect(LogPosition(rawValue: 0x1_0000_0009).sortable == "00000001/00000009")
    }

    @Test("Columns of the modes, and what is the key")
    func columns() throws {
        func names(_ mode: TableMode) throws -> [String] {
            try Self.transform(mode).target.keyColumns.map(\.name)
        }
        #expect(try names(.softDelete) == ["id"])
        #expect(try names(.append) == [])
        #expect(try names(.history) == ["id", "_to_position", "_ordinal"])
        #expect(try Self.transform(.append).target.columns.allSatisfy(\.isNullable))
    }

    @Test("A column that is there already, and a table without a key, are refused by name")
    func refusals() {
        let taken = table("shop", "id:int32!", "_Deleted_At:text", identity: .full)
        let keyless = table("shop", "id:int32", identity: .full)
        for (route, word) in [(taken, "_deleted_at"), (keyless, "primary key")] {
            let error = #expect(throws: ReplicationError.self) {
                try Self.transform(.softDelete, route, sql: "SELECT * FROM shop")
            }
            #expect("\(error?.why ?? "") \(error?.remedy ?? "")".contains(word))
        }
    }

    @Test("What the log and the snapshots must carry for a mode")
    func findings() throws {
        func refused(_ mode: TableMode, _ route: TableRoute, sees: Bool = true) throws -> [String] {
            let sql = "SELECT * FROM shop"
            return TransformCheck.findings(try Self.transform(mode, route, sql: sql), sees: sees)
                .filter { $0.severity == .refused }.compactMap(\.remedy)
        }
        let full = "ALTER TABLE \"public\".\"shop\" REPLICA IDENTITY FULL"
        let texts = table("shop", "id:int32!", "kind:text")
        let numbers = table("shop", "id:int32!", "kind:int32")
        for mode in TableMode.allCases {
            #expect(try refused(mode, texts) == [full])
            #expect(try refused(mode, numbers) == (mode == .softDelete ? [] : [full]))
            #expect(try refused(mode, Self.shop) == [])
            #expect(
                try refused(mode, Self.shop, sees: false)
                    == (mode == .history ? ["mode: append"] : []))
        }
    }
}
