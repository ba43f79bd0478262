internal import CZlib

/// Texts, bytes, labels, and what MariaDB hides in bytes.
extension RowText {
    @inline(__always)
    mutating func text(
        _ source: UnsafeRawBufferPointer, _ set: CharacterSet, _ converters: Converters
    ) throws(MalformedEvent) {
        switch set {
        case .utf8:
            try reserve(source.count)
            put(source)
        case .utf16(let isLittleEndian, let hasPairs):
            try utf16(source, isLittleEndian: isLittleEndian, hasPairs: hasPairs)
        case .utf32: try utf32(source)
        case .table(let index): try converters.convert(source, index, into: &self)
        }
    }

    private mutating func utf16(
        _ source: UnsafeRawBufferPointer, isLittleEndian: Bool, hasPairs: Bool
    ) throws(MalformedEvent) {
        let name: String = hasPairs ? "utf16" : "ucs2"
        func unit(_ place: Int) throws(MalformedEvent) -> UInt32 {
            guard place + 1 < source.count else { throw .text(name) }
            let unit = source.loadUnaligned(fromByteOffset: place, as: UInt16.self)
            return UInt32(isLittleEndian ? UInt16(littleEndian: unit) : UInt16(bigEndian: unit))
        }
        try reserve(3 * source.count)
        var place = 0
        while place < source.count {
            var code = try unit(place)
            place += 2
            if hasPairs, code & 0xFC00 == 0xD800 {
                let second = try unit(place)
                place += 2
                guard second & 0xFC00 == 0xDC00 else { throw .text(name) }
                code = 0x10000 + (code & 0x3FF) << 10 + second & 0x3FF
            }
            guard code & 0xFFFF_F800 != 0xD800 else { throw .text(name) }
            put(scalar: code)
        }
    }

    private mutating func utf32(_ source: UnsafeRawBufferPointer) throws(MalformedEvent) {
        guard source.count % 4 == 0 else { throw .text("utf32") }
        try reserve(source.count)
        for place in stride(from: 0, to: source.count, by: 4) {
            let code = source.loadUnaligned(fromByteOffset: place, as: UInt32.self).bigEndian
            guard Unicode.Scalar(code) != nil else { throw .text("utf32") }
            put(scalar: code)
        }
    }

    // MARK: Bytes

    /// `\x00ff`.
    ///
    /// - Parameter length: zeros fill up to it.
    mutating func hex(
        _ source: UnsafeRawBufferPointer, length: Int = 0
    ) throws(MalformedEvent) {
        try reserve(2 + 2 * max(source.count, length))
        put("\\x")
        for byte in source { putHex(byte) }
        for _ in 0..<max(0, length - source.count) { put("00") }
    }

    @inline(__always)
    private mutating func putHex(_ byte: UInt8) {
        put(Self.digit(byte >> 4))
        put(Self.digit(byte & 15))
    }

    @inline(__always)
    static func digit(_ nibble: UInt8) -> UInt8 { nibble < 10 ? 48 &+ nibble : 87 &+ nibble }

    // MARK: Labels

    /// Zero is '', what the server stores for a value that it did not know (B49).
    mutating func enumeration(_ number: UInt64, _ labels: [[UInt8]]) throws(MalformedEvent) {
        guard number > 0 else { return }
        guard number <= UInt64(labels.count) else { throw .invalid("ENUM label \(number)") }
        try put(label: labels[Int(number) - 1])
    }

    mutating func set(_ bits: UInt64, _ labels: [[UInt8]]) throws(MalformedEvent) {
        var rest = bits
        guard 64 - rest.leadingZeroBitCount <= labels.count else {
            throw .invalid("SET label \(64 - rest.leadingZeroBitCount)")
        }
        var isFirst = true
        while rest != 0 {
            try reserve(1)
            if !isFirst { put(UInt8(ascii: ",")) }
            isFirst = false
            try put(label: labels[rest.trailingZeroBitCount])
            rest &= rest - 1
        }
    }

    private mutating func put(label: [UInt8]) throws(MalformedEvent) {
        try reserve(label.count)
        label.withUnsafeBytes { put($0) }
    }

    // MARK: MariaDB

    /// The column's length is fixed: zeros at the end are left out in the log.
    private func byte(_ source: UnsafeRawBufferPointer, _ index: Int) -> UInt8 {
        index < source.count ? source[index] : 0
    }

    private func check(_ source: UnsafeRawBufferPointer, atMost count: Int)
        throws(MalformedEvent)
    {
        guard source.count <= count else { throw .invalid("a value of \(source.count) bytes") }
    }

    mutating func uuid(_ source: UnsafeRawBufferPointer) throws(MalformedEvent) {
        try check(source, atMost: 16)
        try reserve(36)
        for index in 0..<16 {
            if [4, 6, 8, 10].contains(index) { put(UInt8(ascii: "-")) }
            putHex(byte(source, index))
        }
    }

    mutating func inet4(_ source: UnsafeRawBufferPointer) throws(MalformedEvent) {
        try check(source, atMost: 4)
        try reserve(15)
        putIPv4(source, from: 0)
    }

    private mutating func putIPv4(_ source: UnsafeRawBufferPointer, from start: Int) {
        for index in start..<start + 4 {
            if index > start { put(UInt8(ascii: ".")) }
            put(UInt64(byte(source, index)))
        }
    }

    /// The first longest run of zero groups becomes `::`, a single one too; the last 32 bits of an
    /// embedded IPv4 address are written as one.
    mutating func inet6(_ source: UnsafeRawBufferPointer) throws(MalformedEvent) {
        try check(source, atMost: 16)
        try reserve(48)
        let groups = (0..<8).map {
            UInt16(byte(source, 2 * $0)) << 8 | UInt16(byte(source, 2 * $0 + 1))
        }
        let gap = Self.longestGap(groups)
        let endsInIPv4 =
            gap.lowerBound == 0
            && (gap.count == 6 || gap.count == 5 && groups[5] == 0xFFFF)
        var index = 0
        while index < 8 {
            if index == gap.lowerBound, !gap.isEmpty {
                put("::")
                index = gap.upperBound
                continue
            }
            if index > 0, index != gap.upperBound || gap.isEmpty { put(UInt8(ascii: ":")) }
            if index == 6, endsInIPv4 {
                putIPv4(source, from: 12)
                return
            }
            putGroup(groups[index])
            index += 1
        }
    }

    private mutating func putGroup(_ group: UInt16) {
        for shift in [12, 8, 4, 0] where group >> shift != 0 || shift == 0 {
            put(Self.digit(UInt8(group >> shift & 15)))
        }
    }

    private static func longestGap(_ groups: [UInt16]) -> Range<Int> {
        var best = 0..<0
        var start = 0
        while start < groups.count {
            var end = start
            while end < groups.count, groups[end] == 0 { end += 1 }
            if end - start > best.count { best = start..<end }
            start = end + 1
        }
        return best
    }

    /// COMPRESSED: a byte that says how, the length before compression, and the data (B59).
    mutating func compressed(
        _ source: UnsafeRawBufferPointer,
        _ write: (inout RowText, UnsafeRawBufferPointer) throws(MalformedEvent) -> Void
    ) throws(MalformedEvent) {
        guard let first = source.first else {
            try write(&self, source)
            return
        }
        guard first != 0 else {
            try write(&self, UnsafeRawBufferPointer(rebasing: source[1...]))
            return
        }
        guard first >> 4 == 8 else { throw .compression("method \(first >> 4) of a column") }
        var reader = EventReader(UnsafeRawBufferPointer(rebasing: source[1...]))
        let size = try reader.bigEndian(Int(first & 7))
        let data = try Inflation.whole(
            reader.rest(), size: Int(clamping: size), isRaw: first & 8 != 0)
        try data.reading { bytes throws(MalformedEvent) in try write(&self, bytes) }
    }
}
