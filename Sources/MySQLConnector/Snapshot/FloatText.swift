internal import ReplicationModel

/// Floats as PostgreSQL prints them: the fewest digits that give the same number back, with an
/// exponent below -4 and from the type's own digits on.
enum FloatText {
    static func append(_ value: Float, to out: inout [UInt8]) {
        append(value.description, scientificFrom: 6, to: &out)
    }

    static func append(_ value: Double, to out: inout [UInt8]) {
        append(value.description, scientificFrom: 15, to: &out)
    }

    /// - Parameter text: Swift's own, which has the fewest digits too: `-1.25e-07`, `100.0`.
    private static func append(_ text: String, scientificFrom: Int, to out: inout [UInt8]) {
        var rest = Substring(text)
        if rest.first == "-" {
            out.append(UInt8(ascii: "-"))
            rest.removeFirst()
        }
        let parts = rest.split(separator: "e")
        let plain = parts[0].split(separator: ".", omittingEmptySubsequences: false)
        let whole = plain[0].drop { $0 == "0" }
        let behind = plain.count > 1 ? plain[1] : ""
        var digits = Array((whole + behind).utf8)
        var exponent = (parts.count > 1 ? Int(parts[1]) ?? 0 : 0) + whole.count - 1
        while digits.first == UInt8(ascii: "0") {
            digits.removeFirst()
            exponent -= 1
        }
        while digits.last == UInt8(ascii: "0") { digits.removeLast() }
        guard !digits.isEmpty else { return out.append(UInt8(ascii: "0")) }
        if exponent < -4 || exponent >= scientificFrom {
            scientific(digits, exponent, to: &out)
        } else {
            positional(digits, exponent, to: &out)
        }
    }

    private static func scientific(_ digits: [UInt8], _ exponent: Int, to out: inout [UInt8]) {
        out.append(digits[0])
        if digits.count > 1 { out.append(UInt8(ascii: ".")) }
        out.append(contentsOf: digits.dropFirst())
        let size = String(abs(exponent))
        out.append(
            contentsOf: "e\(exponent < 0 ? "-" : "+")\(size.count < 2 ? "0" : "")\(size)".utf8)
    }

    private static func positional(_ digits: [UInt8], _ exponent: Int, to out: inout [UInt8]) {
        if exponent < 0 {
            out.append(contentsOf: "0.".utf8)
            out.append(contentsOf: [UInt8](repeating: UInt8(ascii: "0"), count: -exponent - 1))
            out.append(contentsOf: digits)
            return
        }
        for index in 0..<max(digits.count, exponent + 1) {
            if index == exponent + 1 { out.append(UInt8(ascii: ".")) }
            out.append(index < digits.count ? digits[index] : UInt8(ascii: "0"))
        }
    }
}
