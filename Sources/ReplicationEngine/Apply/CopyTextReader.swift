/// A fault in COPY data.
package enum CopyTextFault: Error, Equatable {
    /// The block ends inside a row.
    case truncated
    /// A row has fewer or more fields than there are columns.
    case fieldCount(found: Int, wanted: Int)
    /// A backslash is the last byte of a field.
    case danglingEscape

    package var reason: String {
        switch self {
        case .truncated: "the block of rows ends inside a row"
        case .fieldCount(let found, let wanted): "a row has \(found) fields instead of \(wanted)"
        case .danglingEscape: "a field ends with a lone backslash"
        }
    }
}

/// Splits a block of whole rows in PostgreSQL's COPY text format into fields.
///
/// Works on the block's own bytes: a field without an escape is a slice of the block, one with an
/// escape is written to `scratch`. Fields stay valid until the next row is read.
///
/// Source: PostgreSQL documentation, COPY, "File Formats", "Text Format".
package struct CopyTextReader {
    @usableFromInline let block: UnsafeRawBufferPointer
    @usableFromInline let columns: Int
    /// At least as long as the longest row: an unescaped field is never longer than its source.
    @usableFromInline let scratch: UnsafeMutableRawBufferPointer
    @usableFromInline var scratchUsed = 0
    @usableFromInline var position = 0

    @inlinable
    package init(
        _ block: UnsafeRawBufferPointer, columns: Int, scratch: UnsafeMutableRawBufferPointer
    ) {
        precondition(scratch.count >= block.count)
        self.block = block
        self.columns = columns
        self.scratch = scratch
    }

    @usableFromInline static let tab = UInt8(ascii: "\t")
    @usableFromInline static let newline = UInt8(ascii: "\n")
    @usableFromInline static let backslash = UInt8(ascii: "\\")

    /// Reads the next row: calls `body` with each field's index and bytes, nil for NULL.
    /// - Returns: false at the end of the block, or at the end-of-data line `\.`.
    @inlinable @inline(__always)
    package mutating func nextRow(_ body: (Int, UnsafeRawBufferPointer?) throws -> Void) throws
        -> Bool
    {
        guard position < block.count, !isEndOfData else { return false }
        scratchUsed = 0
        var field = 0
        while true {
            let start = position
            let hasEscape = skipField()
            guard position < block.count else { throw CopyTextFault.truncated }
            let end = position
            position += 1
            // A table without columns sends empty lines.
            let isEmptyRow = columns == 0 && start == end && block[end] == Self.newline
            if isEmptyRow { return true }
            guard field < columns else {
                throw CopyTextFault.fieldCount(found: field + 1, wanted: columns)
            }
            try body(field, try value(start..<end, hasEscape))
            field += 1
            if block[end] == Self.newline { break }
        }
        guard field == columns else {
            throw CopyTextFault.fieldCount(found: field, wanted: columns)
        }
        return true
    }

    /// `\.` alone on a line.
    @inlinable
    var isEndOfData: Bool {
        block[position] == Self.backslash && block.count - position >= 2
            && block[position + 1] == UInt8(ascii: ".")
            && (block.count - position == 2 || block[position + 2] == Self.newline)
    }

    /// Moves to the delimiter that ends the field; whether there was a backslash.
    @inlinable @inline(__always)
    mutating func skipField() -> Bool {
        var hasEscape = false
        while position < block.count {
            let byte = block[position]
            if byte == Self.tab || byte == Self.newline { break }
            if byte == Self.backslash {
                hasEscape = true
                position += 1
                // A backslash before a raw newline or tab quotes it.
                if position == block.count { break }
            }
            position += 1
        }
        return hasEscape
    }

    @inlinable
    mutating func value(
        _ range: Range<Int>, _ hasEscape: Bool
    ) throws -> UnsafeRawBufferPointer? {
        let raw = UnsafeRawBufferPointer(rebasing: block[range])
        guard hasEscape else { return raw }
        if raw.count == 2, raw[1] == UInt8(ascii: "N") { return nil }
        return try unescape(raw)
    }

    @inlinable
    mutating func unescape(_ raw: UnsafeRawBufferPointer) throws -> UnsafeRawBufferPointer {
        let start = scratchUsed
        var from = 0
        while from < raw.count {
            var byte = raw[from]
            from += 1
            if byte == Self.backslash {
                guard from < raw.count else { throw CopyTextFault.danglingEscape }
                byte = Self.escaped(raw, &from)
            }
            scratch[scratchUsed] = byte
            scratchUsed += 1
        }
        return UnsafeRawBufferPointer(rebasing: scratch[start..<scratchUsed])
    }

    /// The byte that an escape stands for; `from` is behind the backslash, then behind the escape.
    @inlinable
    static func escaped(_ raw: UnsafeRawBufferPointer, _ from: inout Int) -> UInt8 {
        let letter = raw[from]
        from += 1
        switch letter {
        case UInt8(ascii: "b"): return 0x08
        case UInt8(ascii: "f"): return 0x0C
        case UInt8(ascii: "n"): return 0x0A
        case UInt8(ascii: "r"): return 0x0D
        case UInt8(ascii: "t"): return 0x09
        case UInt8(ascii: "v"): return 0x0B
        case UInt8(ascii: "0")...UInt8(ascii: "7"):
            from -= 1
            return number(raw, &from, base: 8, digits: 3)
        case UInt8(ascii: "x"):
            let start = from
            let byte = number(raw, &from, base: 16, digits: 2)
            return from == start ? letter : byte
        default: return letter
        }
    }

    /// Up to `digits` digits; the low eight bits, as the server takes them.
    @inlinable
    static func number(
        _ raw: UnsafeRawBufferPointer, _ from: inout Int, base: UInt16, digits: Int
    ) -> UInt8 {
        var value: UInt16 = 0
        var left = digits
        while left > 0, from < raw.count, let digit = digit(raw[from]), digit < base {
            value = value * base + digit
            from += 1
            left -= 1
        }
        return UInt8(truncatingIfNeeded: value)
    }

    @inlinable
    static func digit(_ byte: UInt8) -> UInt16? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt16(byte - UInt8(ascii: "0"))
        case UInt8(ascii: "a")...UInt8(ascii: "f"): UInt16(byte - UInt8(ascii: "a")) + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): UInt16(byte - UInt8(ascii: "A")) + 10
        default: nil
        }
    }
}
