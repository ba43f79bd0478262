/// Swift source with the contents of comments and string literals blanked out; lines stay lines.
struct SourceText {
    let path: String
    /// As written.
    let lines: [Substring]
    /// Without comments and the contents of strings.
    let code: [Substring]

    init(path: String, text: String) {
        self.path = path
        lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        var blanker = Blanker(text)
        code = blanker.blanked().split(separator: "\n", omittingEmptySubsequences: false)
    }

    var lineCount: Int { lines.last?.isEmpty == true ? lines.count - 1 : lines.count }
    var isTest: Bool { path.hasPrefix("Tests/") }
    /// `Sources/Module/...`
    var module: String? {
        let parts = path.split(separator: "/")
        return parts.count > 2 && parts[0] == "Sources" ? String(parts[1]) : nil
    }

    struct Function {
        var line: Int
        var length: Int
    }

    /// Functions and initialisers with a body: from the line of `func` to the closing brace.
    /// Nested ones are found as well, and count in the outer one.
    var functions: [Function] {
        var found: [Function] = []
        var waiting: Int?
        var open: [(depth: Int, line: Int)] = []
        var depth = 0
        var parentheses = 0
        for (number, line) in code.enumerated() {
            if line.startsFunction { (waiting, parentheses) = (number, 0) }
            for character in line {
                switch character {
                case "(": parentheses += 1
                case ")": parentheses -= 1
                case "{":
                    depth += 1
                    guard parentheses == 0, let start = waiting else { continue }
                    open.append((depth, start))
                    waiting = nil
                case "}":
                    if open.last?.depth == depth, let start = open.popLast()?.line {
                        found.append(Function(line: start + 1, length: number - start + 1))
                    }
                    // A requirement of a protocol has no body.
                    if parentheses == 0 { waiting = nil }
                    depth -= 1
                default: continue
                }
            }
        }
        return found
    }
}

extension Substring {
    var words: [Substring] {
        split { !($0.isLetter || $0.isNumber || $0 == "_" || $0 == "@" || $0 == "!") }
    }

    fileprivate var startsFunction: Bool {
        for word in drop(while: \.isWhitespace).split(separator: " ") {
            if word == "func" || word.hasPrefix("init(") || word.hasPrefix("init?(")
                || word.hasPrefix("init<") || word == "deinit"
            {
                return true
            }
            guard Self.modifiers.contains(String(word)) || word.hasPrefix("@") else { return false }
        }
        return false
    }

    private static let modifiers: Set<String> = [
        "public", "package", "internal", "fileprivate", "private", "static", "final", "mutating",
        "nonmutating", "override", "convenience", "required", "consuming", "borrowing",
        "nonisolated", "class",
    ]
}

/// Replaces comments and string contents by spaces.
private struct Blanker {
    private let text: [Character]
    private var at = 0
    private var out: [Character] = []

    init(_ text: String) { self.text = Array(text) }

    mutating func blanked() -> String {
        while at < text.count {
            if starts("//") {
                while at < text.count, text[at] != "\n" { skip(1) }
            } else if starts("/*") {
                skipComment()
            } else if let hashes = hashesBeforeQuote {
                skipString(hashes)
            } else {
                out.append(text[at])
                at += 1
            }
        }
        return String(out)
    }

    private func starts(_ prefix: String) -> Bool {
        at + prefix.count <= text.count && text[at..<at + prefix.count].elementsEqual(prefix)
    }

    private mutating func skip(_ count: Int) {
        for _ in 0..<count where at < text.count {
            out.append(text[at] == "\n" ? "\n" : " ")
            at += 1
        }
    }

    private mutating func skipComment() {
        var depth = 0
        repeat {
            if starts("/*") {
                depth += 1
                skip(2)
            } else if starts("*/") {
                depth -= 1
                skip(2)
            } else {
                skip(1)
            }
        } while depth > 0 && at < text.count
    }

    /// How many `#` stand before the quote of a literal that begins here; nil if none does.
    private var hashesBeforeQuote: Int? {
        var index = at
        while index < text.count, text[index] == "#" { index += 1 }
        return index < text.count && text[index] == "\"" ? index - at : nil
    }

    private mutating func skipString(_ hashes: Int) {
        skip(hashes)
        let quote = starts("\"\"\"") ? "\"\"\"" : "\""
        let end = quote + String(repeating: "#", count: hashes)
        let escape = "\\" + String(repeating: "#", count: hashes)
        skip(quote.count)
        while at < text.count, !starts(end) {
            if starts(escape + "(") {
                skip(escape.count)
                skipInterpolation()
            } else {
                skip(starts(escape) ? escape.count + 1 : 1)
            }
        }
        skip(end.count)
    }

    private mutating func skipInterpolation() {
        var depth = 0
        repeat {
            if let hashes = hashesBeforeQuote {
                skipString(hashes)
                continue
            }
            if text[at] == "(" { depth += 1 }
            if text[at] == ")" { depth -= 1 }
            skip(1)
        } while depth > 0 && at < text.count
    }
}
