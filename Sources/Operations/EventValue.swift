import Foundation
import ReplicationModel

/// One value of an event as JSON: exact, or as the source's text.
enum EventValue {
    static func json(_ value: Value, _ kind: ValueKind, _ batch: ChangeBatch) -> JSONValue {
        guard let text = batch.text(of: value) else { return .null }
        switch kind {
        case .int16, .int32, .int64, .oid, .unsigned64:
            return isSafeInteger(text) ? .number(text) : .string(text)
        case .numeric: return isShortDecimal(text) ? .number(text) : .string(text)
        case .float32, .float64: return isNumber(text) ? .number(text) : .string(text)
        case .bytes, .geometry, .vector: return bytes(text)
        case .boolean, .money, .text, .fixedText, .uuid, .date, .time, .timeWithZone, .timestamp,
            .timestampWithZone, .interval, .json, .jsonBinary, .xml, .bits, .network, .enumeration,
            .array, .range, .composite, .caseInsensitiveText, .duration, .year, .labelSet, .other:
            return .string(text)
        }
    }

    /// Readers keep numbers in a double, which holds every integer up to 2^53 in absolute value.
    private static func isSafeInteger(_ text: String) -> Bool {
        Int64(text).map { $0.magnitude <= 1 << 53 } ?? false
    }

    /// A decimal of at most 15 digits comes back from a double as the same decimal.
    private static func isShortDecimal(_ text: String) -> Bool {
        isNumber(text) && text.allSatisfy { $0 != "e" && $0 != "E" }
            && text.count(where: \.isNumber) <= 15
    }

    /// RFC 8259's number; what it has no word for (NaN, Infinity) is not one. The server's text of
    /// a float is the shortest that reads back as the same value.
    static func isNumber(_ text: String) -> Bool {
        var rest = text.utf8[...]
        func digits() -> Bool {
            let run = rest.prefix { (48...57).contains($0) }
            rest = rest.dropFirst(run.count)
            return !run.isEmpty
        }
        if rest.first == UInt8(ascii: "-") { rest.removeFirst() }
        let leadsWithZero = rest.first == UInt8(ascii: "0")
        let before = rest.count
        guard digits(), !leadsWithZero || before - rest.count == 1 else { return false }
        if rest.first == UInt8(ascii: ".") {
            rest.removeFirst()
            guard digits() else { return false }
        }
        if rest.first == UInt8(ascii: "e") || rest.first == UInt8(ascii: "E") {
            rest.removeFirst()
            if rest.first == UInt8(ascii: "+") || rest.first == UInt8(ascii: "-") {
                rest.removeFirst()
            }
            guard digits() else { return false }
        }
        return rest.isEmpty
    }

    /// PostgreSQL's hexadecimal form `\x0102`; anything else stays the text it is.
    private static func bytes(_ text: String) -> JSONValue {
        guard text.hasPrefix("\\x"), let data = Data(hexadecimal: text.utf8.dropFirst(2)) else {
            return .string(text)
        }
        return .object([("$bytes", .string(data.base64EncodedString()))])
    }
}

extension Data {
    init?(hexadecimal text: Substring.UTF8View.SubSequence) {
        guard text.count % 2 == 0 else { return nil }
        self.init(capacity: text.count / 2)
        var high: UInt8?
        for byte in text {
            let digit: UInt8
            switch byte {
            case 48...57: digit = byte - 48
            case 97...102: digit = byte - 87
            case 65...70: digit = byte - 55
            default: return nil
            }
            if let first = high {
                append(first << 4 | digit)
                high = nil
            } else {
                high = digit
            }
        }
    }
}
