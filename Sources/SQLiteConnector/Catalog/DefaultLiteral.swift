internal import ReplicationModel

/// A column's default as SQLite writes it, if it means the same there.
enum DefaultLiteral {
    /// The literal for `DEFAULT`; nil if the expression is not a constant known to be the same. The
    /// moment of an INSERT is another one: SQLite's is in UTC, without fraction.
    static func text(
        _ expression: String, kind: ValueKind, _ dialect: Dialect = .postgresql
    ) -> String? {
        guard let constant = PortableDefault(parsing: expression, dialect) else { return nil }
        if constant == .null { return "NULL" }
        switch (kind, constant) {
        case (.int16, _), (.int32, _), (.int64, _), (.unsigned64, _), (.year, _):
            return constant.integer.flatMap(Int64.init).map(String.init)
        case (.boolean, .boolean(let isTrue)): return isTrue ? "1" : "0"
        case (.text, .string(let text)), (.enumeration, .string(let text)),
            (.labelSet, .string(let text)):
            return text.utf8.contains(0) ? nil : text.quotedLiteral
        case (.fixedText, .string(let text)) where dialect.isMySQLFamily:
            return text.utf8.contains(0) ? nil : text.quotedLiteral
        default: return nil
        }
    }
}
