internal import Glibc

/// The character set of a column, as far as decoding goes. Trivial, as `ColumnForm` is.
enum CharacterSet: Equatable {
    /// utf8mb4 and utf8mb3: taken as it is.
    case utf8
    /// The same; but MariaDB lets bytes above 127 in.
    case ascii
    case latin1
    /// A converter of `Converters`.
    case converted(UInt8)
}

/// Converters from MySQL's other character sets to UTF-8, made when they are needed.
///
/// Used are the C library's, and only those that agree with the servers on every character: a text
/// must not depend on who converted it, the stream or the load (B46). The comparison is a test;
/// sets that fail it are refused by name.
final class Converters {
    private var handles: [iconv_t?] = Array(repeating: nil, count: Converters.names.count)

    /// What needs no converter.
    private static let plain: [String: CharacterSet] = [
        "utf8mb4": .utf8, "utf8mb3": .utf8, "utf8": .utf8, "ascii": .ascii, "latin1": .latin1,
    ]

    /// MySQL's name, and the C library's.
    static let names: [(set: String, library: String)] = [
        ("ucs2", "UCS-2BE"), ("utf16", "UTF-16BE"), ("utf16le", "UTF-16LE"),
        ("utf32", "UTF-32BE"), ("cp1250", "CP1250"), ("cp1251", "CP1251"), ("cp1257", "CP1257"),
        ("cp850", "CP850"), ("cp852", "CP852"), ("hp8", "HP-ROMAN8"), ("koi8r", "KOI8-R"),
        ("latin2", "ISO-8859-2"), ("latin5", "ISO-8859-9"), ("latin7", "ISO-8859-13"),
        ("macce", "MAC-CENTRALEUROPE"), ("cp932", "CP932"), ("eucjpms", "EUC-JP-MS"),
        ("euckr", "UHC"), ("gb2312", "EUC-CN"), ("gbk", "GBK"),
    ]

    deinit {
        for handle in handles {
            if let handle { iconv_close(handle) }
        }
    }

    static func isSupported(_ name: String) -> Bool {
        plain[name] != nil || names.contains { $0.set == name }
    }

    /// - Throws: `.characterSet` for one that is not supported here.
    func characterSet(named name: String) throws(MalformedEvent) -> CharacterSet {
        if let plain = Self.plain[name] { return plain }
        guard let index = Self.names.firstIndex(where: { $0.set == name }) else {
            throw .characterSet(name)
        }
        if handles[index] == nil {
            let handle = iconv_open("UTF-8", Self.names[index].library)
            guard handle != iconv_t(bitPattern: -1) else { throw .characterSet(name) }
            handles[index] = handle
        }
        return .converted(UInt8(index))
    }

    func convert(
        _ source: UnsafeRawBufferPointer, _ index: UInt8, into text: inout RowText
    ) throws(MalformedEvent) {
        guard let handle = handles[Int(index)] else {
            throw .characterSet(Self.names[Int(index)].set)
        }
        // No character of any of them takes more than three times its bytes in UTF-8.
        let room = 3 * source.count
        try text.reserve(room)
        var isWhole = false
        text.fill(room) { target in
            var input = UnsafeMutablePointer(
                mutating: source.bindMemory(to: CChar.self).baseAddress)
            var inputLeft = source.count
            var output = target.bindMemory(to: CChar.self).baseAddress
            var outputLeft = room
            let failed = iconv(handle, &input, &inputLeft, &output, &outputLeft)
            isWhole = failed == 0 && inputLeft == 0
            return room - outputLeft
        }
        guard isWhole else {
            // A failed conversion may leave the handle in the middle of a character.
            iconv(handle, nil, nil, nil, nil)
            throw .text(Self.names[Int(index)].set)
        }
    }

    /// All of a short text: labels, statements.
    func text(
        _ source: UnsafeRawBufferPointer, _ set: CharacterSet
    ) throws(MalformedEvent) -> [UInt8] {
        var text = RowText(capacity: 3 * source.count + 1)
        try text.text(source, set, self)
        return Array(text.bytes)
    }
}
