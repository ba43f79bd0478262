import Foundation

extension FunctionLibrary {
    static let texts: [SQLFunction] = [
        SQLFunction("mask", 3...3, .text) { call throws(FunctionFault) in
            let text = try call.text(0)
            let left = try call.integer(1, in: 0...1_000_000)
            let right = try call.integer(2, in: 0...1_000_000)
            return .text(mask(text, left, right))
        },
        SQLFunction("split_part", 3...3, .text) { call throws(FunctionFault) in
            let text = try call.text(0)
            let number = try call.integer(2, in: -1_000_000...1_000_000)
            guard number != 0 else { throw FunctionFault("parts are counted from 1") }
            return .text(part(number, of: text, by: try call.text(1)))
        },
        SQLFunction("initcap", 1...1, .text) { call throws(FunctionFault) in
            .text(initcap(try call.text(0)))
        },
        SQLFunction("regexp_like", 2...3, .boolean) { call throws(FunctionFault) in
            let (pattern, _) = try pattern(call, flags: 2, known: "ic")
            let text = try call.text(0)
            return .integer(try matches(pattern, text, all: false, call).isEmpty ? 0 : 1)
        },
        SQLFunction("regexp_replace", 3...4, .text) { call throws(FunctionFault) in
            let (pattern, flags) = try pattern(call, flags: 3, known: "gic")
            let text = try call.text(0)
            let found = try matches(pattern, text, all: flags.contains("g"), call)
            return .text(
                try replaced(found, pattern, text, template(try call.text(2)), call.context))
        },
    ]

    /// Matches in order. A pattern that tries every way is ended when the row's time is over; one
    /// that runs out of memory has not looked everywhere.
    private static func matches(
        _ pattern: NSRegularExpression, _ text: String, all: Bool, _ call: FunctionCall
    ) throws(FunctionFault) -> [NSTextCheckingResult] {
        var found: [NSTextCheckingResult] = []
        var why: String?
        pattern.enumerateMatches(
            in: text, options: [.reportProgress, .reportCompletion], range: whole(text)
        ) { match, flags, stop in
            if flags.contains(.internalError) { why = "the pattern needs too much memory" }
            if !call.context.time.look() { why = "the pattern takes too long" }
            if let match { found.append(match) }
            if why != nil || !all && match != nil { stop.pointee = true }
        }
        if let why { throw FunctionFault(why) }
        return found
    }

    private static func replaced(
        _ found: [NSTextCheckingResult], _ pattern: NSRegularExpression, _ text: String,
        _ template: String, _ context: ChangeContext
    ) throws(FunctionFault) -> String {
        let whole = text as NSString
        let result = NSMutableString(capacity: text.utf16.count)
        var end = 0
        for match in found {
            result.append(
                whole.substring(
                    with: NSRange(location: end, length: match.range.location - end)))
            result.append(
                pattern.replacementString(for: match, in: text, offset: 0, template: template))
            end = match.range.location + match.range.length
            guard result.length <= context.valueLimit else {
                throw FunctionFault("the result is too long")
            }
        }
        result.append(whole.substring(from: end))
        return result as String
    }

    /// Every letter in between becomes `*`; a text that is no longer than what is kept is hidden
    /// whole.
    private static func mask(_ text: String, _ left: Int, _ right: Int) -> String {
        let letters = Array(text)
        guard letters.count > left + right else {
            return String(repeating: "*", count: letters.count)
        }
        return String(letters[..<left])
            + String(repeating: "*", count: letters.count - left - right)
            + String(letters[(letters.count - right)...])
    }

    /// As PostgreSQL's: from the end below zero; nothing beyond the last part.
    private static func part(_ number: Int, of text: String, by separator: String) -> String {
        let parts = separator.isEmpty ? [text] : text.components(separatedBy: separator)
        let index = number > 0 ? number - 1 : parts.count + number
        return parts.indices.contains(index) ? parts[index] : ""
    }

    /// As PostgreSQL's: words are runs of letters and digits.
    private static func initcap(_ text: String) -> String {
        var isInside = false
        var result = ""
        for letter in text {
            let isWord = letter.isLetter || letter.isNumber
            result +=
                !isWord ? String(letter) : isInside ? letter.lowercased() : letter.uppercased()
            isInside = isWord
        }
        return result
    }

    private static func whole(_ text: String) -> NSRange {
        NSRange(text.startIndex..<text.endIndex, in: text)
    }

    private static func pattern(
        _ call: FunctionCall, flags index: Int, known: String
    ) throws(FunctionFault) -> (NSRegularExpression, String) {
        let flags = call.count > index ? try call.text(index) : ""
        guard flags.allSatisfy(known.contains) else {
            throw FunctionFault("a flag is none of \(known)")
        }
        let pattern = try call.context.pattern(
            try call.text(1), ignoringCase: flags.last { "ic".contains($0) } == "i")
        return (pattern, flags)
    }

    /// `\1` and `\&` of SQL as `$1` and `$0`.
    private static func template(_ text: String) -> String {
        var result = ""
        var isEscaped = false
        for letter in text {
            switch (isEscaped, letter) {
            case (false, "\\"):
                isEscaped = true
                continue
            case (false, "$"): result += "\\$"
            case (false, _): result.append(letter)
            case (true, "&"): result += "$0"
            case (true, "1"..."9"): result += "$\(letter)"
            case (true, "\\"): result += "\\\\"
            case (true, _): result += "\\\\\(letter)"
            }
            isEscaped = false
        }
        return result + (isEscaped ? "\\\\" : "")
    }
}
