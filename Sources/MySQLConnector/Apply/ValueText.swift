internal import Foundation
internal import ReplicationModel

/// Why a value cannot be written. Says nothing of the value itself (I9).
enum ValueFault: Error {
    case notAnInteger, notABoolean, notADecimal, notAFloat, notHexadecimal, notBits, yearOutOfRange
    case negativeZero, roundedNumber
    case missingKey, notSent

    var reason: String {
        switch self {
        case .notAnInteger: "the value is not an integer"
        case .notABoolean: "the value is not a boolean"
        case .notADecimal: "the target's DECIMAL has no NaN and no infinity"
        case .notAFloat: "the target's floats have no NaN and no infinity"
        case .notHexadecimal: "the value is not a bytea in hexadecimal form"
        case .notBits: "the value is not a bit string of at most 64 bits"
        case .yearOutOfRange: "the target has no infinity and no years but 1000 to 9999"
        case .negativeZero: "MariaDB turns the floating-point number -0 into 0"
        case .roundedNumber:
            "the document holds a decimal, which MySQL would read from its text as a double"
        case .missingKey: "a key column is NULL or was not sent"
        case .notSent: "the value was not sent and there is no old row to keep it in"
        }
    }

    var kind: ReplicationError.Kind {
        switch self {
        case .missingKey, .notSent: .protocolViolation
        case .notAnInteger, .notABoolean, .notADecimal, .notAFloat, .notHexadecimal, .notBits,
            .yearOutOfRange, .negativeZero, .roundedNumber:
            .invalidValue
        }
    }
}

/// A value of one column that cannot be written.
struct ColumnFault: Error {
    var fault: ValueFault
    var column: Int
}

// MARK: In statements

extension ValueCoding {
    /// Appends a literal. Integers and decimals are bare: next to a quoted number the server would
    /// compare as doubles.
    func appendLiteral(
        _ bytes: UnsafeRawBufferPointer, to text: inout [UInt8]
    ) throws(ValueFault) {
        switch self {
        case .integer, .boolean, .decimal, .bits: try appendPlain(bytes, to: &text)
        case .float64, .float32:
            text.append(Self.quote)
            try appendPlain(bytes, to: &text)
            text.append(Self.quote)
        case .bytes:
            text.append(UInt8(ascii: "x"))
            text.append(Self.quote)
            try appendPlain(bytes, to: &text)
            text.append(Self.quote)
        case .text, .json, .date, .dateTime, .dateTimeWithZone, .timestamp, .time:
            text.append(Self.quote)
            Self.appendEscaped(try contained(bytes), to: &text)
            text.append(Self.quote)
        }
    }

    private static let quote = UInt8(ascii: "'")

    /// Source: MySQL and MariaDB manuals, "String Literals". Backslash escapes are on.
    private static func appendEscaped(_ bytes: UnsafeRawBufferPointer, to text: inout [UInt8]) {
        var start = 0
        for index in bytes.indices {
            let byte = bytes[index]
            guard byte == quote || byte == UInt8(ascii: "\\") || byte == 0 else { continue }
            text.append(contentsOf: UnsafeRawBufferPointer(rebasing: bytes[start..<index]))
            text.append(UInt8(ascii: "\\"))
            text.append(byte == 0 ? UInt8(ascii: "0") : byte)
            start = index + 1
        }
        text.append(contentsOf: UnsafeRawBufferPointer(rebasing: bytes[start...]))
    }
}

// MARK: In files

extension ValueCoding {
    /// Appends a field of LOAD DATA with tabs between fields and newlines between rows.
    func appendField(_ bytes: UnsafeRawBufferPointer, to text: inout [UInt8]) throws(ValueFault) {
        switch self {
        case .integer, .boolean, .decimal, .bits, .float64, .float32, .bytes:
            try appendPlain(bytes, to: &text)
        case .text, .json, .date, .dateTime, .dateTimeWithZone, .timestamp, .time:
            Self.appendFieldText(try contained(bytes), to: &text)
        }
    }

    /// What the column is set to from the field, where the field alone is not the value.
    func assignment(of variable: String) -> String? {
        switch self {
        case .bytes: "UNHEX(\(variable))"
        case .bits: "CAST(\(variable) AS UNSIGNED)"
        case .integer, .boolean, .decimal, .float64, .float32, .text, .json, .date, .dateTime,
            .dateTimeWithZone, .timestamp, .time:
            nil
        }
    }

    /// Source: MySQL manual, "LOAD DATA Statement", ESCAPED BY.
    private static func appendFieldText(_ bytes: UnsafeRawBufferPointer, to text: inout [UInt8]) {
        var start = 0
        for index in bytes.indices {
            let escape: UInt8
            switch bytes[index] {
            case UInt8(ascii: "\t"): escape = UInt8(ascii: "t")
            case UInt8(ascii: "\n"): escape = UInt8(ascii: "n")
            case UInt8(ascii: "\r"): escape = UInt8(ascii: "r")
            case UInt8(ascii: "\\"): escape = UInt8(ascii: "\\")
            case 0: escape = UInt8(ascii: "0")
            default: continue
            }
            text.append(contentsOf: UnsafeRawBufferPointer(rebasing: bytes[start..<index]))
            text.append(UInt8(ascii: "\\"))
            text.append(escape)
            start = index + 1
        }
        text.append(contentsOf: UnsafeRawBufferPointer(rebasing: bytes[start...]))
    }
}

// MARK: The value itself

extension ValueCoding {
    /// Texts in which nothing needs an escape.
    private func appendPlain(
        _ bytes: UnsafeRawBufferPointer, to text: inout [UInt8]
    ) throws(ValueFault) {
        switch self {
        case .integer:
            guard Self.isNumber(bytes, mayHavePoint: false) else { throw .notAnInteger }
            text.append(contentsOf: bytes)
        case .decimal:
            guard Self.isNumber(bytes, mayHavePoint: true) else { throw .notADecimal }
            text.append(contentsOf: bytes)
        case .boolean: text.append(try Self.boolean(bytes))
        case .float64(let keepsNegativeZero):
            guard Self.isFiniteFloat(bytes) else { throw .notAFloat }
            if !keepsNegativeZero, Self.isNegativeZero(bytes) { throw .negativeZero }
            text.append(contentsOf: bytes)
        case .float32(let keepsNegativeZero):
            guard let number = Self.float(bytes) else { throw .notAFloat }
            if !keepsNegativeZero, Self.isNegativeZero(bytes) { throw .negativeZero }
            text.append(contentsOf: number.utf8)
        case .bytes: try Self.appendDigits(bytes, to: &text)
        case .bits:
            guard let number = Self.bits(bytes) else { throw .notBits }
            text.append(contentsOf: String(number).utf8)
        case .text, .json, .date, .dateTime, .dateTimeWithZone, .timestamp, .time:
            text.append(contentsOf: bytes)
        }
    }

    /// The part of the value's text that the column takes.
    private func contained(
        _ bytes: UnsafeRawBufferPointer
    ) throws(ValueFault) -> UnsafeRawBufferPointer {
        switch self {
        case .date: return try Self.inRange(bytes, lengths: 10...10)
        case .dateTime: return try Self.inRange(bytes, lengths: 19...26)
        case .dateTimeWithZone: return try Self.inRange(try Self.inUTC(bytes), lengths: 19...26)
        case .timestamp: return try Self.inUTC(bytes)
        case .json:
            guard JSONNumbers.areKept(bytes) else { throw .roundedNumber }
            return bytes
        case .integer, .boolean, .decimal, .float64, .float32, .text, .bytes, .bits, .time:
            return bytes
        }
    }

    private static func inUTC(
        _ bytes: UnsafeRawBufferPointer
    ) throws(ValueFault) -> UnsafeRawBufferPointer {
        guard bytes.count > 3, bytes.suffix(3).elementsEqual("+00".utf8) else {
            throw .yearOutOfRange
        }
        return UnsafeRawBufferPointer(rebasing: bytes.dropLast(3))
    }

    private static func inRange(
        _ bytes: UnsafeRawBufferPointer, lengths: ClosedRange<Int>
    ) throws(ValueFault) -> UnsafeRawBufferPointer {
        guard lengths.contains(bytes.count), bytes[4] == UInt8(ascii: "-"),
            (UInt8(ascii: "1")...UInt8(ascii: "9")).contains(bytes[0]),
            bytes.last.map(isDigit) == true
        else { throw .yearOutOfRange }
        return bytes
    }

    private static func isDigit(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
    }

    private static func isNumber(_ bytes: UnsafeRawBufferPointer, mayHavePoint: Bool) -> Bool {
        let digits = bytes.first == UInt8(ascii: "-") ? bytes.dropFirst() : bytes[...]
        guard let first = digits.first, isDigit(first) else { return false }
        var points = mayHavePoint ? 1 : 0
        for byte in digits where !isDigit(byte) {
            guard byte == UInt8(ascii: "."), points > 0 else { return false }
            points -= 1
        }
        return true
    }

    private static func boolean(_ bytes: UnsafeRawBufferPointer) throws(ValueFault) -> UInt8 {
        guard bytes.count == 1 else { throw .notABoolean }
        switch bytes[0] {
        case UInt8(ascii: "t"): return UInt8(ascii: "1")
        case UInt8(ascii: "f"): return UInt8(ascii: "0")
        default: throw .notABoolean
        }
    }

    /// `1.5e-07`: neither `NaN` nor `Infinity`.
    private static func isFiniteFloat(_ bytes: UnsafeRawBufferPointer) -> Bool {
        guard let last = bytes.last, isDigit(last) else { return false }
        return bytes.allSatisfy { isDigit($0) || "+-.eE".utf8.contains($0) }
    }

    /// Without a digit other than 0 before the exponent.
    private static func isNegativeZero(_ bytes: UnsafeRawBufferPointer) -> Bool {
        bytes.first == UInt8(ascii: "-")
            && bytes.prefix { $0 | 0x20 != UInt8(ascii: "e") }.allSatisfy {
                !isDigit($0) || $0 == UInt8(ascii: "0")
            }
    }

    private static func float(_ bytes: UnsafeRawBufferPointer) -> String? {
        guard isFiniteFloat(bytes),
            let number = Float(String(decoding: bytes, as: UTF8.self)), number.isFinite
        else { return nil }
        return Double(number).description
    }

    private static func appendDigits(
        _ bytes: UnsafeRawBufferPointer, to text: inout [UInt8]
    ) throws(ValueFault) {
        guard bytes.count >= 2, bytes.count % 2 == 0, bytes[0] == UInt8(ascii: "\\"),
            bytes[1] == UInt8(ascii: "x")
        else { throw .notHexadecimal }
        let digits = UnsafeRawBufferPointer(rebasing: bytes.dropFirst(2))
        for byte in digits {
            guard isDigit(byte) || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(byte | 0x20)
            else { throw .notHexadecimal }
        }
        text.append(contentsOf: digits)
    }

    private static func bits(_ bytes: UnsafeRawBufferPointer) -> UInt64? {
        guard (1...64).contains(bytes.count) else { return nil }
        var number: UInt64 = 0
        for byte in bytes {
            guard byte == UInt8(ascii: "0") || byte == UInt8(ascii: "1") else { return nil }
            number = number << 1 | UInt64(byte & 1)
        }
        return number
    }
}
