import ReplicationEngine
import ReplicationModel
import Testing

@testable import SQLTransform

/// One entry of the file: a SELECT over `a` or `b`, whose columns are the same.
struct Entry: Sendable {
    var sql: String
    var key: [String]?
    var into = "all"
    var mode: TableMode?
    var isKeyed = true
    var types: [String: String] = [:]

    func route() -> TableRoute {
        let name = sql.contains("FROM a") ? "a" : "b"
        var route =
            isKeyed
            ? table(name, "id:int32!", "name:text", "kind:text", identity: .full)
            : table(name, "id:int32", "name:text", "kind:text", identity: .full)
        route.source.id = name == "a" ? 7 : 8
        return route
    }

    static func combine(_ entries: [Entry]) throws -> [Transform] {
        let routes = entries.map { $0.route() }
        return try zip(entries, routes).enumerated().map { line, pair in
            let (entry, route) = pair
            var definition = TransformDefinition(
                table: route.source.name, target: TableName(schema: "public", name: entry.into),
                sql: entry.sql)
            (definition.key, definition.mode) = (entry.key, entry.mode)
            definition.types = entry.types.compactMapValues(OutputType.init(parsing:))
            definition.place = "shop.yaml:\(line + 1)"
            return try TransformCompiler.compile(definition, route, keys: TransformKeys())
        }.combined(besides: routes.map(\.source.id), sourceName: "shop")
    }
}

@Suite("Several tables in one, and one in several")
struct CombineTests {
    @Test(
        "A constant in the key, another in each SELECT, is each one's share",
        arguments: [
            ("'eu'", "'us'", ["eu", "us"]), ("1", "2", ["1", "2"]),
            ("source_name()", "'us'", ["shop", "us"]),
            ("'eu'", "'EU'", nil), ("'eu'", "'eu'", nil), ("'\u{fc}'", "'us'", nil),
            ("'eu'", "lower('US')", nil), ("'eu'", "'us '", nil),
        ])
    func shares(_ one: String, _ other: String, _ values: [String]?) throws {
        let made = try Entry.combine([
            Entry(sql: "SELECT \(one) AS region, id, name FROM a", key: ["region", "id"]),
            Entry(sql: "SELECT \(other) AS region, id, name FROM b", key: ["region", "id"]),
        ])
        let wanted = values?.map { RowShare(column: "region", value: $0) } ?? [nil, nil]
        #expect(made.map(\.target.share) == wanted)
        #expect(made.map(\.isGuarded) == [values == nil, values == nil])
    }

    @Test("Outside the key a constant tells nothing of rows that are found by one")
    func outsideTheKey() throws {
        let made = try Entry.combine([
            Entry(sql: "SELECT 'eu' AS region, id FROM a"),
            Entry(sql: "SELECT 'us' AS region, id FROM b"),
        ])
        #expect(made.allSatisfy { $0.isGuarded && $0.target.share == nil })
    }

    @Test("A table alone has its share, too: another pipeline may write there")
    func alone() throws {
        let made = try Entry.combine([
            Entry(sql: "SELECT 'eu' AS region, id FROM a", key: ["region", "id"]),
            Entry(sql: "SELECT id FROM b", into: "other"),
        ])
        #expect(
            made.map(\.target.share) == [RowShare(column: "region", value: "eu"), nil])
        #expect(!made[0].isMerged && !made[0].isGuarded)
    }

    static let refused: [(Entry, Entry, String)] = [
        (
            Entry(sql: "SELECT id, name FROM a"), Entry(sql: "SELECT id, kind FROM b"),
            "one makes the columns id, name, the other id, kind"
        ),
        (
            Entry(sql: "SELECT id, name FROM a"),
            Entry(sql: "SELECT id, length(name) AS name FROM b"),
            "name is text in one, bigint in the other"
        ),
        (
            Entry(sql: "SELECT 'x' AS region, id FROM a", key: ["region", "id"]),
            Entry(sql: "SELECT 'y' AS region, id FROM b"),
            "one has the key (region, id), the other (id)"
        ),
        (
            Entry(sql: "SELECT id FROM a", isKeyed: false),
            Entry(sql: "SELECT id FROM b", isKeyed: false),
            "without a key nobody can tell whose a row is"
        ),
        (
            Entry(sql: "SELECT id FROM a", mode: .append),
            Entry(sql: "SELECT id FROM b", mode: .append),
            "without a key nobody can tell whose a row is"
        ),
        (
            Entry(sql: "SELECT id FROM a", mode: .softDelete),
            Entry(sql: "SELECT id FROM b", mode: .softDelete),
            "mode soft_delete writes over what has the key, which may be another table's row"
        ),
        (
            Entry(sql: "SELECT id FROM a WHERE kind = 'x'"), Entry(sql: "SELECT id FROM a"),
            "one table goes there twice, so that one row may want its key twice"
        ),
    ]

    @Test("What cannot be one table is refused, and both places are named", arguments: refused)
    func refusals(_ one: Entry, _ other: Entry, _ why: String) throws {
        let error = #expect(throws: ReplicationError.self) { try Entry.combine([one, other]) }
        #expect(error?.why == why)
        #expect(error?.place == "shop.yaml:1 and shop.yaml:2")
        #expect(error?.kind == .configuration)
    }

    @Test("Rows without a key, logs too, are told apart by a constant anywhere")
    func keyless() throws {
        let logs = try Entry.combine([
            Entry(sql: "SELECT 'eu' AS region, id FROM a", mode: .append),
            Entry(sql: "SELECT 'us' AS region, id FROM b", mode: .append),
        ])
        #expect(logs.map(\.target.share?.value) == ["eu", "us"])
    }

    @Test("A column may be NULL if it may be in one of them; every target has an id of its own")
    func columns() throws {
        let made = try Entry.combine([
            Entry(sql: "SELECT id, name FROM a"), Entry(sql: "SELECT id, name FROM b"),
            Entry(sql: "SELECT id, name FROM b", into: "copy"),
        ])
        #expect(made.map(\.target.source.id) == [7, 8, .max])
        #expect(
            made.map { $0.target.columns.map(\.isNullable) }.allSatisfy { $0 == [false, true] })
    }

    // MARK: Changes

    /// Runs of `ChangeTransform` until the batch is done: what each of them makes.
    private func pieces(
        _ entries: [Entry], _ build: (inout TestBatch) -> Void
    ) throws -> [[String]] {
        let made = try Entry.combine(entries)
        var test = TestBatch(entries[0].route(), isFull: true)
        test.batch.tables += TestBatch(entries[1].route(), isFull: true).batch.tables
        build(&test)
        let evaluators = try made.map {
            try RowEvaluator($0, keys: TransformKeys(), sourceName: "shop")
        }
        let ofA = zip(made, evaluators).filter { $0.0.source.source.id == 7 }.map(\.1)
        let ofB = zip(made, evaluators).filter { $0.0.source.source.id == 8 }.map(\.1)
        var (found, start) = ([[String]](), 0)
        var change = ChangeTransform(test.batch, [ofA, ofB])
        while start < test.batch.changes.count {
            start = try change.run(start..<test.batch.changes.count, nil)
            let shown = ChangeTests.shown(change, columns: made[0].outputs.count)
            found.append(zip(change.batch.changes, shown).map { "\($0.table) \($1)" })
        }
        return found
    }

    @Test("An UPDATE leaves one table's filter and enters the other's")
    func splitUpdate() throws {
        let found = try pieces([
            Entry(sql: "SELECT id, name FROM a WHERE kind = 'in'", into: "one"),
            Entry(sql: "SELECT id, name FROM a WHERE kind = 'out'", into: "two"),
        ]) { test in
            test.add(.update, old: ["1", "A", "in"], whole: true, new: ["1", "B", "out"])
            test.add(.insert, new: ["2", "C", "in"])
            test.add(.truncate)
        }
        #expect(
            found == [
                [
                    "0 delete 1,-", "1 insert 1,B", "0 insert 2,C", "0 truncate", "1 truncate",
                ]
            ])
    }

    @Test("No batch has a key of two tables: what is at the target decides")
    func guarded() throws {
        let found = try pieces([
            Entry(sql: "SELECT id, name FROM a"), Entry(sql: "SELECT id, name FROM b"),
        ]) { test in
            test.add(.delete, old: ["1", "A", "x"], whole: true)
            test.add(.insert, new: ["2", "A", "x"])
            test.table = 1
            test.add(.insert, new: ["1", "B", "x"])
            test.add(.delete, old: ["3", "B", "x"], whole: true)
            test.table = 0
            test.add(.update, old: ["4", "A", "x"], whole: true, new: ["3", "A", "x"])
        }
        #expect(
            found == [
                ["0 delete 1,-", "0 insert 2,A"], ["1 insert 1,B", "1 delete 3,-"],
                ["0 update 4,- 3,A"],
            ])
    }

    @Test("Told apart, they share a batch")
    func toldApart() throws {
        let found = try pieces([
            Entry(sql: "SELECT 'x' AS r, id FROM a", key: ["r", "id"]),
            Entry(sql: "SELECT 'y' AS r, id FROM b", key: ["r", "id"]),
        ]) { test in
            test.add(.delete, old: ["1", "A", "x"], whole: true)
            test.table = 1
            test.add(.insert, new: ["1", "B", "x"])
        }
        #expect(found == [["0 delete x,1", "1 insert y,1"]])
    }

    @Test("TRUNCATE of one of them stops where nothing tells whose a row is")
    func truncate() throws {
        let error = #expect(throws: ReplicationError.self) {
            try pieces([
                Entry(sql: "SELECT id, name FROM a"), Entry(sql: "SELECT id, name FROM b"),
            ]) { $0.add(.truncate) }
        }
        #expect(error?.position == LogPosition(rawValue: 1))
        #expect(error?.why.contains("nothing in the key tells whose a row is") == true)
    }

    @Test("A log says of TRUNCATE whose it was")
    func truncateOfLog() throws {
        let found = try pieces([
            Entry(sql: "SELECT 'eu' AS region, id FROM a", mode: .append),
            Entry(sql: "SELECT 'us' AS region, id FROM b", mode: .append),
        ]) { $0.add(.truncate) }
        #expect(found[0][0].hasPrefix("0 insert eu,-,truncate,"))
    }
}
