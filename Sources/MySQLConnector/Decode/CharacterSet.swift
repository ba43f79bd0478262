internal import ReplicationModel
internal import Synchronization

extension Column {
    /// MySQL's name of it, which its collations' names begin with; nil where there are no texts.
    var characterSet: String? { collation?.split(separator: "_").first.map(String.init) }
}

/// The character set of a column, as far as decoding goes. Trivial, as `ColumnForm` is.
enum CharacterSet: Equatable {
    /// utf8mb4 and utf8mb3: taken as it is.
    case utf8
    /// ucs2 has no pairs of surrogates.
    case utf16(isLittleEndian: Bool, hasPairs: Bool)
    case utf32
    /// A table of `Converters`.
    case table(UInt8)
}

/// Converters from MySQL's other character sets to UTF-8, made when they are needed.
///
/// Load and stream use the same, and each character becomes what the servers make of it: a text
/// must not depend on who converted it (B46). Bytes that are no character to the servers are an
/// error.
final class Converters {
    /// Made once: those of the C library take milliseconds.
    private static let made = Mutex<[Int: CharacterTable]>([:])

    private var tables: [CharacterTable?] = Array(
        repeating: nil, count: SingleByteSet.all.count + MultiByteSet.all.count)

    /// What needs no table.
    private static let plain: [String: CharacterSet] = [
        "utf8mb4": .utf8, "utf8mb3": .utf8, "utf8": .utf8, "utf32": .utf32,
        "ucs2": .utf16(isLittleEndian: false, hasPairs: false),
        "utf16": .utf16(isLittleEndian: false, hasPairs: true),
        "utf16le": .utf16(isLittleEndian: true, hasPairs: true),
    ]

    /// - Throws: `.characterSet` for one that is not supported here.
    func characterSet(named name: String) throws(MalformedEvent) -> CharacterSet {
        if let plain = Self.plain[name] { return plain }
        guard let index = Self.index(of: name) else { throw .characterSet(name) }
        if tables[index] == nil { tables[index] = try Self.table(index) }
        return .table(UInt8(index))
    }

    private static func index(of name: String) -> Int? {
        SingleByteSet.all.firstIndex { $0.name == name }
            ?? MultiByteSet.all.firstIndex { $0.name == name }.map { SingleByteSet.all.count + $0 }
    }

    private static func table(_ index: Int) throws(MalformedEvent) -> CharacterTable {
        if let table = made.withLock({ $0[index] }) { return table }
        let table =
            index < SingleByteSet.all.count
            ? try CharacterTable(SingleByteSet.all[index])
            : try CharacterTable(MultiByteSet.all[index - SingleByteSet.all.count])
        made.withLock { $0[index] = table }
        return table
    }

    /// Whether the set has two codes for some character.
    static func isAmbiguous(_ name: String) -> Bool {
        guard let index = index(of: name), let table = try? table(index) else { return false }
        return table.isAmbiguous
    }

    func convert(
        _ source: UnsafeRawBufferPointer, _ index: UInt8, into text: inout RowText
    ) throws(MalformedEvent) {
        guard let table = tables[Int(index)] else { throw .outOfPlace }
        try table.convert(source, into: &text)
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
