import ReplicationModel

/// What a type holds whole: servers round a decimal and a fraction of a second without a word, and
/// cut blanks off a text.
struct OutputLimits: Sendable {
    private var whole: Int?
    private var scale: Int?
    private var length: Int?
    private var fraction: Int?

    init(_ type: ColumnType) {
        let modifier = type.modifier
        switch type.kind {
        case .numeric:
            let precision = type.size.precision ?? Self.precision(modifier)
            scale = type.size.scale ?? (precision == nil ? nil : Self.scale(modifier))
            whole = precision.map { $0 - (scale ?? 0) }
        case .text, .fixedText, .caseInsensitiveText:
            length = type.size.length ?? (modifier >= 4 ? Int(modifier) - 4 : nil)
        case .time, .timestamp, .timestampWithZone:
            fraction = type.size.scale ?? (modifier >= 0 ? Int(modifier) : nil)
        default: break
        }
    }

    /// Source: PostgreSQL, `numeric_typmod_precision` and `numeric_typmod_scale` (11 bits, signed).
    private static func precision(_ modifier: Int32) -> Int? {
        modifier >= 4 ? Int((modifier - 4) >> 16) : nil
    }

    private static func scale(_ modifier: Int32) -> Int {
        ((Int(modifier) - 4) & 0x7FF ^ 1024) - 1024
    }

    func check(_ text: UnsafeRawBufferPointer) throws(ValueRefusal) {
        if let length { try check(length, text) }
        if let fraction { try check(fraction: fraction, text) }
        if let scale, let whole { try check(decimal: text, scale, whole) }
    }

    private func check(
        _ length: Int, _ text: UnsafeRawBufferPointer
    ) throws(ValueRefusal) {
        guard text.count > length else { return }
        let characters = text.count { $0 & 0xC0 != 0x80 }
        if characters > length {
            throw ValueRefusal(
                "a text is longer than \(length) characters",
                try: "substr(..., 1, \(length)), or another type under 'types:'")
        }
    }

    private func check(
        fraction: Int, _ text: UnsafeRawBufferPointer
    ) throws(ValueRefusal) {
        guard let point = text.firstIndex(of: UInt8(ascii: ".")) else { return }
        let digits = text[(point + 1)...].prefix { $0 &- UInt8(ascii: "0") <= 9 }
        if digits.dropFirst(fraction).contains(where: { $0 != UInt8(ascii: "0") }) {
            throw ValueRefusal("a time has more than \(fraction) digits of a second's fraction")
        }
    }

    private func check(
        decimal text: UnsafeRawBufferPointer, _ scale: Int, _ whole: Int
    ) throws(ValueRefusal) {
        let digits = text.drop { $0 == UInt8(ascii: "-") }
        let point = digits.firstIndex(of: UInt8(ascii: ".")) ?? digits.endIndex
        let before = digits[..<point].drop { $0 == UInt8(ascii: "0") }
        // Behind the point, or in front of it where the scale is negative.
        let kept = max(0, scale)
        let behind = digits[point...].dropFirst().dropFirst(kept)
        let dropped = scale < 0 ? before.suffix(-scale) : before.suffix(0)
        guard before.count <= whole else {
            throw ValueRefusal("a number has more than \(whole) digits before the point")
        }
        guard behind.allSatisfy(Self.isZero), dropped.allSatisfy(Self.isZero) else {
            throw ValueRefusal(
                "a number has more than \(kept) digits behind the point",
                try: "decimal_round(..., \(kept)), or another type under 'types:'")
        }
    }

    private static func isZero(_ byte: UInt8) -> Bool { byte == UInt8(ascii: "0") }
}
