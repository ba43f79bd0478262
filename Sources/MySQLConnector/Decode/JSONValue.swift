/// JSON of MySQL: a binary document becomes the text that the server prints of it (B55).
///
/// Source: MySQL, sql-common/json_binary.h (layout) and json_dom.cc (text).
extension RowText {
    /// - Parameter source: a document; an empty one is `null`, as the server reads it.
    mutating func json(_ source: UnsafeRawBufferPointer) throws(MalformedEvent) {
        guard let type = source.first else {
            try reserve(4)
            put("null")
            return
        }
        let document = UnsafeRawBufferPointer(rebasing: source[1...])
        // Every value and every byte of a string has a place of its own: a document that uses more
        // than it has refers to itself.
        var budget = source.count
        try jsonValue(type, document, depth: 0, &budget)
    }

    /// - Parameter data: from the value's first byte to the end of what holds it.
    private mutating func jsonValue(
        _ type: UInt8, _ data: UnsafeRawBufferPointer, depth: Int, _ budget: inout Int
    ) throws(MalformedEvent) {
        var reader = EventReader(data)
        try Self.spend(1, of: &budget)
        switch type {
        case 0x00...0x03:
            // The server itself goes no deeper than 100.
            guard depth < 101 else { throw .tooLarge("the depth of a JSON document") }
            try jsonContainer(
                data, isObject: type < 2, isLarge: type & 1 == 1, depth: depth + 1, &budget)
        case 0x04: try jsonLiteral(try reader.uint8())
        case 0x05: try integer(&reader, size: 2, isUnsigned: false)
        case 0x06: try integer(&reader, size: 2, isUnsigned: true)
        case 0x07: try integer(&reader, size: 4, isUnsigned: false)
        case 0x08: try integer(&reader, size: 4, isUnsigned: true)
        case 0x09: try integer(&reader, size: 8, isUnsigned: false)
        case 0x0A: try integer(&reader, size: 8, isUnsigned: true)
        case 0x0B: try jsonDouble(Double(bitPattern: try reader.uint64()))
        case 0x0C:
            let string = try reader.take(try reader.jsonLength())
            try Self.spend(string.count, of: &budget)
            try jsonString(string)
        case 0x0F: try jsonOpaque(&reader)
        default: throw .invalid("JSON type \(type)")
        }
    }

    private static func spend(_ count: Int, of budget: inout Int) throws(MalformedEvent) {
        budget -= count
        guard budget >= 0 else { throw .invalid("a JSON document that refers to itself") }
    }

    private mutating func jsonLiteral(_ value: UInt8) throws(MalformedEvent) {
        try reserve(5)
        switch value {
        case 0: put("null")
        case 1: put("true")
        case 2: put("false")
        default: throw .invalid("JSON literal \(value)")
        }
    }

    // MARK: Objects and arrays

    private mutating func jsonContainer(
        _ all: UnsafeRawBufferPointer, isObject: Bool, isLarge: Bool, depth: Int,
        _ budget: inout Int
    ) throws(MalformedEvent) {
        let container = try JSONContainer(all, isObject: isObject, isLarge: isLarge)
        try reserve(2)
        put(UInt8(ascii: isObject ? "{" : "["))
        for index in 0..<container.count {
            try reserve(4)
            if index > 0 { put(", ") }
            if isObject {
                let key = try container.key(index)
                try Self.spend(key.count, of: &budget)
                try jsonString(key)
                try reserve(2)
                put(": ")
            }
            let (type, data) = try container.value(index)
            try jsonValue(type, data, depth: depth, &budget)
        }
        try reserve(1)
        put(UInt8(ascii: isObject ? "}" : "]"))
    }

    // MARK: Strings and numbers

    mutating func jsonString(_ source: UnsafeRawBufferPointer) throws(MalformedEvent) {
        // Control characters take six.
        let escaped = source.reduce(0) { $0 + ($1 < 32 ? 6 : $1 == 34 || $1 == 92 ? 2 : 1) }
        try reserve(escaped + 2)
        put(UInt8(ascii: "\""))
        if escaped == source.count {
            put(source)
        } else {
            for byte in source { putEscaped(byte) }
        }
        put(UInt8(ascii: "\""))
    }

    private mutating func putEscaped(_ byte: UInt8) {
        switch byte {
        case 0x08: put("\\b")
        case 0x09: put("\\t")
        case 0x0A: put("\\n")
        case 0x0C: put("\\f")
        case 0x0D: put("\\r")
        case 0x22: put("\\\"")
        case 0x5C: put("\\\\")
        case 0..<32:
            put("\\u00")
            put(Self.digit(byte >> 4))
            put(Self.digit(byte & 15))
        default: put(byte)
        }
    }

    /// The fewest digits, as `my_gcvt` lays them out: with an exponent where that is shorter.
    ///
    /// Source: MySQL, mysys/dtoa.cc.
    mutating func jsonDouble(_ value: Double) throws(MalformedEvent) {
        let number = ShortestDigits(value)
        try reserve(400)
        if number.isNegative { put(UInt8(ascii: "-")) }
        guard number.exponent < -15 || number.exponent > 14 else {
            putPlain(number)
            if number.isWhole { put(".0") }
            return
        }
        number.withDigits { digits in
            put(digits[0])
            if digits.count > 1 { put(UInt8(ascii: ".")) }
            for digit in digits.dropFirst() { put(digit) }
        }
        put(UInt8(ascii: "e"))
        put(Int64(number.exponent))
    }

    // MARK: Other types of MySQL

    private mutating func jsonOpaque(_ reader: inout EventReader) throws(MalformedEvent) {
        let type = try reader.uint8()
        let data = try reader.take(try reader.jsonLength())
        var value = EventReader(data)
        switch type {
        case 246:
            let precision = Int(try value.uint8())
            let scale = Int(try value.uint8())
            // Counted in whole groups of nine, a document's number may have more than 65.
            guard (1...81).contains(precision), scale <= min(30, precision) else {
                throw .invalid("DECIMAL(\(precision),\(scale)) in JSON")
            }
            try decimal(&value, precision: precision, scale: scale)
        case 7, 10, 11, 12:
            try reserve(1)
            put(UInt8(ascii: "\""))
            try packedTemporal(Int64(bitPattern: try value.uint64()), type: type)
            try reserve(1)
            put(UInt8(ascii: "\""))
        default: try jsonBytes(type, data)
        }
    }

    private mutating func jsonBytes(
        _ type: UInt8, _ data: UnsafeRawBufferPointer
    ) throws(MalformedEvent) {
        try reserve(data.count / 3 * 4 + data.count / 57 * 2 + 40)
        put("\"base64:type")
        put(UInt64(type))
        put(UInt8(ascii: ":"))
        var index = 0
        while index < data.count {
            // The server breaks lines after 76 characters.
            if index > 0, index % 57 == 0 { put("\\n") }
            putBase64(data, index)
            index += 3
        }
        put(UInt8(ascii: "\""))
    }

    private mutating func putBase64(_ data: UnsafeRawBufferPointer, _ index: Int) {
        var group = 0
        for place in index..<index + 3 {
            group = group << 8 | (place < data.count ? Int(data[place]) : 0)
        }
        for digit in 0..<4 {
            let isPadding = index + digit > data.count
            let value = group >> (18 - 6 * digit) & 63
            put(isPadding ? UInt8(ascii: "=") : Self.base64Digit(value))
        }
    }

    private static func base64Digit(_ value: Int) -> UInt8 {
        switch value {
        case 0..<26: UInt8(65 + value)
        case 26..<52: UInt8(97 + value - 26)
        case 52..<62: UInt8(48 + value - 52)
        case 62: UInt8(ascii: "+")
        default: UInt8(ascii: "/")
        }
    }
}

/// An object or an array: count, size, then the places of keys and values, counted from its start.
private struct JSONContainer {
    private let all: UnsafeRawBufferPointer
    private let isLarge: Bool
    private let isObject: Bool
    let count: Int

    init(
        _ data: UnsafeRawBufferPointer, isObject: Bool, isLarge: Bool
    ) throws(MalformedEvent) {
        var reader = EventReader(data)
        let width = isLarge ? 4 : 2
        count = Int(try reader.unsigned(width))
        let size = Int(try reader.unsigned(width))
        guard size <= data.count else { throw .truncated(needs: size, has: data.count) }
        all = UnsafeRawBufferPointer(rebasing: data[..<size])
        (self.isLarge, self.isObject) = (isLarge, isObject)
        let table = count * ((isObject ? width + 2 : 0) + width + 1)
        guard 2 * width + table <= size else { throw .truncated(needs: table, has: size) }
    }

    private var width: Int { isLarge ? 4 : 2 }

    private func reader(at offset: Int) throws(MalformedEvent) -> EventReader {
        guard offset <= all.count else { throw .truncated(needs: offset, has: all.count) }
        return EventReader(UnsafeRawBufferPointer(rebasing: all[offset...]))
    }

    func key(_ index: Int) throws(MalformedEvent) -> UnsafeRawBufferPointer {
        var entry = try reader(at: 2 * width + index * (width + 2))
        let offset = Int(try entry.unsigned(width))
        let length = Int(try entry.unsigned(2))
        var key = try reader(at: offset)
        return try key.take(length)
    }

    /// - Returns: the type, and the bytes from the value's first one on: small values are in the
    ///   table itself.
    func value(_ index: Int) throws(MalformedEvent) -> (UInt8, UnsafeRawBufferPointer) {
        let keys = isObject ? count * (width + 2) : 0
        var entry = try reader(at: 2 * width + keys + index * (width + 1))
        let type = try entry.uint8()
        switch type {
        case 0x04, 0x05, 0x06: return (type, entry.rest())
        case 0x07, 0x08:
            if isLarge { return (type, entry.rest()) }
        default: break
        }
        var value = try reader(at: Int(try entry.unsigned(width)))
        return (type, value.rest())
    }
}

extension EventReader {
    /// Seven bits a byte, the lowest first; the highest bit says that more follow.
    fileprivate mutating func jsonLength() throws(MalformedEvent) -> Int {
        var length = 0
        for shift in stride(from: 0, to: 35, by: 7) {
            let byte = try uint8()
            length |= Int(byte & 0x7F) << shift
            if byte & 0x80 == 0 { return length }
        }
        throw .invalid("a length in JSON")
    }
}
