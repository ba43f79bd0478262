import Foundation

/// A column default of PostgreSQL that is a constant and means the same in other databases.
///
/// Replicated rows bring every value, so that a default only matters to others who write after the
/// cut-over; what is not certain is left out and named in the plan.
package enum PortableDefault: Sendable, Equatable {
    case number(Int64)
    case boolean(Bool)
    case string(String)

    /// Nil if the expression is not a constant known to be the same.
    package init?(_ expression: String, kind: ValueKind) {
        guard let constant = Self.constant(expression) else { return nil }
        switch (kind, constant) {
        case (.int16, .number(let text)), (.int32, .number(let text)), (.int64, .number(let text)),
            (.int16, .string(let text)), (.int32, .string(let text)), (.int64, .string(let text)):
            guard let number = Int64(text) else { return nil }
            self = .number(number)
        case (.boolean, .word("true")): self = .boolean(true)
        case (.boolean, .word("false")): self = .boolean(false)
        case (.text, .string(let text)), (.enumeration, .string(let text)):
            guard !text.utf8.contains(0) else { return nil }
            self = .string(text)
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
    fileprivate var trimmed: String {
        var text = self[...]
        while text.first?.isWhitespace == true { text.removeFirst() }
        while text.last?.isWhitespace == true { text.removeLast() }
        return String(text)
    }
}
