internal import ReplicationEngine
internal import ReplicationModel

/// Counts values that a target may have no place for.
struct SourceCensus {
    let table: TableSchema
    let questions: [ValueQuestion]

    func take(_ connection: MySQLConnection, whole: Bool) throws -> ValueCensus {
        let key = table.chunkKey
        let scan = ValueScan(
            origin: SQLText.name(table.name), key: key.map(SQLText.name),
            shownKey: table.columns.filter { key.contains($0.name) }
                .sorted { place($0, key) < place($1, key) }.map(Self.shown),
            columns: Set(questions.map(\.column.name)).sorted().map(SQLText.name),
            conditions: questions.map(Self.condition))
        return try scan.census(whole: whole) { try connection.query($0).rows }
    }

    private func place(_ column: Column, _ key: [String]) -> Int {
        key.firstIndex(of: column.name) ?? 0
    }

    private static func shown(_ column: Column) -> String {
        let name = SQLText.name(column.name)
        switch column.type.kind {
        case .bytes: return "CONCAT('0x', LEFT(HEX(\(name)), 60))"
        case .bits: return "BIN(\(name) + 0)"
        default: return "LEFT(\(name), 60)"
        }
    }

    private static func condition(_ question: ValueQuestion) -> String {
        let name = SQLText.name(question.column.name)
        switch question.trait {
        case .noDay: return noDay(name)
        case .outside(let first, let end):
            let sides = [first.map { "\(name) < '\($0)'" }, end.map { "\(name) >= '\($0)'" }]
            return sides.compactMap { $0 }.joined(separator: " OR ")
        // By bytes: to most collations a NUL is no letter at all, and is found everywhere.
        case .nulByte:
            return "LOCATE(x'00', \(SQLText.bytes(of: SQLText.utf8(name)))) > 0"
        case .invalidText: return invalidText(name, question.column.characterSet ?? "utf8mb4")
        case .negativeZero: return "\(name) = 0 AND CAST(\(name) AS CHAR) LIKE '-%'"
        case .above(let number): return "\(name) > \(number)"
        case .longer(let size):
            let function = question.column.type.kind == .bytes ? "LENGTH" : "CHAR_LENGTH"
            return "\(function)(\(name)) > \(size)"
        case .larger(let bytes): return "LENGTH(\(name)) > \(bytes)"
        case .rounded:
            let text = "CAST(\(name) AS CHAR)"
            return "CAST(CAST(\(text) AS JSON) AS CHAR) COLLATE utf8mb4_bin <> \(text)"
        case .deeper(let levels): return "JSON_DEPTH(\(name)) > \(levels)"
        case .noLabel: return "\(name) + 0 = 0"
        // No column of theirs holds such a value.
        case .notFinite: return "FALSE"
        }
    }

    /// The server puts other characters, mostly question marks, for what it has no character for:
    /// back in its own set such a text is not what it was. By utf16, since MariaDB's utf8mb4 takes
    /// halves of pairs. Where some character has two codes, a good text is not the same either: are
    /// the question marks more than before?
    private static func invalidText(_ name: String, _ set: String) -> String {
        let text = "CONVERT(\(name) USING utf16)"
        guard Converters.isAmbiguous(set) else {
            return SQLText.bytes(of: "CONVERT(\(text) USING \(set))") + " <> "
                + SQLText.bytes(of: name)
        }
        func others(_ text: String, _ set: String) -> String {
            let (mark, none) = ("CONVERT('?' USING \(set))", "CONVERT('' USING \(set))")
            return "CHAR_LENGTH(REPLACE(\(text), \(mark), \(none)))"
        }
        return others(text, "utf16") + " < " + others(name, set)
    }

    /// Comparisons with literals would be refused or warn: such dates are none to them either.
    private static func noDay(_ name: String) -> String {
        let last = "DAYOFMONTH(LAST_DAY(DATE_FORMAT(\(name), '%Y-%m-01')))"
        return "YEAR(\(name)) = 0 OR MONTH(\(name)) = 0 OR DAYOFMONTH(\(name)) = 0"
            + " OR DAYOFMONTH(\(name)) > \(last)"
    }
}
