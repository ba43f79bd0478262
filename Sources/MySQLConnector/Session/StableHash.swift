/// A hash that is the same on every run and every machine (FNV-1a, 64 bits).
struct StableHash: CustomStringConvertible {
    private var value: UInt64 = 0xCBF2_9CE4_8422_2325

    var description: String { String(value, radix: 16) }

    /// - Parameter texts: nil differs from every text that a catalogue holds.
    init(_ texts: [String?]) {
        for text in texts {
            for byte in (text ?? "\u{1}").utf8 + [0] {
                value = (value ^ UInt64(byte)) &* 0x100_0000_01B3
            }
        }
    }
}
