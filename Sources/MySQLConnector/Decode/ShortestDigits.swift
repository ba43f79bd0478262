/// The fewest decimal digits that read back as the same binary number, and the closest of these:
/// `d.ddd * 10^exponent`.
struct ShortestDigits {
    var isNegative: Bool
    /// Of the first digit.
    private(set) var exponent = 0
    private var digits: (UInt64, UInt64, UInt64) = (0, 0, 0)
    private var count = 0

    init(_ value: Double) { self.init(value.description, isNegative: value.sign == .minus) }

    init(_ value: Float) { self.init(value.description, isNegative: value.sign == .minus) }

    /// - Parameter text: `-12.5e-07`, as the standard library prints a number: shortest.
    private init(_ text: String, isNegative: Bool) {
        self.isNegative = isNegative
        var text = text
        var stored: (UInt64, UInt64, UInt64) = (0, 0, 0)
        (exponent, count) = withUnsafeMutableBytes(of: &stored) { room in
            text.withUTF8 { Self.read($0, into: room) }
        }
        digits = stored
    }

    /// - Returns: the exponent of the first digit, and how many digits there are.
    private static func read(
        _ text: UnsafeBufferPointer<UInt8>, into room: UnsafeMutableRawBufferPointer
    ) -> (exponent: Int, count: Int) {
        var (count, point, seen, exponent) = (0, -1, 0, 0)
        for (index, byte) in text.enumerated() {
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"):
                if count > 0 || byte != UInt8(ascii: "0") {
                    if count < room.count { (room[count], count) = (byte, count + 1) }
                } else if point >= 0 {
                    exponent -= 1
                } else {
                    continue
                }
                if point < 0 { seen += 1 }
            case UInt8(ascii: "."): point = index
            case UInt8(ascii: "e"):
                let power = String(decoding: text[(index + 1)...], as: UTF8.self)
                return finish(room, count, exponent + (Int(power) ?? 0) + max(seen, 0) - 1)
            default: continue
            }
        }
        return finish(room, count, exponent + seen - 1)
    }

    private static func finish(
        _ room: UnsafeMutableRawBufferPointer, _ count: Int, _ exponent: Int
    ) -> (exponent: Int, count: Int) {
        var count = count
        while count > 1, room[count - 1] == UInt8(ascii: "0") { count -= 1 }
        guard count > 0 else {
            room[0] = UInt8(ascii: "0")
            return (0, 1)
        }
        return (exponent, count)
    }

    var isWhole: Bool { exponent >= count - 1 }

    func withDigits(_ body: (UnsafeRawBufferPointer) -> Void) {
        withUnsafeBytes(of: digits) { body(UnsafeRawBufferPointer(rebasing: $0[..<count])) }
    }
}
