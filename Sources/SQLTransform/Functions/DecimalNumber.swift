/// A decimal of any number of digits, exactly: what `numeric` is.
struct DecimalNumber {
    var isNegative = false
    /// From the first one that is not 0; empty for zero.
    var digits: [UInt8]
    /// How many of them are behind the point; zeros in front are not among them.
    var scale: Int

    /// More digits than any value of a server has (PostgreSQL: 131,072 before the point).
    static let limit = 200_000

    /// Digits of one number times digits of the other that are computed with: the work of a second
    /// or two.
    static let workLimit = 100_000_000

    /// nil if it is no decimal in plain digits.
    init?(_ text: UnsafeRawBufferPointer) {
        guard DecimalDigits(text).isNumber, text.count <= Self.limit else { return nil }
        isNegative = text.first == UInt8(ascii: "-")
        let point = text.firstIndex(of: UInt8(ascii: "."))
        scale = point.map { text.count - $0 - 1 } ?? 0
        digits = text.filter { $0 &- UInt8(ascii: "0") <= 9 }.map { $0 - UInt8(ascii: "0") }
        trim()
    }

    init?(digits: [UInt8]) {
        guard let number = digits.withUnsafeBytes({ DecimalNumber($0) }) else { return nil }
        self = number
    }

    /// Times a power of ten, of at most the scale.
    func shiftedPoint(by places: Int) -> DecimalNumber {
        var copy = self
        if places > scale { copy = rounded(to: places) }
        copy.scale -= places
        return copy
    }

    private init(isNegative: Bool, digits: [UInt8], scale: Int) {
        (self.isNegative, self.digits, self.scale) = (isNegative, digits, scale)
        trim()
    }

    private mutating func trim() {
        digits.removeSubrange(..<(digits.firstIndex { $0 != 0 } ?? digits.endIndex))
        if digits.isEmpty { isNegative = false }
    }

    /// Plain digits, with as many behind the point as the scale says.
    var text: [UInt8] {
        let missing = max(0, scale + 1 - digits.count)
        let all = Array(repeating: 0, count: missing) + digits
        var text: [UInt8] = isNegative ? [UInt8(ascii: "-")] : []
        for (index, digit) in all.enumerated() {
            if scale > 0, index == all.count - scale { text.append(UInt8(ascii: ".")) }
            text.append(digit + UInt8(ascii: "0"))
        }
        return text
    }

    private func shifted(by zeros: Int) -> [UInt8] {
        digits.isEmpty ? [] : digits + Array(repeating: 0, count: zeros)
    }

    // MARK: Arithmetic

    /// The scale is the greater one.
    static func + (a: DecimalNumber, b: DecimalNumber) -> DecimalNumber {
        let scale = max(a.scale, b.scale)
        let (x, y) = (a.shifted(by: scale - a.scale), b.shifted(by: scale - b.scale))
        if a.isNegative == b.isNegative {
            return DecimalNumber(isNegative: a.isNegative, digits: sum(x, y), scale: scale)
        }
        return isLess(x, y)
            ? DecimalNumber(isNegative: b.isNegative, digits: difference(y, x), scale: scale)
            : DecimalNumber(isNegative: a.isNegative, digits: difference(x, y), scale: scale)
    }

    static prefix func - (a: DecimalNumber) -> DecimalNumber {
        DecimalNumber(isNegative: !a.isNegative, digits: a.digits, scale: a.scale)
    }

    /// The scales are added.
    static func * (a: DecimalNumber, b: DecimalNumber) -> DecimalNumber {
        var result = [Int](repeating: 0, count: a.digits.count + b.digits.count)
        for (i, x) in a.digits.enumerated() where x != 0 {
            for (j, y) in b.digits.enumerated() { result[i + j + 1] += Int(x) * Int(y) }
        }
        for index in result.indices.dropFirst().reversed() {
            result[index - 1] += result[index] / 10
            result[index] %= 10
        }
        return DecimalNumber(
            isNegative: a.isNegative != b.isNegative, digits: result.map { UInt8($0) },
            scale: a.scale + b.scale)
    }

    /// Half goes away from zero, as in PostgreSQL. nil for a division by zero.
    func divided(by divisor: DecimalNumber, scale: Int) -> DecimalNumber? {
        guard !divisor.digits.isEmpty else { return nil }
        let zeros = scale + divisor.scale - self.scale
        let top = shifted(by: max(0, zeros))
        let bottom = divisor.shifted(by: max(0, -zeros))
        var (quotient, rest) = ([UInt8](), [UInt8]())
        for digit in top {
            if !(rest.isEmpty && digit == 0) { rest.append(digit) }
            var count: UInt8 = 0
            while !Self.isLess(rest, bottom) {
                rest = Self.difference(rest, bottom)
                rest.removeSubrange(..<(rest.firstIndex { $0 != 0 } ?? rest.endIndex))
                count += 1
            }
            quotient.append(count)
        }
        if !Self.isLess(Self.sum(rest, rest), bottom) { quotient = Self.sum(quotient, [1]) }
        return DecimalNumber(
            isNegative: isNegative != divisor.isNegative, digits: quotient, scale: scale)
    }

    func rounded(to scale: Int) -> DecimalNumber {
        let surplus = self.scale - scale
        guard surplus > 0 else {
            return DecimalNumber(
                isNegative: isNegative, digits: shifted(by: -surplus), scale: scale)
        }
        let cut = digits.count - surplus
        let isUp = cut >= 0 && digits.indices.contains(cut) && digits[cut] >= 5
        let kept = Array(digits.prefix(max(0, cut)))
        return DecimalNumber(
            isNegative: isNegative, digits: isUp ? Self.sum(kept, [1]) : kept, scale: scale)
    }

    static func compare(_ a: DecimalNumber, _ b: DecimalNumber) -> Int64 {
        let difference = a + -b
        return difference.digits.isEmpty ? 0 : difference.isNegative ? -1 : 1
    }

    // MARK: Digits

    private static func isLess(_ a: [UInt8], _ b: [UInt8]) -> Bool {
        let (a, b) = (a.drop { $0 == 0 }, b.drop { $0 == 0 })
        return a.count == b.count ? a.lexicographicallyPrecedes(b) : a.count < b.count
    }

    private static func sum(_ a: [UInt8], _ b: [UInt8]) -> [UInt8] {
        var result = [UInt8](repeating: 0, count: max(a.count, b.count) + 1)
        var carry: UInt8 = 0
        for place in 0..<result.count {
            let x = place < a.count ? a[a.count - 1 - place] : 0
            let y = place < b.count ? b[b.count - 1 - place] : 0
            let total = x + y + carry
            result[result.count - 1 - place] = total % 10
            carry = total / 10
        }
        return result
    }

    /// `a` is not the smaller one.
    private static func difference(_ a: [UInt8], _ b: [UInt8]) -> [UInt8] {
        var result = a
        var borrow = 0
        for place in 0..<a.count {
            let y = place < b.count ? Int(b[b.count - 1 - place]) : 0
            let rest = Int(a[a.count - 1 - place]) - y - borrow
            borrow = rest < 0 ? 1 : 0
            result[a.count - 1 - place] = UInt8(rest + 10 * borrow)
        }
        return result
    }
}

extension FunctionLibrary {
    static let decimals: [SQLFunction] = [
        SQLFunction("decimal_add", 2...2, .numeric) { call throws(FunctionFault) in
            .text((try decimal(call, 0) + (try decimal(call, 1))).text)
        },
        SQLFunction("decimal_sub", 2...2, .numeric) { call throws(FunctionFault) in
            .text((try decimal(call, 0) + -(try decimal(call, 1))).text)
        },
        SQLFunction("decimal_mul", 2...2, .numeric) { call throws(FunctionFault) in
            let (a, b) = (try decimal(call, 0), try decimal(call, 1))
            try refuseLong(a.digits.count, b.digits.count)
            return .text((a * b).text)
        },
        SQLFunction("decimal_div", 3...3, .numeric) { call throws(FunctionFault) in
            let scale = try call.integer(2, in: 0...1000)
            let (a, b) = (try decimal(call, 0), try decimal(call, 1))
            try refuseLong(a.digits.count + scale + b.scale, 9 * (b.digits.count + a.scale))
            guard let result = a.divided(by: b, scale: scale) else {
                throw FunctionFault("division by zero")
            }
            return .text(result.text)
        },
        SQLFunction("decimal_round", 2...2, .numeric) { call throws(FunctionFault) in
            .text(try decimal(call, 0).rounded(to: try call.integer(1, in: 0...1000)).text)
        },
        SQLFunction("decimal_cmp", 2...2, .int64) { call throws(FunctionFault) in
            .integer(DecimalNumber.compare(try decimal(call, 0), try decimal(call, 1)))
        },
    ]

    private static func refuseLong(_ a: Int, _ b: Int) throws(FunctionFault) {
        guard a.multipliedReportingOverflow(by: b).partialValue <= DecimalNumber.workLimit else {
            throw FunctionFault("the numbers are too long")
        }
    }

    private static func decimal(
        _ call: FunctionCall, _ index: Int
    ) throws(FunctionFault) -> DecimalNumber {
        guard let number = DecimalNumber(digits: try call.plainDigits(index)) else {
            throw FunctionFault("argument \(index + 1) is no decimal")
        }
        return number
    }
}
