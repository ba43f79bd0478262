internal import ReplicationEngine
internal import ReplicationModel

/// SQL that compares a table's keys exactly as its key index does, from canonical texts.
struct KeyText {
    let columns: [Column]
    private let flavour: ServerFlavour

    init(_ route: TableRoute, _ flavour: ServerFlavour) {
        columns = route.keyColumns
        self.flavour = flavour
    }

    // MARK: Conditions

    /// `lower < key <= upper` for rows of the alias; nil for a range without bounds. Bounds that
    /// are equal mean that one key (a key-chunk, DESIGN 6.7).
    func condition(_ alias: String, _ range: KeyRange) throws -> String? {
        if let key = range.upper, range.isSingleKey {
            return try columns.indices.map { try compare(alias, $0, "=", key) }
                .joined(separator: " AND ")
        }
        let bounds = [
            try range.lower.map { try after(alias, $0) },
            try range.upper.map { try through(alias, $0) },
        ].compactMap { $0 }
        return bounds.isEmpty ? nil : bounds.joined(separator: " AND ")
    }

    func list(_ alias: String) -> String {
        columns.map { "\(alias).\(SQLText.name($0.name))" }.joined(separator: ", ")
    }

    /// Comparisons of rows use no index in either server: spelt out, with a bound on the first
    /// column, they do.
    private func after(_ alias: String, _ key: Key) throws -> String {
        try compare(alias, 0, columns.count > 1 ? ">=" : ">", key)
            + (columns.count > 1 ? " AND " + spelt(alias, 0, key) : "")
    }

    private func through(_ alias: String, _ key: Key) throws -> String {
        try compare(alias, 0, "<=", key)
            + (columns.count > 1 ? " AND NOT " + spelt(alias, 0, key) : "")
    }

    private func spelt(_ alias: String, _ at: Int, _ key: Key) throws -> String {
        let greater = try compare(alias, at, ">", key)
        guard at + 1 < columns.count else { return "(\(greater))" }
        let equal = try compare(alias, at, "=", key)
        return "(\(greater) OR \(equal) AND \(try spelt(alias, at + 1, key)))"
    }

    private func compare(_ alias: String, _ at: Int, _ sign: String, _ key: Key) throws -> String {
        "\(alias).\(SQLText.name(columns[at].name)) \(sign) \(try literal(at, key))"
    }

    // MARK: Literals

    /// The value as the column compares it. Labels compare by their number in an index.
    private func literal(_ at: Int, _ key: Key) throws -> String {
        let text = key.texts[at]
        let type = columns[at].type
        switch type.kind {
        case .int16, .int32, .int64, .unsigned64, .numeric, .year: return try number(text, at)
        case .bytes: return "x'\(text.dropFirst(2))'"
        case .bits: return "b'\(text)'"
        case .enumeration: return String((type.size.labels.firstIndex(of: text) ?? -1) + 1)
        case .labelSet: return String(setBits(text, type.size.labels))
        // Its zone is the session's.
        case .timestampWithZone: return SQLText.literal(String(text.dropLast(3)))
        case .timestamp, .date, .duration, .text, .fixedText, .uuid, .network:
            return SQLText.literal(text)
        default:
            throw ReplicationError(
                .unsupported, "compare keys", column: columns[at].name,
                why: "a key of type \(type.declaration) is not supported")
        }
    }

    /// Digits only: what comes from the log is not put into a statement as it is.
    private func number(_ text: String, _ at: Int) throws -> String {
        guard text.utf8.allSatisfy({ (48...57).contains($0) || $0 == 45 || $0 == 46 }) else {
            throw ReplicationError(
                .protocolViolation, "compare keys", column: columns[at].name,
                why: "the value of a number is none")
        }
        return text
    }

    private func setBits(_ text: String, _ labels: [String]) -> UInt64 {
        text.split(separator: ",").reduce(0) { bits, label in
            labels.firstIndex(of: String(label)).map { bits | 1 << UInt64($0) } ?? bits
        }
    }

    // MARK: Placing keys

    /// For each key how many cuts are strictly below it, in the keys' order: one sort of keys and
    /// cuts, keys before cuts that equal them, and a running count of cuts.
    func placement(_ keys: [Key], _ cuts: [Key]) throws -> String {
        let names = columns.indices.map { "k\($0)" }.joined(separator: ", ")
        func rows(_ list: [Key], isCut: Int) throws -> [String] {
            try list.enumerated().map { at, key in
                let values = try columns.indices.map { try typed($0, key) }
                return (flavour == .mysql ? "ROW" : "")
                    + "(\(isCut), \(at), \(values.joined(separator: ", ")))"
            }
        }
        let all = try rows(keys, isCut: 0) + rows(cuts, isCut: 1)
        return """
            WITH placed (cut, place, \(names)) AS (VALUES \(all.joined(separator: ", ")))
            SELECT below FROM (SELECT place, cut, SUM(cut) OVER (ORDER BY \(names), cut
            ROWS UNBOUNDED PRECEDING) AS below FROM placed) counted WHERE cut = 0 ORDER BY place
            """
    }

    /// A literal of the column's own type: without a column beside it, a bare one would compare as
    /// what it looks like.
    private func typed(_ at: Int, _ key: Key) throws -> String {
        let literal = try literal(at, key)
        let column = columns[at]
        switch column.type.kind {
        case .text, .fixedText:
            guard let collation = column.collation, let set = column.characterSet else {
                return literal
            }
            return "CONVERT(\(literal) USING \(set)) COLLATE \(collation)"
        case .uuid, .network: return "CAST(\(literal) AS \(column.type.declaration))"
        // Texts of dates sort like dates; those of spans do not.
        case .duration: return "CAST(\(literal) AS TIME(6))"
        case .bits: return "\(literal) + 0"
        default: return literal
        }
    }
}
