import Foundation
import ReplicationEngine
import ReplicationModel
import Testing

@testable import SQLTransform

private let shop = table(
    "shop", "id:int32!", "name:text", "country:text", "note:text", identity: .full)
private let countries = "code,name,rate\nDE,Germany,0.19\nSE,\"Sweden, cold\",0.25\nXX,,\n"

private func loaded(_ storage: LookupStorage = .memory(1 << 20)) throws -> Lookups {
    try lookups(
        ("countries", ["code"], countries), types: ["rate": .numeric(precision: 4, scale: 2)],
        storage: storage)
}

@Suite("Lookups joined to rows")
struct LookupTests {
    static let left =
        "SELECT id, s.name, k.name AS land FROM shop s LEFT JOIN countries k ON k.code = s.country"

    @Test("A left join leaves rows and filter alone, its columns have the lookup's types")
    func leftJoin() throws {
        let transform = try compile(Self.left, shop, lookups: try loaded())
        #expect(transform.outputs.map(\.passes) == [0, 1, nil])
        #expect(transform.outputs.map(\.dependsOn) == [[0], [1], [2]])
        #expect(transform.outputs[2].lookups == ["countries"])
        #expect(transform.outputs[2].column.type.kind == .text)
        #expect(transform.filteredBy.isEmpty && !transform.needsWholeOldRow)
        #expect(transform.isOneToOne)
        let rows = try load(
            transform, ["1\ta\\\\b\tSE\t-", "2\tb\t\\N\t-", "3\tc\tXX\t-", "4\td\tde\t-"])
        #expect(rows == ["1\ta\\\\b\tSweden, cold", "2\tb\t\\N", "3\tc\t\\N", "4\td\t\\N"])
    }

    @Test("An inner join filters by the column it goes by, and needs the old one")
    func innerJoin() throws {
        let transform = try compile(
            "SELECT s.*, k.rate FROM shop s JOIN countries k ON k.code = s.country",
            shop, lookups: try loaded())
        #expect(transform.outputs.map(\.passes) == [0, 1, 2, 3, nil])
        #expect(transform.filteredBy == [2] && transform.needsWholeOldRow)
        #expect(transform.target.columns[4].type.declaration == "numeric(4,2)")
        #expect(
            try load(transform, ["1\ta\tSE\tx", "2\tb\tFR\tx"]) == ["1\ta\tSE\tx\t0.25"])
    }

    @Test("A row whose join changes enters, leaves, stays")
    func changes() throws {
        let sql =
            "SELECT id, k.name AS land FROM shop s JOIN countries k USING (code) WHERE rate > 0.2"
        let route = table("shop", "id:int32!", "name:text", "code:text", identity: .full)
        var test = TestBatch(route, isFull: true)
        test.add(.insert, new: ["1", "a", "SE"])
        test.add(.insert, new: ["2", "a", "DE"])
        test.add(.update, old: ["2", "a", "DE"], whole: true, new: ["2", "a", "SE"])
        test.add(.update, old: ["2", "a", "SE"], whole: true, new: ["2", "b", "SE"])
        test.add(.update, old: ["1", "a", "SE"], whole: true, new: ["1", "a", nil])
        test.add(.delete, old: ["2", "b", "SE"], whole: true)
        #expect(
            try ChangeTests.run(sql, test, lookups: try loaded()) == [
                "insert 1,Sweden, cold", "insert 2,Sweden, cold",
                "update 2,- 2,Sweden, cold", "delete 1,-", "delete 2,-",
            ])
    }

    @Test("Of an old row that is its key alone, no join is asked")
    func keyImage() throws {
        let sql =
            "SELECT id, 'eu' AS r, k.name AS land FROM shop s "
            + "LEFT JOIN countries k ON k.code IS NOT s.country AND k.rate = 0.19"
        var test = TestBatch(shop)
        test.add(.update, old: ["1", nil, nil, nil], new: ["2", "a", "SE", "x"])
        test.add(.delete, old: ["2", nil, nil, nil])
        let found = try ChangeTests.run(sql, test, lookups: try loaded())
        #expect(found == ["update 1,-,- 2,eu,Germany", "delete 2,-,-"])
    }

    @Test("What is found depends on what it is looked up by, unchanged values too")
    func unchanged() throws {
        var test = TestBatch(shop)
        test.add(.update, new: ["1", "a", .unchanged, "x"])
        #expect(
            try ChangeTests.run(Self.left, test, lookups: try loaded())
                == ["update 1,a,~"])
    }

    @Test("Sub-selects count, choose the first by the key, and are joined to the row")
    func subSelects() throws {
        let transform = try compile(
            """
            SELECT id, (SELECT count(*) FROM countries WHERE rate IS NOT NULL) AS n,
              (SELECT name FROM countries WHERE code > country) AS next,
              EXISTS (SELECT 1 FROM countries WHERE code = country) AS known,
              coalesce((SELECT max(rate) FROM countries), 0) AS most
            FROM shop
            """, shop, types: ["n": "bigint", "next": "text", "most": "numeric"],
            lookups: try loaded())
        #expect(transform.outputs.map(\.dependsOn) == [[0], [], [2], [2], []])
        #expect(!transform.needsWholeOldRow)
        #expect(
            try load(transform, ["1\ta\tDA\tx"])
                == ["1\t2\tDE\tf\t0.25"].map {
                    $0.replacingOccurrences(of: "DE", with: "Germany")
                })
    }

    @Test("A join that finds several rows stops the row")
    func several() throws {
        let transform = try compile(
            "SELECT id FROM shop LEFT JOIN countries ON code <> country", shop,
            lookups: try loaded())
        #expect(transform.statement != nil)
        #expect(try load(transform, ["1\ta\t\\N\tx"]) == ["1"])
        let error = #expect(throws: ReplicationError.self) {
            try load(transform, ["1\ta\tDE\tx"])
        }
        #expect(error?.why.contains("several rows of one") == true)
    }

    @Test(
        "What goes by no lookup's rules is refused with line and column",
        arguments: [
            ("SELECT id FROM shop s RIGHT JOIN countries k ON 1", "rows that the table does not"),
            ("SELECT id FROM shop s NATURAL JOIN countries", "names that may change"),
            ("SELECT id FROM countries k JOIN shop s ON k.code = s.country", "comes first"),
            ("SELECT id, k.nam AS n FROM shop s JOIN countries k ON 1", "no column 'nam'"),
            ("SELECT id, name FROM shop s JOIN countries k ON 1", "ambiguous column name"),
            ("SELECT id FROM shop s JOIN country k ON 1", "no table 'country'"),
            ("SELECT id, max(k.rate) AS m FROM shop s JOIN countries k ON 1", "needs many rows"),
            ("SELECT id, * FROM shop s JOIN countries k ON 1", "a star stands for"),
            (
                "SELECT id, k.sql || '' AS c FROM shop s, lookups.sqlite_schema k",
                "and lookups only"
            ),
            ("SELECT k.name AS id FROM shop s JOIN countries k ON 1", "no output is the key"),
        ])
    func refused(_ sql: String, _ why: String) throws {
        let error = refusal(sql, shop, lookups: try loaded())
        #expect(error?.why.contains(why) == true, "\(String(describing: error))")
        #expect(error?.place?.contains("line 1, column") == true)
    }

    @Test(
        "LEFT that is a name makes no left join",
        arguments: [
            ("FROM shop AS left JOIN countries k ON k.code = country", ["JOIN"]),
            (
                "FROM shop s JOIN rates r ON r.a = left JOIN countries k ON k.b = 1",
                ["JOIN", "JOIN"]
            ),
            ("FROM shop s JOIN rates r ON r.left JOIN countries k ON 1", ["JOIN", "JOIN"]),
            ("FROM shop AS left LEFT OUTER JOIN countries k ON 1", ["LEFT OUTER JOIN"]),
            (
                "FROM shop s NATURAL LEFT JOIN a, b CROSS JOIN c",
                ["NATURAL LEFT JOIN", ",", "CROSS JOIN"]
            ),
            (
                "FROM shop s LEFT JOIN (SELECT 1 FROM a JOIN b) x ON (x.a = 1) JOIN c",
                ["LEFT JOIN", "JOIN"]
            ),
        ])
    func names(_ from: String, _ expected: [String]) throws {
        let joins = try SelectText("SELECT id " + from).joins
        #expect(joins.joins.map { $0.words.joined(separator: " ") } == expected)
    }

    @Test("A table that is joined to itself, or to a function, is computed: its values may be NULL")
    func selfJoin() throws {
        let keyless = table("shop", "id:int32", "name:text", identity: .full)
        for sql in [
            "SELECT s.id, b.name FROM shop s LEFT JOIN shop b ON 0",
            "SELECT s.id, b.name FROM countries k LEFT JOIN shop s ON 1 LEFT JOIN shop b ON 0",
            "SELECT s.id, s.name FROM json_each('[]') LEFT JOIN shop s ON 0",
            "SELECT s.id, b.name FROM shop s LEFT JOIN countries k ON 1, shop b",
        ] {
            let types = ["id": "bigint", "name": "text"]
            if sql.contains("FROM countries") {
                #expect(refusal(sql, keyless, types: types, lookups: try loaded()) != nil)
                continue
            }
            let transform = try compile(sql, keyless, types: types, lookups: try loaded())
            #expect(transform.outputs.map(\.passes) == [nil, nil])
        }
    }

    @Test("A key of a lookup's values is not one to one")
    func key() throws {
        let sql = "SELECT sha256(k.name) AS id FROM shop s JOIN countries k ON k.code = s.id"
        let transform = try compile(sql, shop, key: ["id"], lookups: try loaded())
        #expect(!transform.isOneToOne)
    }

    @Test("Another file, key or type is another pipeline; an unused lookup is none of its business")
    func outline() throws {
        func outline(_ csv: String, sql: String = Self.left) throws -> String {
            try compile(sql, shop, lookups: try lookups(("countries", ["code"], csv))).outline
        }
        let first = try outline("code,name\nDE,A\n")
        #expect(try outline("code,name\nDE,A\n") == first)
        #expect(try outline("code,name\nDE,B\n") != first)
        let plain = try outline("code,name\nDE,A\n", sql: "SELECT id FROM shop")
        #expect(try plain == compile("SELECT id FROM shop", shop).outline)
    }

    @Test("A lookup of the table's name could never be reached")
    func twin() throws {
        let error = refusal(
            "SELECT id FROM shop", shop, lookups: try lookups(("Shop", ["a"], "a\n")))
        #expect(error?.why.contains("name of the table") == true)
    }
}

@Suite("Where lookups are kept")
struct LookupStorageTests {
    private let directory = NSTemporaryDirectory() + "martlet-\(UUID().uuidString)"

    private var files: [String] {
        (try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? []
    }

    @Test("A file does what memory does, and goes with its owner; one left behind goes too")
    func file() throws {
        defer { try? FileManager.default.removeItem(atPath: directory) }
        try FileManager.default.createDirectory(
            atPath: directory, withIntermediateDirectories: true)
        let left = directory + "/lookups-0.db"
        #expect(FileManager.default.createFile(atPath: left, contents: nil))
        do {
            let lookups = try loaded(.file(directory: directory, 1 << 20))
            #expect(lookups.memoryBytes == 0)
            #expect(files.count == 1 && !files.contains("lookups-0.db"))
            // Looks for files left behind, and finds one that is in use.
            let others = try loaded(.file(directory: directory, 1 << 20))
            #expect(files.count == 2)
            for lookups in [lookups, others] {
                let transform = try compile(LookupTests.left, shop, lookups: lookups)
                #expect(try load(transform, ["1\ta\tDE\t-"]) == ["1\ta\tGermany"])
            }
        }
        #expect(files.isEmpty)
    }

    @Test("Rows beyond the limit are refused, wherever they are")
    func limit() throws {
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let rows = (0..<20_000).map { "\($0),some words" }.joined(separator: "\n")
        for storage in [
            LookupStorage.memory(100_000), .file(directory: directory, 100_000),
        ] {
            let error = #expect(throws: ReplicationError.self) {
                try lookups(("k", ["id"], "id,name\n" + rows), storage: storage)
            }
            #expect(error?.remedy?.contains("memory_limit") == true, "\(String(describing: error))")
        }
        #expect(files.isEmpty)
        let all = try lookups(("k", ["id"], "id,name\n" + rows), storage: .memory(4 << 20))
        #expect((400_000...4 << 20).contains(all.memoryBytes))
    }

    @Test("Sessions of many threads see the same rows")
    func threads() async throws {
        let lookups = try loaded()
        await withTaskGroup(of: Bool.self) { group in
            for _ in 0..<8 {
                group.addTask {
                    let made = try? compile(LookupTests.left, shop, lookups: lookups)
                    guard let transform = made else { return false }
                    return (0..<50).allSatisfy { _ in
                        (try? load(transform, ["1\ta\tDE\t-"])) == ["1\ta\tGermany"]
                    }
                }
            }
            for await isRight in group { #expect(isRight) }
        }
    }
}
