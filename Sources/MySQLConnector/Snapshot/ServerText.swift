import Foundation
internal import ReplicationEngine
internal import ReplicationModel

/// From the text that a server gives of a value to the canonical text, the same that the log's
/// decoder writes (A19), as a field of COPY's text format.
///
/// The server's own texts are the canonical ones but for these: fractions of a second with zeros at
/// the end, ZEROFILL, floats, and everything binary. Texts that are not UTF-8 at the server come as
/// the bytes that they are: it would put question marks for what has no counterpart (B46).
struct ServerText {
    private enum Form {
        /// Holds nothing that COPY escapes.
        case plain
        case text
        case characters(CharacterSet)
        /// Zeros in front are for display only.
        case zerofill
        /// Seconds with a fraction; then what follows.
        case fraction(suffix: String)
        case float32, float64
        case hexadecimal
        case bits(Int)
    }

    private var forms: [Form]
    private let table: TableName
    private let columns: [Column]
    private let converters = Converters()

    /// - Throws: `.unsupported` for texts of a character set that the log's decoder does not have.
    init(_ columns: [Column], of table: TableName) throws {
        self.columns = columns
        self.table = table
        forms = columns.map(Self.form)
        for (index, column) in columns.enumerated() {
            guard let set = Self.ownSet(column) else { continue }
            forms[index] = try located(index) { () throws(MalformedEvent) in
                .characters(try converters.characterSet(named: set))
            }
        }
    }

    /// The character set of a text that is not UTF-8.
    private static func ownSet(_ column: Column) -> String? {
        switch column.type.kind {
        case .text, .fixedText, .json:
            return column.characterSet.flatMap { $0.hasPrefix("utf8") ? nil : $0 }
        default: return nil
        }
    }

    private func located<Result>(
        _ index: Int, _ body: () throws(MalformedEvent) -> Result
    ) throws(ReplicationError) -> Result {
        do { return try body() } catch {
            throw error.readError(of: table, column: columns[index].name)
        }
    }

    /// What to select for a column. FLOAT's own text has six digits (B51); multiplied it is the
    /// exact double, and the sign of a zero stays.
    static func expression(_ column: Column, of alias: String) -> String {
        let name = "\(alias).\(SQLText.name(column.name))"
        switch column.type.kind {
        case .float32, .float64: return "\(name) * 1e0"
        default: return ownSet(column) == nil ? name : SQLText.bytes(of: name)
        }
    }

    private static func form(_ column: Column) -> Form {
        switch column.type.kind {
        case .int16, .int32, .int64, .unsigned64, .numeric:
            column.type.declaration.lowercased().contains("zerofill") ? .zerofill : .plain
        case .date, .year, .uuid, .network: .plain
        case .timestamp, .duration: .fraction(suffix: "")
        case .timestampWithZone: .fraction(suffix: "+00")
        case .float32: .float32
        case .float64: .float64
        case .bytes, .geometry, .vector: .hexadecimal
        case .bits: .bits(column.type.size.length ?? 1)
        default: .text
        }
    }

    /// Appends the value of column `index`, escaped for COPY.
    func append(_ value: UnsafeRawBufferPointer?, _ index: Int, to out: inout [UInt8]) throws {
        guard let value else { return out.append(contentsOf: [0x5C, UInt8(ascii: "N")]) }
        switch forms[index] {
        case .plain: out.append(contentsOf: value)
        case .text: CopyTextWriter.append(value, to: &out)
        case .characters(let set):
            try characters(value, set, index).withUnsafeBytes {
                CopyTextWriter.append($0, to: &out)
            }
        case .zerofill: Self.number(value, to: &out)
        case .fraction(let suffix):
            Self.fraction(value, to: &out)
            out.append(contentsOf: suffix.utf8)
        case .float32: try Self.float(Float(Self.double(value)), to: &out)
        case .float64: try Self.float(Self.double(value), to: &out)
        case .hexadecimal: Self.hexadecimal(value, to: &out)
        case .bits(let count): Self.bits(value, count, to: &out)
        }
    }

    /// The canonical text by itself, as keys hold it.
    func canonical(_ value: UnsafeRawBufferPointer, _ index: Int) throws -> [UInt8] {
        switch forms[index] {
        case .text: return Array(value)
        case .characters(let set): return try characters(value, set, index)
        case .hexadecimal:
            var out: [UInt8] = []
            Self.hexadecimal(value, to: &out)
            out.removeFirst()  // the backslash that escapes
            return out
        default:
            var out: [UInt8] = []
            try append(value, index, to: &out)
            return out
        }
    }

    // MARK: Forms

    private func characters(
        _ value: UnsafeRawBufferPointer, _ set: CharacterSet, _ index: Int
    ) throws(ReplicationError) -> [UInt8] {
        try located(index) { () throws(MalformedEvent) in try converters.text(value, set) }
    }

    /// `-00012.50` is `-12.50`.
    private static func number(_ value: UnsafeRawBufferPointer, to out: inout [UInt8]) {
        var rest = value[...]
        if rest.first == UInt8(ascii: "-") {
            out.append(UInt8(ascii: "-"))
            rest = rest.dropFirst()
        }
        while rest.count > 1, rest.first == UInt8(ascii: "0"),
            rest[rest.startIndex + 1] != UInt8(ascii: ".")
        {
            rest = rest.dropFirst()
        }
        CopyTextWriter.appendPlain(rest, to: &out)
    }

    /// Zeros at a fraction's end go, and the point with them if nothing is left.
    private static func fraction(_ value: UnsafeRawBufferPointer, to out: inout [UInt8]) {
        var end = value.count
        if value.indices.contains(where: { value[$0] == UInt8(ascii: ".") }) {
            while value[end - 1] == UInt8(ascii: "0") { end -= 1 }
            if value[end - 1] == UInt8(ascii: ".") { end -= 1 }
        }
        CopyTextWriter.appendPlain(value[..<end], to: &out)
    }

    /// By the log's own writer.
    private static func float(_ value: Float, to out: inout [UInt8]) throws {
        try withUnsafeBytes(of: value.bitPattern.littleEndian) { bytes in
            var text = RowText(capacity: 64)
            var reader = EventReader(bytes)
            try text.float(&reader)
            out.append(contentsOf: text.bytes)
        }
    }

    private static func float(_ value: Double, to out: inout [UInt8]) throws {
        try withUnsafeBytes(of: value.bitPattern.littleEndian) { bytes in
            var text = RowText(capacity: 64)
            var reader = EventReader(bytes)
            try text.double(&reader)
            out.append(contentsOf: text.bytes)
        }
    }

    private static func double(_ value: UnsafeRawBufferPointer) -> Double {
        // The library ends every value with a zero byte.
        value.baseAddress.map { strtod($0.assumingMemoryBound(to: CChar.self), nil) } ?? 0
    }

    /// `\x00ff`, whose backslash COPY doubles.
    private static func hexadecimal(_ value: UnsafeRawBufferPointer, to out: inout [UInt8]) {
        out.append(contentsOf: [0x5C, 0x5C, UInt8(ascii: "x")])
        CanonicalText.append(hexadecimal: value, to: &out)
    }

    /// Whole bytes, the highest first; the column's digits are the last ones.
    private static func bits(
        _ value: UnsafeRawBufferPointer, _ count: Int, to out: inout [UInt8]
    ) {
        let number = value.suffix(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        for bit in (0..<min(count, 64)).reversed() { out.append(48 + UInt8(number >> bit & 1)) }
    }
}
