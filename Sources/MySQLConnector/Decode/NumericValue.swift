/// Numbers: integers, DECIMAL, FLOAT, DOUBLE, BIT, YEAR.
extension RowText {
    @inline(__always)
    mutating func integer(
        _ reader: inout EventReader, size: Int, isUnsigned: Bool
    ) throws(MalformedEvent) {
        try reserve(20)
        if isUnsigned { put(try reader.unsigned(size)) } else { put(try reader.signed(size)) }
    }

    /// `2024`; zero is a year of its own, not 1900 (B53).
    mutating func year(_ reader: inout EventReader) throws(MalformedEvent) {
        try reserve(4)
        let value = Int(try reader.uint8())
        putDigits(value == 0 ? 0 : 1900 + value, width: 4)
    }

    /// BIT(n): n digits; whole bytes in the log, the highest first.
    mutating func bits(_ reader: inout EventReader, count: Int) throws(MalformedEvent) {
        try reserve(64)
        let value = try reader.bigEndian((count + 7) / 8)
        for bit in (0..<count).reversed() { put(UInt8(48 + (value >> bit & 1))) }
    }

    mutating func float(_ reader: inout EventReader) throws(MalformedEvent) {
        let value = Float(bitPattern: try reader.uint32())
        try number(ShortestDigits(value), scientificFrom: 6)
    }

    mutating func double(_ reader: inout EventReader) throws(MalformedEvent) {
        let value = Double(bitPattern: try reader.uint64())
        // Whole numbers are the most frequent by far, and need no search for digits.
        if value.magnitude < 1e15, value.rounded(.towardZero) == value, value != 0 {
            try reserve(20)
            put(Int64(value))
        } else {
            try number(ShortestDigits(value), scientificFrom: 15)
        }
    }

    /// As PostgreSQL prints a float: with an exponent below -4 and from `scientificFrom` on.
    private mutating func number(
        _ number: ShortestDigits, scientificFrom: Int
    ) throws(MalformedEvent) {
        try reserve(40)
        if number.isNegative { put(UInt8(ascii: "-")) }
        guard number.exponent < -4 || number.exponent >= scientificFrom else {
            putPlain(number)
            return
        }
        number.withDigits { digits in
            put(digits[0])
            if digits.count > 1 { put(UInt8(ascii: ".")) }
            for digit in digits.dropFirst() { put(digit) }
        }
        put(UInt8(ascii: "e"))
        put(UInt8(ascii: number.exponent < 0 ? "-" : "+"))
        let exponent = abs(number.exponent)
        putDigits(exponent, width: exponent > 99 ? 3 : 2)
    }

    /// Without exponent; no point behind a whole number.
    mutating func putPlain(_ number: ShortestDigits) {
        number.withDigits { digits in
            if number.exponent < 0 {
                put("0.")
                for _ in 1..<(-number.exponent) { put(UInt8(ascii: "0")) }
                for digit in digits { put(digit) }
                return
            }
            for index in 0..<max(digits.count, number.exponent + 1) {
                if index == number.exponent + 1 { put(UInt8(ascii: ".")) }
                put(index < digits.count ? digits[index] : UInt8(ascii: "0"))
            }
        }
    }

    /// DECIMAL: groups of nine digits in four bytes, the outer groups in as many as they need; the
    /// first bit is 1 for positive, and all bits are flipped for negative (B52).
    ///
    /// Source: MySQL, strings/decimal.cc, `decimal2bin`.
    mutating func decimal(
        _ reader: inout EventReader, precision: Int, scale: Int
    ) throws(MalformedEvent) {
        let whole = precision - scale
        try reserve(precision + 3)
        let size = Self.decimalSize(precision: precision, scale: scale)
        let bytes = try reader.take(size)
        guard let first = bytes.first else { throw .invalid("a DECIMAL without digits") }
        let mask: UInt8 = first & 0x80 == 0 ? 0xFF : 0
        if mask != 0 { put(UInt8(ascii: "-")) }
        var groups = DecimalGroups(bytes: bytes, mask: mask)
        let begin = count
        putGroup(&groups, digits: whole % 9, skipsZeros: true, since: begin)
        for _ in 0..<whole / 9 { putGroup(&groups, digits: 9, skipsZeros: true, since: begin) }
        if count == begin { put(UInt8(ascii: "0")) }
        guard scale > 0 else { return }
        put(UInt8(ascii: "."))
        for _ in 0..<scale / 9 { putGroup(&groups, digits: 9, skipsZeros: false, since: begin) }
        putGroup(&groups, digits: scale % 9, skipsZeros: false, since: begin)
    }

    /// Zeros in front of the first digit of the whole part are left out.
    @inline(__always)
    private mutating func putGroup(
        _ groups: inout DecimalGroups, digits: Int, skipsZeros: Bool, since begin: Int
    ) {
        guard digits > 0 else { return }
        let value = groups.next(bytes: Self.bytesOfDigits(digits))
        if !skipsZeros || count > begin {
            putDigits(Int(value), width: digits)
        } else if value > 0 {
            put(UInt64(value))
        }
    }

    private static func bytesOfDigits(_ digits: Int) -> Int {
        switch digits {
        case 0: 0
        case 1, 2: 1
        case 3, 4: 2
        case 5, 6: 3
        default: 4
        }
    }

    static func decimalSize(precision: Int, scale: Int) -> Int {
        let whole = precision - scale
        return whole / 9 * 4 + bytesOfDigits(whole % 9) + scale / 9 * 4 + bytesOfDigits(scale % 9)
    }
}

/// Takes one group of digits after the other from a DECIMAL.
private struct DecimalGroups {
    let bytes: UnsafeRawBufferPointer
    let mask: UInt8
    var offset = 0

    init(bytes: UnsafeRawBufferPointer, mask: UInt8) {
        self.bytes = bytes
        self.mask = mask
    }

    @inline(__always)
    mutating func next(bytes count: Int) -> UInt32 {
        var value: UInt32 = 0
        for index in offset..<offset + count {
            // The first bit is the sign's.
            let byte = bytes[index] ^ mask ^ (index == 0 ? 0x80 : 0)
            value = value << 8 | UInt32(byte)
        }
        offset += count
        return value
    }
}
