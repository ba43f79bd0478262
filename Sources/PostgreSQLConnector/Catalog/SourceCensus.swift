internal import ReplicationEngine
internal import ReplicationModel

/// Counts values that a target may have no place for.
struct SourceCensus {
    let table: TableSchema
    let questions: [ValueQuestion]

    func take(_ connection: PGConnection, whole: Bool) throws -> ValueCensus {
        let name = table.name.quoted
        let key = table.chunkKey.map(\.quotedIdentifier)
        let scan = ValueScan(
            origin: table.isPartitioned ? name : "ONLY \(name)", key: key,
            shownKey: key.map { "left(\($0)::text, 60)" },
            columns: Set(questions.map(\.column.name)).sorted().map(\.quotedIdentifier),
            conditions: questions.map(Self.condition))
        return try scan.census(whole: whole) { sql in
            let found = try connection.run(sql)
            return (0..<found.rowCount).map { row in
                (0..<found.columnCount).map { found.text(row, $0) }
            }
        }
    }

    private static func condition(_ question: ValueQuestion) -> String {
        let name = question.column.name.quotedIdentifier
        switch question.trait {
        case .outside(let first, let end):
            let inside = [first.map { "\(name) >= '\($0)'" }, end.map { "\(name) < '\($0)'" }]
            return "NOT (\(inside.compactMap { $0 }.joined(separator: " AND ")))"
        case .notFinite:
            let isDecimal = question.column.type.kind == .numeric
            return
                "\(name)::\(isDecimal ? "numeric" : "float8") IN ('NaN', 'Infinity', '-Infinity')"
        case .negativeZero: return "\(name) = 0 AND \(name)::text LIKE '-%'"
        case .above(let number): return "\(name) > \(number)"
        case .longer(let size):
            return question.column.type.kind == .bytes
                ? "octet_length(\(name)) > \(size)" : "char_length(\(name)::text) > \(size)"
        // Of what is stored out of line that is known without reading it.
        case .larger(let bytes): return "octet_length(\(name)) > \(bytes)"
        // Values of MySQL's: the server refuses or checks them when they are written.
        case .noDay, .nulByte, .invalidText, .noLabel, .rounded, .deeper: return "false"
        }
    }
}
