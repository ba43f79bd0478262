/// A column's default, if it is a constant that means the same in every dialect.
///
/// Replicated rows bring every value, so that a default only matters to others who write after the
/// cut-over; what is not certain is left out and named in the plan.
package enum PortableDefault: Sendable, Equatable {
    case null
    /// Digits, with at most one minus and one point.
    case number(String)
    case string(String)
    case boolean(Bool)
    /// The moment of the INSERT.
    case currentTimestamp

    /// Nil if the expression is not a constant known to be the same.
    package init?(parsing expression: String, _ dialect: Dialect) {
        let text = expression.trimmed
        let found =
            dialect.isMySQLFamily ? Self.familyConstant(text) : Self.postgresConstant(text)
        guard let found else { return nil }
        self = found
    }

    /// The number as SQL has it, if it is one and whole: `'42'` is a number too.
    package var integer: String? {
        switch self {
        case .number(let text), .string(let text):
            text.wholeMatch(of: /-?[0-9]{1,20}/) == nil ? nil : text
        case .null, .boolean, .currentTimestamp: nil
        }
    }

    /// The number as SQL has it, if it is one without exponent.
    package var decimal: String? {
        switch self {
        case .number(let text), .string(let text):
            text.wholeMatch(of: /-?[0-9]+(\.[0-9]+)?/) == nil ? nil : text
        case .null, .boolean, .currentTimestamp: nil
        }
    }
}

// MARK: MySQL and MariaDB

extension PortableDefault {
    /// `42`, `-1.50`, `'text'`, `NULL`, `CURRENT_TIMESTAMP(6)`. A backslash in a string means what
    /// the session's sql_mode says, and is left out.
    private static func familyConstant(_ text: String) -> Self? {
        let upper = text.uppercased()
        if upper == "NULL" { return .null }
        if upper.wholeMatch(of: /CURRENT_TIMESTAMP(\([0-6]?\))?/) != nil {
            return .currentTimestamp
        }
        if text.wholeMatch(of: /-?[0-9]+(\.[0-9]+)?/) != nil { return .number(text) }
        guard text.hasPrefix("'"), !text.contains("\\") else { return nil }
        return quoted(text) { $0.isEmpty }
    }
}

// MARK: PostgreSQL

extension PortableDefault {
    /// `42`, `(-1)`, `'text'::type`, `true`: a literal with at most one cast behind it.
    private static func postgresConstant(_ text: String) -> Self? {
        if text.hasPrefix("'") { return quoted(text) { $0.isEmpty || isCast($0) } }
        let bare = withoutCast(text).trimmed
        let inner =
            bare.hasPrefix("(") && bare.hasSuffix(")")
            ? String(bare.dropFirst().dropLast()) : bare
        if Int64(inner) != nil { return .number(inner) }
        switch inner {
        case "true": return .boolean(true)
        case "false": return .boolean(false)
        default: return nil
        }
    }

    private static func withoutCast(_ text: String) -> String {
        guard let cast = text.firstRange(of: "::") else { return text }
        return isCast(text[cast.lowerBound...]) ? String(text[..<cast.lowerBound]) : text
    }

    /// `::type` with a name of nothing but letters, digits, dots, quotes and spaces: a length in
    /// parentheses could cut the value.
    private static func isCast(_ text: Substring) -> Bool {
        guard text.hasPrefix("::") else { return false }
        return text.dropFirst(2).allSatisfy {
            $0.isLetter || $0.isNumber || "_.\" ".contains($0)
        }
    }

    /// A literal of doubled quotes, and behind it what `ending` allows.
    private static func quoted(_ text: String, ending: (Substring) -> Bool) -> Self? {
        var content = ""
        var rest = text.dropFirst()
        while let quote = rest.firstIndex(of: "'") {
            content += rest[..<quote]
            rest = rest[rest.index(after: quote)...]
            guard rest.first == "'" else { return ending(rest) ? .string(content) : nil }
            content += "'"
            rest = rest.dropFirst()
        }
        return nil
    }
}

extension String {
    /// Without spaces at both ends.
    var trimmed: String {
        var text = self[...]
        while text.first?.isWhitespace == true { text.removeFirst() }
        while text.last?.isWhitespace == true { text.removeLast() }
        return String(text)
    }
}
