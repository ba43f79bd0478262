import Foundation

/// Reads single values in canonical text (`ValueKind`), without a `String` in between.
package enum CanonicalText {
    /// Decimal digits with an optional minus, within 64 bits.
    package static func integer(_ bytes: UnsafeRawBufferPointer) -> Int64? {
        let isNegative = bytes.first == UInt8(ascii: "-")
        let digits = isNegative ? bytes.dropFirst() : bytes[...]
        guard !digits.isEmpty else { return nil }
        // Built downwards: the smallest integer has no positive counterpart.
        var number: Int64 = 0
        for byte in digits {
            let digit = byte &- UInt8(ascii: "0")
            guard digit <= 9 else { return nil }
            let (shifted, overflow) = number.multipliedReportingOverflow(by: 10)
            let (next, underflow) = shifted.subtractingReportingOverflow(Int64(digit))
            guard !overflow, !underflow else { return nil }
            number = next
        }
        if isNegative { return number }
        return number == .min ? nil : -number
    }

    package static func boolean(_ bytes: UnsafeRawBufferPointer) -> Int64? {
        guard bytes.count == 1 else { return nil }
        switch bytes[0] {
        case UInt8(ascii: "t"): return 1
        case UInt8(ascii: "f"): return 0
        default: return nil
        }
    }

    /// The double nearest to the text. For a 32-bit float that is the double which shows the digits
    /// the source shows; should it not narrow to the same 32 bits, the widened float itself.
    package static func float(_ bytes: UnsafeRawBufferPointer, isSingle: Bool) -> Double? {
        // The longest shortest form is 24 characters; PostgreSQL's own longest word is "-Infinity".
        guard (1...64).contains(bytes.count) else { return nil }
        return withUnsafeTemporaryAllocation(of: CChar.self, capacity: bytes.count + 1) { text in
            for (position, byte) in bytes.enumerated() { text[position] = CChar(bitPattern: byte) }
            text[bytes.count] = 0
            guard let start = text.baseAddress else { return nil }
            var end: UnsafeMutablePointer<CChar>?
            let number = strtod(start, &end)
            guard end == start + bytes.count else { return nil }
            guard isSingle, !number.isNaN else { return number }
            let narrow = strtof(start, nil)
            return Float(number) == narrow ? number : Double(narrow)
        }
    }

    /// How many bytes a bytea of the form `\x0123` is; nil if it has another form.
    package static func byteCount(ofHexadecimal bytes: UnsafeRawBufferPointer) -> Int? {
        guard bytes.count >= 2, bytes.count % 2 == 0, bytes[0] == UInt8(ascii: "\\"),
            bytes[1] == UInt8(ascii: "x")
        else { return nil }
        return bytes.count / 2 - 1
    }

    /// False if a digit is none. `result` has room for `byteCount(ofHexadecimal:)`.
    package static func decode(
        hexadecimal bytes: UnsafeRawBufferPointer, into result: UnsafeMutableRawPointer
    ) -> Bool {
        for position in 0..<bytes.count / 2 - 1 {
            guard let high = nibble(bytes[2 + 2 * position]),
                let low = nibble(bytes[3 + 2 * position])
            else { return false }
            result.storeBytes(of: high << 4 | low, toByteOffset: position, as: UInt8.self)
        }
        return true
    }

    /// Two digits a byte, small letters.
    package static func append(hexadecimal bytes: UnsafeRawBufferPointer, to out: inout [UInt8]) {
        for byte in bytes {
            out.append(digit(byte >> 4))
            out.append(digit(byte & 15))
        }
    }

    private static func digit(_ nibble: UInt8) -> UInt8 {
        nibble < 10 ? UInt8(ascii: "0") + nibble : UInt8(ascii: "a") - 10 + nibble
    }

    private static func nibble(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
        default: nil
        }
    }
}
