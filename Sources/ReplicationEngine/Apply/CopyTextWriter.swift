/// Writes fields in PostgreSQL's COPY text format, as `CopyTextReader` reads them. Escapes what
/// would end a field or a row, and the escape itself; everything else stands for itself.
///
/// Source: https://www.postgresql.org/docs/current/sql-copy.html, "Text Format".
package enum CopyTextWriter {
    package static func append(_ field: UnsafeRawBufferPointer, to output: inout [UInt8]) {
        var kept = 0
        for index in field.indices where field[index] < 0x20 || field[index] == 0x5C {
            let letter: UInt8
            switch field[index] {
            case 0x5C: letter = 0x5C
            case 0x09: letter = UInt8(ascii: "t")
            case 0x0A: letter = UInt8(ascii: "n")
            case 0x0D: letter = UInt8(ascii: "r")
            default: continue
            }
            appendPlain(field[kept..<index], to: &output)
            output.append(0x5C)
            output.append(letter)
            kept = index + 1
        }
        appendPlain(field[kept...], to: &output)
    }

    /// What needs no escape, at once: a slice by itself is copied byte by byte.
    package static func appendPlain(
        _ slice: Slice<UnsafeRawBufferPointer>, to output: inout [UInt8]
    ) {
        output.append(contentsOf: UnsafeRawBufferPointer(rebasing: slice))
    }
}
