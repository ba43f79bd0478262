import ReplicationModel

/// An output that is the same in every row: a text, an integer, or `source_name()`.
enum ConstantOutput {
    /// Only what every target and collation tells from another text by more than case and blanks.
    static func constant(
        _ range: Range<Int>, _ tokens: SQLTokens, _ column: Column
    ) -> Transform.Constant? {
        let range = TypeInference(tokens: tokens, columns: [:]).withoutName(range)
        guard let first = range.first, [.text, .int16, .int32, .int64].contains(column.type.kind)
        else { return nil }
        let token = tokens.tokens[first]
        let isText = column.type.kind == .text
        switch token.kind {
        case .string where isText && range.count == 1:
            let text = String(token.text.dropFirst().dropLast())
            return isPlain(text) ? .text(text) : nil
        case .number where range.count == 1:
            return Int64(token.text).flatMap { "\($0)" == token.text ? .text(token.text) : nil }
        case .word where isText && range.count == 3 && token.text == "SOURCE_NAME":
            return .sourceName
        default: return nil
        }
    }

    static func isPlain(_ text: String) -> Bool {
        !text.isEmpty
            && text.utf8.allSatisfy {
                UInt8(ascii: "a")...UInt8(ascii: "z") ~= $0
                    || UInt8(ascii: "A")...UInt8(ascii: "Z") ~= $0
                    || UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 || "_-.:/".utf8.contains($0)
            }
    }
}
