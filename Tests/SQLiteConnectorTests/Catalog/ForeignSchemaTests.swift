import ReplicationEngine
import ReplicationModel
import Testing

@testable import SQLiteConnector

@Suite("Tables of MySQL and MariaDB in a plan for SQLite")
struct ForeignSchemaTests {
    private func index(_ name: String, _ columns: [String], _ definition: String = "") -> Index {
        Index(
            name: name, columns: columns, isUnique: false, isConstraint: false,
            definition: definition)
    }

    private func key(_ name: String, _ column: String, _ other: String) -> ForeignKey {
        ForeignKey(
            name: name, columns: [column], referenced: TableName(schema: "public", name: "p"),
            referencedColumns: [other],
            definition: "FOREIGN KEY (`\(column)`) REFERENCES `p` (`x`) ON DELETE SET NULL",
            changesRows: true, isDeferrable: false)
    }

    private var parent: TableRoute {
        route("p", [Column("id", .unsigned64), Column("w", .text)], unique: [["w"]]) {
            $0.dialect = .mysql
            $0.indexes[0].definition = "USING BTREE (`w`)"
            $0.columns[0].identity = .byDefault
        }
    }

    private var child: TableRoute {
        var number = Column("n", .int32)
        number.defaultExpression = "'7'"
        var text = Column("c", .fixedText)
        text.defaultExpression = "'it''s'"
        var made = Column("at", .timestamp)
        made.defaultExpression = "CURRENT_TIMESTAMP"
        let columns = [
            Column("id", .int32), number, text, made, Column("parent", .unsigned64),
            Column("w", .text), Column("y", .year),
        ]
        return route("c", columns, id: 2) {
            $0.dialect = .mariadb
            $0.indexes = [
                self.index("plain", ["n", "c"], "USING BTREE (`n`,`c`)"),
                self.index("part", ["w"], "USING BTREE (`w`(10))"),
                self.index("words", ["w"], "FULLTEXT KEY (`w`)"),
            ]
            $0.foreignKeys = [
                self.key("one", "parent", "id"), self.key("by_text", "w", "w"),
                self.key("loose", "n", "n"),
            ]
        }
    }

    @Test("What means the same is made, what does not is named")
    func plan() throws {
        let file = try TargetFile([parent, child])
        let plan = try file.target.schemaPlan([parent, child], prerequisites: [])
        #expect(plan.beforeRows[0].contains(#""id" INTEGER PRIMARY KEY"#))
        for part in [
            #""n" INTEGER DEFAULT 7"#, #""c" TEXT DEFAULT 'it''s'"#,
            #"FOREIGN KEY ("parent") REFERENCES "p" ("id") ON DELETE SET NULL"#,
        ] {
            #expect(plan.beforeRows[1].contains(part), "\(part) in \(plan.beforeRows[1])")
        }
        #expect(!plan.beforeRows[1].contains("by_text"))
        #expect(plan.afterRows[2]?.count == 1)
        for words in [
            ".at: the default is left out", "the index part is left out",
            "the index words is left out: the target has no fulltext index",
            "the foreign key by_text is left out", "the foreign key loose is left out",
        ] {
            #expect(plan.mappings.contains { $0.contains(words) }, "\(words) in \(plan.mappings)")
        }
    }

    @Test("A36: A number beyond 64 bits with a sign is refused by name, never cut")
    func unsigned() throws {
        let route = parent
        let file = try TargetFile([route])
        let error = failure {
            try file.apply(
                batch { $0.transaction { $0.insert(["9223372036854775808", nil]) } }, [route])
        }
        #expect(error?.kind == .invalidValue && error?.column == "id")
        #expect(try file.rows("SELECT count(*) FROM p") == ["0"])
    }

    static let defaults: [(String, ValueKind, String?)] = [
        ("'0'", .int32, "0"), ("-1", .int64, "-1"), ("18446744073709551615", .unsigned64, nil),
        ("NULL", .text, "NULL"), ("'a'", .text, "'a'"), ("'a\\\\n'", .text, nil),
        ("'b'", .enumeration, "'b'"), ("'a,b'", .labelSet, "'a,b'"), ("2024", .year, "2024"),
        ("uuid()", .text, nil), ("(1 + 1)", .int32, nil), ("b'1'", .bits, nil),
        ("current_timestamp()", .timestamp, nil), ("'0.00'", .numeric, nil), ("''", .text, "''"),
        ("_utf8mb4'x'", .text, nil), ("'a'::text", .text, nil),
    ]

    @Test("Only constants that mean the same become defaults", arguments: defaults)
    func literals(_ expression: String, _ kind: ValueKind, _ literal: String?) {
        #expect(DefaultLiteral.text(expression, kind: kind, .mysql) == literal)
    }
}
