import Foundation
import ReplicationEngine
import ReplicationModel
import Testing

@testable import MySQLConnector

@Suite("Character sets of MySQL and MariaDB")
struct CharacterSetTests {
    static let supported = Set(
        Converters.names.map(\.set) + ["ascii", "latin1", "utf8mb3", "utf8mb4"])
    /// Sets whose characters have one byte.
    private static let isWide: Set = [
        "ucs2", "utf16", "utf16le", "cp932", "eucjpms", "euckr", "gb2312", "gbk",
    ]

    /// All texts of one byte, or of two (behind `prefix`), and what the server makes of each in
    /// UTF-8.
    private func conversions(
        _ set: String, _ connection: MySQLConnection, prefix: String = ""
    ) throws -> [(source: [UInt8], text: String?)] {
        let second = Self.isWide.contains(set) ? ", CHAR(b.g)" : ""
        // Behind a byte of ASCII another character begins.
        let isASCII = !["ucs2", "utf16", "utf16le"].contains(set)
        let pairs =
            Self.isWide.contains(set)
            ? "n a, n b" + (isASCII ? " WHERE a.g >= 128" : "") : "n a"
        let bytes = "CONCAT(x'\(prefix)', CHAR(a.g)\(second))"
        let rows = try connection.query(
            """
            WITH RECURSIVE n AS (SELECT 0 AS g UNION ALL SELECT g + 1 FROM n WHERE g < 255)
            SELECT HEX(\(bytes)), CONVERT(CONVERT(\(bytes) USING \(set)) USING utf8mb4)
            FROM \(pairs)
            """
        ).rows
        return rows.map { row in
            let digits = Array((row[0] ?? "").utf8)
            let source = stride(from: 0, to: digits.count, by: 2).compactMap {
                UInt8(String(decoding: digits[$0..<$0 + 2], as: UTF8.self), radix: 16)
            }
            return (source, row[1])
        }
    }

    private func compare(_ pairs: [(source: [UInt8], text: String?)], _ set: String) throws -> Int {
        let converters = Converters()
        let form = try converters.characterSet(named: set)
        var (equal, wrong) = (0, [String]())
        for (source, text) in pairs {
            // Shown for what is no character of the set, and mostly cannot be stored.
            let none: Set<Unicode.Scalar> = ["?", "\u{FFFD}"]
            guard let text, none.isDisjoint(with: text.unicodeScalars) else { continue }
            // Half a character, which MySQL leaves out without a word.
            if set == "eucjpms", [0x8E, 0x8F].contains(source.last) { continue }
            let ours = source.withUnsafeBytes { try? converters.text($0, form) }
            if ours == Array(text.utf8) {
                equal += 1
            } else {
                wrong.append("\(source): \(text) as \(ours ?? [])")
            }
        }
        #expect(wrong.isEmpty, "\(set): \(wrong.count), \(wrong.prefix(5))")
        return equal
    }

    @Test(
        "Each character is the server's own, or none", arguments: ["mariadb118", "mysql97"])
    func sameCharacters(_ server: String) throws {
        let connection = try TestServer.administrator(server)
        let known = Set(
            try connection.query("SELECT character_set_name FROM information_schema.character_sets")
                .column(0))
        for set in Self.supported.intersection(known).subtracting(["utf8mb3", "utf8mb4", "utf32"]) {
            let equal = try compare(conversions(set, connection), set)
            #expect(equal >= 127, "\(set): \(equal) characters")
        }
        if known.contains("eucjpms") {
            _ = try compare(conversions("eucjpms", connection, prefix: "8F"), "eucjpms")
        }
    }

    @Test(
        "Sets that nothing here converts as the server does are refused", arguments: TestServer.all)
    func refused(_ server: String) throws {
        let database = try TestServer(on: server)
        let connection = try database.connect(.target)
        let known = Set(
            try connection.query("SELECT character_set_name FROM information_schema.character_sets")
                .column(0)
        ).subtracting(["binary"])
        for set in known {
            try connection.run(
                "CREATE TABLE \(set) (id INT PRIMARY KEY, v VARCHAR(9) CHARACTER SET \(set))")
        }
        let catalog = CatalogTables(connection: connection, database: database.name)
        let tables = try catalog.describe(catalog.list())
        let found = try Preflight(connection: connection, tables: tables).tableFindings()
        let refused = Set(found.filter { $0.severity == .refused }.compactMap(\.table?.name))
        #expect(refused == known.subtracting(Self.supported))
        #expect(refused.isSuperset(of: ["big5", "cp866", "sjis", "ujis", "tis620", "hebrew"]))
        #expect(found.first { $0.table?.name == "big5" }?.column == "v")
    }

    @Test("What the server cannot show as text stops the reader, and check counts it")
    func notText() throws {
        let database = try TestServer(on: "mariadb118")
        let connection = try database.connect(.target)
        try connection.run(
            "CREATE TABLE t (id INT PRIMARY KEY, a VARCHAR(9) CHARACTER SET ascii,"
                + " c VARCHAR(9) CHARACTER SET cp1250)")
        try connection.run("INSERT INTO t VALUES (1, 'a?', 'é?'), (2, x'61ff', ''), (3, '', x'81')")
        let route = try database.route("t")
        let asked = route.columns.dropFirst().map {
            ValueQuestion(.invalidText, of: $0, in: route.source.name)
        }
        let census = try database.source.census(route.source, Array(asked), whole: true)
        #expect(census.answers.map(\.keys) == [[["2"]], [["3"]]])
        let reader = try database.source.openReader(label: "test")
        func read(_ id: Int) throws -> String {
            var bytes: [UInt8] = []
            let key = { (number: Int) in Key([Array(String(number).utf8)]) }
            _ = try reader.copy(
                route, KeyRange(after: key(id - 1), through: key(id)), format: .copyText
            ) { bytes.append(contentsOf: $0) }
            return String(decoding: bytes, as: UTF8.self)
        }
        #expect(try read(1) == "1\ta?\té?\n")
        let error = #expect(throws: ReplicationError.self) { _ = try read(2) }
        #expect(error?.kind == .invalidValue)
        #expect(error?.column == "a")
    }
}
