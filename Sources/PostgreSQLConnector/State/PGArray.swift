/// One-dimensional `text[]` values in the server's text form.
///
/// Source: PostgreSQL documentation, "Array Input and Output Syntax".
enum PGArray {
    /// Every element quoted: so NULL, empty text, spaces and commas need no thought.
    static func literal(_ elements: [String]) -> String {
        let quoted = elements.map { element in
            "\"" + element.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"") + "\""
        }
        return "{" + quoted.joined(separator: ",") + "}"
    }

    /// Nil if `text` is not a one-dimensional array without NULLs.
    static func elements(parsing text: String) -> [String]? {
        let bytes = Array(text.utf8)
        guard bytes.count >= 2, bytes.first == UInt8(ascii: "{"), bytes.last == UInt8(ascii: "}")
        else { return nil }
        let body = bytes[1..<bytes.count - 1]
        var elements: [String] = []
        var index = body.startIndex
        while index < body.endIndex {
            guard let (element, end) = element(of: body, at: index) else { return nil }
            elements.append(element)
            if end == body.endIndex { return elements }
            guard body[end] == UInt8(ascii: ","), end + 1 < body.endIndex else { return nil }
            index = end + 1
        }
        return elements
    }

    private static func element(of body: ArraySlice<UInt8>, at start: Int) -> (String, Int)? {
        if body[start] == UInt8(ascii: "\"") { return quoted(body, after: start + 1) }
        let end = body[start...].firstIndex(of: UInt8(ascii: ",")) ?? body.endIndex
        let bare = body[start..<end]
        guard !bare.isEmpty, !bare.contains(where: { "{}\"\\".utf8.contains($0) }) else {
            return nil
        }
        let text = String(decoding: bare, as: UTF8.self)
        return text.uppercased() == "NULL" ? nil : (text, end)
    }

    private static func quoted(_ body: ArraySlice<UInt8>, after start: Int) -> (String, Int)? {
        var content: [UInt8] = []
        var index = start
        while index < body.endIndex {
            switch body[index] {
            case UInt8(ascii: "\""): return (String(decoding: content, as: UTF8.self), index + 1)
            case UInt8(ascii: "\\"):
                guard index + 1 < body.endIndex else { return nil }
                content.append(body[index + 1])
                index += 2
            case let byte:
                content.append(byte)
                index += 1
            }
        }
        return nil
    }
}
