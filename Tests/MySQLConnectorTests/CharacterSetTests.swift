import Foundation
import ReplicationEngine
import ReplicationModel
import Testing

@testable import MySQLConnector

@Suite("Character sets of MySQL and MariaDB")
struct CharacterSetTests {
    private static func sets(_ connection: MySQLConnection) throws -> [String] {
        try connection.query(
            "SELECT character_set_name FROM information_schema.character_sets ORDER BY 1"
        ).column(0).filter { !["binary", "utf8mb3", "utf8mb4"].contains($0) }
    }

    /// Bytes by SQL: all that can be a character of one or two bytes, and of those with more all
    /// below U+10000. No byte of them is a question mark.
    private static func codes(_ set: String) -> [(bytes: String, from: String)] {
        let pair = "CHAR(a.g), CHAR(b.g)"
        let parts = "a.g IN (0, 4, 215, 216, 219, 220, 223, 224, 255)"
        func pairs(_ prefix: String, _ condition: String) -> (bytes: String, from: String) {
            (
                "CONCAT(x'\(prefix)', \(pair))",
                "n a, n b WHERE a.g <> 63 AND b.g <> 63 AND \(condition)"
            )
        }
        switch set {
        case "ucs2": return [pairs("", parts)]
        case "utf16": return [pairs("", parts), pairs("D83D", parts)]
        case "utf16le": return [pairs("", "b.g > 200 OR b.g = 4"), pairs("3DD8", "b.g > 200")]
        case "utf32": return [pairs("0000", parts), pairs("0010", parts), pairs("0011", "a.g = 0")]
        case "gb18030":
            let quad = """
                n a, n b, n c, n d WHERE a.g IN (129, 130, 131, 132, 144, 227)
                AND b.g BETWEEN 48 AND 57 AND c.g BETWEEN 129 AND 254 AND d.g BETWEEN 48 AND 57
                """
            return [pairs("", "a.g > 127"), ("CONCAT(\(pair), CHAR(c.g), CHAR(d.g))", quad)]
        case "big5", "cp932", "euckr", "gb2312", "gbk", "sjis": return [pairs("", "a.g > 127")]
        case "eucjpms", "ujis": return [pairs("", "a.g > 127"), pairs("8F", "a.g > 127")]
        default: return [("CHAR(a.g)", "n a WHERE a.g <> 63")]
        }
    }

    /// What the server makes of each in UTF-8; nil for what is no character.
    private static func conversions(
        _ set: String, _ connection: MySQLConnection
    ) throws -> [(source: [UInt8], text: String?)] {
        let isUnicode = set.hasPrefix("utf") || ["ucs2", "gb18030"].contains(set)
        return try codes(set).flatMap { bytes, from in
            try connection.query(
                """
                WITH RECURSIVE n AS (SELECT 0 AS g UNION ALL SELECT g + 1 FROM n WHERE g < 255)
                SELECT HEX(\(bytes)), CONVERT(CONVERT(\(bytes) USING \(set)) USING utf8mb4)
                FROM \(from)
                """
            ).rows.map { ($0[0] ?? "", $0[1]) }
        }.map { digits, text in
            // Shown for what is no character; the sets of Unicode have U+FFFD itself.
            let none: Set<Unicode.Scalar> =
                ["FFFD", "FDFF", "0000FFFD", "8431A437"].contains(digits) && isUnicode
                ? ["?"] : ["?", "\u{FFFD}"]
            let isNone = text.map { !none.isDisjoint(with: $0.unicodeScalars) } ?? true
            return (Self.bytes(digits), isNone ? nil : text)
        }
    }

    private static func bytes(_ digits: String) -> [UInt8] {
        let digits = Array(digits.utf8)
        func digit(_ at: Int) -> UInt8 { digits[at] < 58 ? digits[at] - 48 : digits[at] - 55 }
        return stride(from: 0, to: digits.count, by: 2).map { digit($0) << 4 | digit($0 + 1) }
    }

    private func compare(_ pairs: [(source: [UInt8], text: String?)], _ set: String) throws -> Int {
        let converters = Converters()
        let form = try converters.characterSet(named: set)
        var (equal, wrong) = (0, [String]())
        for (source, text) in pairs {
            // Half a character, which MySQL leaves out without a word.
            if ["eucjpms", "ujis"].contains(set), [0x8E, 0x8F].contains(source.last) { continue }
            let ours = source.withUnsafeBytes { try? converters.text($0, form) }
            if ours == text.map({ Array($0.utf8) }) {
                equal += ours == nil ? 0 : 1
            } else {
                wrong.append("\(source): \(text ?? "none") as \(ours ?? [])")
            }
        }
        #expect(wrong.isEmpty, "\(set): \(wrong.count), \(wrong.prefix(5))")
        return equal
    }

    @Test("Each character is the server's own, or none", arguments: TestServer.all)
    func sameCharacters(_ server: String) throws {
        let connection = try TestServer.administrator(server)
        for set in try Self.sets(connection) {
            let equal = try compare(Self.conversions(set, connection), set)
            #expect(equal >= 126, "\(set): \(equal) characters")
        }
    }

    @Test(
        "Every set of the servers is taken; keys of two codes in one piece",
        arguments: TestServer.all)
    func taken(_ server: String) throws {
        let database = try TestServer(on: server)
        let connection = try database.connect(.target)
        let sets = try Self.sets(connection)
        for set in sets {
            try connection.run(
                "CREATE TABLE \(set) (id CHAR(9) CHARACTER SET \(set) COLLATE \(set)_bin"
                    + " PRIMARY KEY)"
            )
        }
        let catalog = CatalogTables(connection: connection, database: database.name)
        let tables = try catalog.describe(catalog.list())
        let found = try Preflight(connection: connection, tables: tables).tableFindings()
        #expect(found.filter { $0.severity == .refused }.isEmpty)
        let whole = Set(tables.filter { $0.columns[0].isAmbiguous }.map(\.name.name))
        #expect(whole == ["armscii8", "cp932", "eucjpms", "sjis", "ujis"])
        #expect(try database.route("sjis").isOneChunk)
        #expect(try !database.route("gbk").isOneChunk)
    }

    @Test("What the server cannot show as text stops the reader, and check counts it")
    func notText() throws {
        let database = try TestServer(on: "mariadb118")
        let connection = try database.connect(.target)
        try connection.run(
            "CREATE TABLE t (id INT PRIMARY KEY, a VARCHAR(9) CHARACTER SET ascii,"
                + " c VARCHAR(9) CHARACTER SET cp1250, t VARCHAR(9) CHARACTER SET tis620,"
                + " u VARCHAR(9) CHARACTER SET ucs2, s VARCHAR(9) CHARACTER SET sjis)")
        try connection.run(
            """
            INSERT INTO t VALUES (1, 'a?', 'é?', 'ก?', 'é?', '\\\\?'), (2, x'61ff', '', '', '', ''),
            (3, '', x'81', '', '', ''), (4, '', '', x'a1db', '', ''),
            (5, '', '', '', x'0041D800', ''), (6, '', '', '', '', x'8740')
            """)
        let route = try database.route("t")
        let asked = route.columns.dropFirst().map {
            ValueQuestion(.invalidText, of: $0, in: route.source.name)
        }
        let census = try database.source.census(route.source, Array(asked), whole: true)
        #expect(census.answers.map(\.keys) == (2...6).map { [[String($0)]] })
        func read(_ id: Int) throws -> String {
            let reader = try database.source.openReader(label: "test")
            var bytes: [UInt8] = []
            let key = { (number: Int) in Key([Array(String(number).utf8)]) }
            _ = try reader.copy(
                route, KeyRange(after: key(id - 1), through: key(id)), format: .copyText
            ) { bytes.append(contentsOf: $0) }
            return String(decoding: bytes, as: UTF8.self)
        }
        #expect(try read(1) == "1\ta?\té?\tก?\té?\t\\\\?\n")
        for (id, column) in zip(2..., ["a", "c", "t", "u", "s"]) {
            let error = #expect(throws: ReplicationError.self) { _ = try read(id) }
            #expect(error?.kind == .invalidValue)
            #expect(error?.column == column)
        }
    }
}
