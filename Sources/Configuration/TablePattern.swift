package import ReplicationModel

/// Which tables are meant: `schema.name` with `*` and `?`.
///
/// As in SQL, letters outside double quotes fold to lower case, and nothing inside them is special:
/// `"Public"."My.Table"` is one table, `public."Order"*` every table that begins with `Order`.
package struct TablePattern: Hashable, Sendable, CustomStringConvertible {
    enum Element: Hashable, Sendable {
        case letter(Unicode.Scalar)
        case anyOne
        case anyNumber
    }

    let schema: [Element]
    let name: [Element]
    /// As written.
    package let description: String

    /// - Throws: `.configuration` with why the text is no pattern; the caller adds the place.
    package init(parsing text: String) throws {
        let parts = try Self.parts(text)
        guard parts.count == 2 else {
            throw Self.malformed(
                text, parts.count == 1 ? "it has no schema" : "it has \(parts.count) parts",
                try: parts.count == 1 ? "public.\(text)" : "quote names that hold a dot: \"a.b\"")
        }
        guard parts.allSatisfy({ !$0.isEmpty }) else {
            throw Self.malformed(text, "one of its parts is empty", try: "public.*")
        }
        (schema, name, description) = (parts[0], parts[1], text)
    }

    private static func parts(_ text: String) throws -> [[Element]] {
        var parts: [[Element]] = [[]]
        var isQuoted = false
        var scalars = text.unicodeScalars[...]
        while let scalar = scalars.popFirst() {
            switch scalar {
            case "\"" where isQuoted && scalars.first == "\"":
                scalars.removeFirst()
                parts[parts.count - 1].append(.letter("\""))
            case "\"": isQuoted.toggle()
            case _ where isQuoted: parts[parts.count - 1].append(.letter(scalar))
            case ".": parts.append([])
            case "*": parts[parts.count - 1].append(.anyNumber)
            case "?": parts[parts.count - 1].append(.anyOne)
            default: parts[parts.count - 1].append(.letter(folded(scalar)))
            }
        }
        guard !isQuoted else {
            throw malformed(text, "a double quote is not closed", try: "\"Schema\".\"Table\"")
        }
        return parts
    }

    /// PostgreSQL folds ASCII letters only when the encoding is a multi-byte one.
    private static func folded(_ scalar: Unicode.Scalar) -> Unicode.Scalar {
        ("A"..."Z").contains(scalar) ? Unicode.Scalar(UInt8(scalar.value) + 32) : scalar
    }

    private static func malformed(_ text: String, _ why: String, try remedy: String)
        -> ReplicationError
    {
        ReplicationError(
            .configuration, "read the table pattern '\(text)'", why: why, try: "write \(remedy)")
    }

    package func matches(_ table: TableName) -> Bool {
        Self.match(schema, table.schema) && Self.match(name, table.name)
    }

    /// Greedy with one point to return to: linear for one `*`, never exponential.
    private static func match(_ pattern: [Element], _ text: String) -> Bool {
        let text = Array(text.unicodeScalars)
        var (p, t) = (0, 0)
        var star: (pattern: Int, text: Int)?
        while t < text.count {
            if p < pattern.count, pattern[p] == .anyNumber {
                star = (p, t)
                p += 1
            } else if p < pattern.count, fits(pattern[p], text[t]) {
                (p, t) = (p + 1, t + 1)
            } else if let last = star {
                star = (last.pattern, last.text + 1)
                (p, t) = (last.pattern + 1, last.text + 1)
            } else {
                return false
            }
        }
        return pattern[p...].allSatisfy { $0 == .anyNumber }
    }

    private static func fits(_ element: Element, _ scalar: Unicode.Scalar) -> Bool {
        switch element {
        case .letter(let letter): letter == scalar
        case .anyOne: true
        case .anyNumber: false
        }
    }
}

extension TableName {
    /// The pattern that matches exactly this table.
    package var pattern: String {
        [schema, name].map { part in
            let isPlain = part.unicodeScalars.allSatisfy {
                ("a"..."z").contains($0) || ("0"..."9").contains($0) || $0 == "_"
            }
            return isPlain && !part.isEmpty ? part : part.quotedIdentifier
        }.joined(separator: ".")
    }
}
