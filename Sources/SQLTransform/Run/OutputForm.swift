import Foundation
import ReplicationModel

/// How a value of SQLite's becomes the canonical text of an output's kind: exactly, or not at all
/// (docs/decisions/why-transforms-run-on-the-source-row).
struct OutputForm: Sendable {
    let kind: ValueKind
    private let limits: OutputLimits

    init(_ type: ColumnType) {
        kind = type.kind
        limits = OutputLimits(type)
    }

    /// Appends the text; false for NULL.
    func append(
        _ output: TransformStatement.Output, to bytes: inout [UInt8]
    ) throws(ValueRefusal) -> Bool {
        let start = bytes.count
        guard try appendText(output, to: &bytes) else { return false }
        let refusal = bytes.withUnsafeBytes { all -> ValueRefusal? in
            do throws(ValueRefusal) {
                try limits.check(UnsafeRawBufferPointer(rebasing: all[start...]))
                return nil
            } catch { return error }
        }
        if let refusal { throw refusal }
        return true
    }

    private func appendText(
        _ output: TransformStatement.Output, to bytes: inout [UInt8]
    ) throws(ValueRefusal) -> Bool {
        switch output {
        case .null: return false
        case .integer(let number): try append(number, &bytes)
        case .real(let number): try append(number, &bytes)
        case .text(let text): try append(text: text, &bytes)
        case .blob(let blob):
            guard [.bytes, .geometry, .vector].contains(kind) else {
                throw unfit("a blob", "hex(...) or base64(...) makes a text of it")
            }
            bytes += "\\x".utf8
            CanonicalText.append(hexadecimal: blob, to: &bytes)
        }
        return true
    }

    private func unfit(_ what: String, _ remedy: String? = nil) -> ValueRefusal {
        ValueRefusal("\(what) is no value of type \(kind.rawValue)", try: remedy)
    }

    private func append(_ number: Int64, _ bytes: inout [UInt8]) throws(ValueRefusal) {
        switch kind {
        case .boolean:
            guard number == 0 || number == 1 else { throw unfit("a number but 0 and 1") }
            return bytes.append(number == 1 ? UInt8(ascii: "t") : UInt8(ascii: "f"))
        case .int16 where Int16(exactly: number) == nil, .int32 where Int32(exactly: number) == nil,
            .oid where UInt32(exactly: number) == nil, .unsigned64 where number < 0:
            throw unfit("a number out of range")
        case .float32 where Int64(exactly: Float(number)) != number,
            .float64 where Int64(exactly: Double(number)) != number:
            throw unfit("a number that would be rounded")
        case .year:
            guard (0...9999).contains(number) else { throw unfit("a number out of range") }
            let digits = String(number)
            bytes += Array(repeating: UInt8(ascii: "0"), count: 4 - digits.count) + digits.utf8
        case .int16, .int32, .int64, .oid, .unsigned64, .numeric, .float32, .float64, .text,
            .fixedText, .caseInsensitiveText, .json, .jsonBinary:
            bytes += String(number).utf8
        default: throw unfit("a number")
        }
    }

    private func append(_ number: Double, _ bytes: inout [UInt8]) throws(ValueRefusal) {
        switch kind {
        case .float64: bytes += Self.text(number).utf8
        case .float32:
            let narrow = Float(number)
            guard Double("\(narrow)") == number || Double(narrow) == number else {
                throw unfit("a number of more digits")
            }
            bytes += Self.text(narrow).utf8
        case .numeric:
            guard let digits = ExactReal.digits(number) else {
                throw unfit(
                    "a floating-point number that is no short decimal",
                    "round(..., digits) says which decimal is meant")
            }
            bytes += digits.utf8
        default:
            throw unfit("a floating-point number", "CAST(... AS TEXT), or a type under 'types:'")
        }
    }

    /// As PostgreSQL writes them: shortest, exact, without `.0`.
    private static func text<Number: BinaryFloatingPoint & LosslessStringConvertible>(
        _ number: Number
    ) -> String {
        if number.isInfinite { return number < 0 ? "-Infinity" : "Infinity" }
        let text = "\(number)"
        return text.hasSuffix(".0") ? String(text.dropLast(2)) : text
    }

    private func append(
        text: UnsafeRawBufferPointer, _ bytes: inout [UInt8]
    ) throws(ValueRefusal) {
        switch kind {
        case .boolean, .int16, .int32, .int64, .oid, .unsigned64, .year:
            guard CanonicalText.integer(text) != nil, kind != .boolean else {
                throw unfit("a text", "CAST(... AS INTEGER), if it holds digits")
            }
            bytes += text
        case .float32, .float64, .bytes, .geometry, .vector: throw unfit("a text")
        case .numeric:
            guard DecimalDigits(text).isNumber else { throw unfit("a text that is no decimal") }
            bytes += text
        case .date, .time, .timestamp, .timestampWithZone, .uuid:
            guard TextShape(kind).fits(text) else { throw unfit("a text of another form") }
            bytes += text
            let isLong = kind == .timestampWithZone && text.suffix(6).elementsEqual("+00:00".utf8)
            if isLong { bytes.removeLast(3) }
        default: bytes += text
        }
    }
}

/// The form of texts that are not read as anything else on their way.
struct TextShape {
    /// `9` is a digit, `h` a hexadecimal one; what stands in the text stands there.
    private let shape: StaticString
    private let kind: ValueKind

    init(_ kind: ValueKind) {
        self.kind = kind
        switch kind {
        case .uuid: shape = "hhhhhhhh-hhhh-hhhh-hhhh-hhhhhhhhhhhh"
        case .date: shape = "9999-99-99"
        case .time: shape = "99:99:99"
        default: shape = "9999-99-99 99:99:99"
        }
    }

    func fits(_ text: UnsafeRawBufferPointer) -> Bool {
        let count = shape.utf8CodeUnitCount
        guard text.count >= count else { return false }
        for index in 0..<count {
            let isDigit = Self.isDigit(text[index])
            switch shape.utf8Start[index] {
            case UInt8(ascii: "9"): if !isDigit { return false }
            case UInt8(ascii: "h"):
                let isLetter = (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(text[index])
                if !isDigit, !isLetter { return false }
            case let sign: if text[index] != sign { return false }
            }
        }
        return isInCalendar(text) && endsWell(text[count...])
    }

    /// The day is one, and the time is of a day.
    private func isInCalendar(_ text: UnsafeRawBufferPointer) -> Bool {
        func number(_ range: Range<Int>) -> Int64 {
            text[range].reduce(0) { $0 * 10 + Int64($1 &- UInt8(ascii: "0")) }
        }
        let time = kind == .time ? 0 : kind == .timestamp || kind == .timestampWithZone ? 11 : nil
        if let time {
            guard number(time..<time + 2) < 24, number(time + 3..<time + 5) < 60,
                number(time + 6..<time + 8) < 60
            else { return false }
        }
        guard kind != .uuid, kind != .time else { return true }
        let day = (number(0..<4), number(5..<7), number(8..<10))
        return CivilDay.days(year: day.0, month: day.1, day: day.2) != nil
    }

    /// A fraction of a second, then a moment's offset: without one it would be the session's.
    private func endsWell(_ rest: Slice<UnsafeRawBufferPointer>) -> Bool {
        var rest = rest
        if rest.first == UInt8(ascii: "."), kind != .date, kind != .uuid {
            let digits = rest.dropFirst().prefix(while: Self.isDigit)
            guard (1...6).contains(digits.count) else { return false }
            rest = rest[digits.endIndex...]
        }
        guard kind == .timestampWithZone else { return rest.isEmpty }
        return rest.elementsEqual("+00".utf8) || rest.elementsEqual("+00:00".utf8)
    }

    private static func isDigit(_ byte: UInt8) -> Bool { byte &- UInt8(ascii: "0") <= 9 }
}
