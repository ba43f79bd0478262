internal import Foundation
internal import ReplicationModel

/// Translates a column default of PostgreSQL, if it is a constant that means the same in SQLite.
///
/// Replicated rows bring every value, so that a default only matters to others who write after the
/// cut-over; what is not certain is left out and named in the plan.
enum PortableDefault {
    /// The literal for `DEFAULT`; nil if the expression is not a constant known to be the same.
    static func literal(_ expression: String, kind: ValueKind) -> String? {
        guard let constant = constant(expression) else { return nil }
        switch (kind, constant) {
        case (.int16, .number(let text)), (.int32, .number(let text)), (.int64, .number(let text)),
            (.int16, .string(let text)), (.int32, .string(let text)), (.int64, .string(let text)):
            return Int64(text).map(String.init)
        case (.boolean, .word("true")): return "1"
        case (.boolean, .word("false")): return "0"
        case (.text, .string(let text)), (.enumeration, .string(let text)):
            return text.utf8.contains(0) ? nil : text.quotedLiteral
        default: return nil
        }
    }

    private enum Constant {
        case number(String), string(String), word(String)
    }

    /// `42`, `(-1)`, `'text'::type`, `true`: a literal with at most one cast behind it.
    private static func constant(_ expression: String) -> Constant? {
        let text = expression.trimmed
        if text.hasPrefix("'") { return string(text) }
        let bare = withoutCast(text).trimmed
        let inner =
            bare.hasPrefix("(") && bare.hasSuffix(")")
            ? String(bare.dropFirst().dropLast()) : bare
        if Int64(inner) != nil { return .number(inner) }
        return ["true", "false"].contains(inner) ? .word(inner) : nil
    }

    /// A literal of doubled quotes, and behind it nothing or a cast.
    private static func string(_ text: String) -> Constant? {
        var content = ""
        var rest = text.dropFirst()
        while let quote = rest.firstIndex(of: "'") {
            content += rest[..<quote]
            rest = rest[rest.index(after: quote)...]
            guard rest.first == "'" else {
                return rest.isEmpty || isCast(rest) ? .string(content) : nil
            }
            content += "'"
            rest = rest.dropFirst()
        }
        return nil
    }

    private static func withoutCast(_ text: String) -> String {
        guard let cast = text.range(of: "::") else { return text }
        return isCast(text[cast.lowerBound...]) ? String(text[..<cast.lowerBound]) : text
    }

    /// `::type` with a name of nothing but letters, digits, dots, quotes and spaces: a length in
    /// parentheses could cut the value.
    private static func isCast(_ text: some StringProtocol) -> Bool {
        guard text.hasPrefix("::") else { return false }
        return text.dropFirst(2).allSatisfy {
            $0.isLetter || $0.isNumber || "_.\" ".contains($0)
        }
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

    /// The text with everything inside double and single quotes taken out, for a search for words.
    var withoutQuoted: String {
        var quote: Character?
        var kept = ""
        for character in self {
            if let open = quote {
                if character == open { quote = nil }
            } else if character == "\"" || character == "'" {
                quote = character
            } else {
                kept.append(character)
            }
        }
        return kept
    }
}
