/// Whether MySQL, given a document's text, shows the numbers in it as they are.
///
/// A document of MySQL's can hold a DECIMAL (`JSON_ARRAY(1.10)`). Its text does not say so, and
/// read again `1.10` is the double 1.1 (I8).
enum JSONNumbers {
    static func areKept(_ document: UnsafeRawBufferPointer) -> Bool {
        var rest = document[...]
        while let byte = rest.first {
            switch byte {
            case UInt8(ascii: "\""): skipString(&rest)
            case UInt8(ascii: "-"), digits:
                let number = rest.prefix { isPart($0) }
                rest = rest[number.endIndex...]
                if !isKept(UnsafeRawBufferPointer(rebasing: number)) { return false }
            default: rest = rest.dropFirst()
            }
        }
        return true
    }

    private static let digits = UInt8(ascii: "0")...UInt8(ascii: "9")

    private static func isPart(_ byte: UInt8) -> Bool {
        digits.contains(byte) || "+-.eE".utf8.contains(byte)
    }

    private static func skipString(_ rest: inout Slice<UnsafeRawBufferPointer>) {
        rest = rest.dropFirst()
        while let byte = rest.first, byte != UInt8(ascii: "\"") {
            rest = rest.dropFirst(byte == UInt8(ascii: "\\") ? 2 : 1)
        }
        rest = rest.dropFirst()
    }

    /// Integers of 64 bits stay integers; everything else is a double, shown with its fewest
    /// digits.
    private static func isKept(_ number: UnsafeRawBufferPointer) -> Bool {
        let text = String(decoding: number, as: UTF8.self)
        if let integer = Int64(text) { return String(integer) == text }
        if UInt64(text) != nil { return true }
        guard let value = Double(text), value.isFinite else { return false }
        var shown = RowText(capacity: 400)
        guard (try? shown.jsonDouble(value)) != nil else { return false }
        return shown.bytes.elementsEqual(number)
    }
}
