internal import CZlib
internal import Glibc

/// The characters of one character set, all below U+10000 but for those of GB 18030.
///
/// The place of a character in the table is its bytes as a number, of one or two bytes; behind
/// 0x10000 the last two of those with three (0x8F in front), or the number in their order of those
/// with four.
struct CharacterTable {
    private let name: String
    private let longest: MultiByteSet.Longest?
    /// Zero is none, but for the first.
    private var characters: [UInt16]
    /// Whether some character has two codes. The servers take them for different in an index, and
    /// nobody can tell them apart in UTF-8.
    let isAmbiguous: Bool

    private static let upper = 0x10000
    /// GB 18030: how many characters of four bytes are below U+10000, and the place of U+10000.
    private static let lowQuads = 39_420
    private static let highQuads = 189_000

    init(_ set: SingleByteSet) throws(MalformedEvent) {
        name = set.name
        longest = nil
        characters = Array(0..<256)
        try Self.replace(&characters, set.differences, name)
        isAmbiguous = Self.isAmbiguous(characters)
    }

    /// - Throws: `.characterSet` if the C library does not have the set, or another table than the
    ///   servers.
    init(_ set: MultiByteSet) throws(MalformedEvent) {
        name = set.name
        longest = set.longest
        let count = set.longest == .two ? Self.upper : 2 * Self.upper
        characters = Array(0..<128) + Array(repeating: 0, count: count - 128)
        try Self.fill(&characters, set)
        try Self.replace(&characters, set.differences, name)
        guard Self.checksum(characters) == set.checksum else { throw .characterSet(name) }
        isAmbiguous = Self.isAmbiguous(characters)
    }

    // MARK: Making

    private static func isAmbiguous(_ characters: [UInt16]) -> Bool {
        let used = characters.filter { $0 != 0 }
        return Set(used).count < used.count
    }

    private static func checksum(_ characters: [UInt16]) -> UInt32 {
        let bytes = characters.flatMap { [UInt8(truncatingIfNeeded: $0), UInt8($0 >> 8)] }
        return UInt32(truncatingIfNeeded: crc32(0, bytes, UInt32(bytes.count)))
    }

    private static func fill(
        _ characters: inout [UInt16], _ set: MultiByteSet
    ) throws(MalformedEvent) {
        let handle = iconv_open("UTF-16LE", set.library)
        guard let handle, handle != iconv_t(bitPattern: -1) else {
            throw .characterSet(set.name)
        }
        defer { iconv_close(handle) }
        for place in characters.indices {
            guard var bytes = bytes(at: place, set.longest) else { continue }
            characters[place] = character(&bytes, handle)
        }
    }

    /// nil for what is none for sure, or ASCII's.
    private static func bytes(at place: Int, _ longest: MultiByteSet.Longest) -> [CChar]? {
        func list(_ bytes: Int...) -> [CChar] { bytes.map { CChar(truncatingIfNeeded: $0) } }
        switch place {
        case 0x80..<0x100: return list(place)
        case 0x8000..<upper: return list(place >> 8, place)
        case upper...:
            let rest = place - upper
            if longest == .three {
                return rest & 0x8080 == 0x8080 ? list(0x8F, rest >> 8, rest) : nil
            }
            guard rest < lowQuads else { return nil }
            return list(
                0x81 + rest / 12_600, 0x30 + rest / 1_260 % 10, 0x81 + rest / 10 % 126,
                0x30 + rest % 10)
        default: return nil
        }
    }

    /// Zero unless it is one character.
    private static func character(_ bytes: inout [CChar], _ handle: iconv_t) -> UInt16 {
        // A conversion that failed may leave the handle in the middle of a character.
        iconv(handle, nil, nil, nil, nil)
        var units: [UInt16] = [0, 0, 0, 0]
        var (left, room) = (bytes.count, 8)
        let failed = bytes.withUnsafeMutableBufferPointer { bytes in
            units.withUnsafeMutableBytes { units in
                var input = bytes.baseAddress
                var output = units.bindMemory(to: CChar.self).baseAddress
                return iconv(handle, &input, &left, &output, &room)
            }
        }
        return failed == 0 && left == 0 && room == 6 ? UInt16(littleEndian: units[0]) : 0
    }

    /// `82:201A` is one character, `C0-FF:410` are as many one after the other, `81:` is none.
    private static func replace(
        _ characters: inout [UInt16], _ differences: String, _ name: String
    ) throws(MalformedEvent) {
        for item in differences.split(whereSeparator: \.isWhitespace) {
            let sides = item.split(separator: ":", omittingEmptySubsequences: false)
            let places = sides[0].split(separator: "-").compactMap { Int($0, radix: 16) }
            guard sides.count == 2, let first = places.first, let last = places.last,
                first <= last, last < characters.count
            else { throw .characterSet(name) }
            let start = UInt16(sides[1], radix: 16)
            guard sides[1].isEmpty == (start == nil) else { throw .characterSet(name) }
            for place in first...last {
                characters[place] = start.map { $0 + UInt16(place - first) } ?? 0
            }
        }
    }

    // MARK: Converting

    func convert(
        _ source: UnsafeRawBufferPointer, into text: inout RowText
    ) throws(MalformedEvent) {
        // No character takes more than three times its bytes in UTF-8.
        try text.reserve(3 * source.count)
        var place = 0
        while place < source.count {
            let byte = source[place]
            let code = characters[Int(byte)]
            if code == byte, code < 0x80 {
                text.put(byte)
                place += 1
            } else if code != 0 {
                text.put(scalar: UInt32(code))
                place += 1
            } else {
                let (scalar, bytes) = try several(source, place)
                text.put(scalar: scalar)
                place += bytes
            }
        }
    }

    /// A character of several bytes.
    private func several(
        _ source: UnsafeRawBufferPointer, _ place: Int
    ) throws(MalformedEvent) -> (scalar: UInt32, bytes: Int) {
        guard let longest, place + 1 < source.count else { throw .text(name) }
        let (first, second) = (Int(source[place]), Int(source[place + 1]))
        if characters[first << 8 | second] != 0 {
            return (UInt32(characters[first << 8 | second]), 2)
        }
        switch longest {
        case .three where first == 0x8F && place + 2 < source.count:
            let code = characters[Self.upper + second << 8 + Int(source[place + 2])]
            if code != 0 { return (UInt32(code), 3) }
        case .four where place + 3 < source.count:
            if let scalar = quad(source, place) { return (scalar, 4) }
        default: break
        }
        throw .text(name)
    }

    private func quad(_ source: UnsafeRawBufferPointer, _ place: Int) -> UInt32? {
        var number = 0
        for index in 0..<4 {
            let (base, count) = index % 2 == 0 ? (0x81, 126) : (0x30, 10)
            let digit = Int(source[place + index]) - base
            guard (0..<count).contains(digit) else { return nil }
            number = number * count + digit
        }
        if number < Self.lowQuads {
            let code = characters[Self.upper + number]
            return code == 0 ? nil : UInt32(code)
        }
        let scalar = number - Self.highQuads + 0x10000
        return (0x10000...0x10FFFF).contains(scalar) ? UInt32(scalar) : nil
    }
}
