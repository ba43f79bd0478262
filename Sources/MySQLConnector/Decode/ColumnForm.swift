/// How the bytes of one column's values are laid out, and what text they become. Trivial on
/// purpose: the loop over a row's columns counts no references.
enum ColumnForm: Equatable {
    case integer(size: UInt8, isUnsigned: Bool)
    case float, double, year, date
    case decimal(precision: UInt8, scale: UInt8)
    case bits(count: UInt8)
    case datetime(fraction: UInt8)
    case timestamp(fraction: UInt8)
    case time(fraction: UInt8)
    case oldDatetime, oldTimestamp, oldTime
    /// A number that stands for a label.
    case enumeration(size: UInt8)
    /// A bit for each label.
    case set(size: UInt8)
    /// - prefix: bytes of the length that comes first.
    case text(prefix: UInt8, CharacterSet)
    case bytes(prefix: UInt8)
    /// BINARY(n): the log leaves out zeros at the end (B47).
    case paddedBytes(prefix: UInt8, length: UInt16)
    case json(prefix: UInt8)
    /// COMPRESSED of MariaDB.
    case compressedText(prefix: UInt8, CharacterSet)
    case compressedBytes(prefix: UInt8)
    /// MariaDB: binary columns to the log (B57); zeros at the end left out as well.
    case uuid, inet6, inet4
}

extension RowText {
    /// Writes the text of the value at the reader's place.
    @inline(__always)
    mutating func value(
        _ plan: RowPlan, _ index: Int, _ reader: inout EventReader, _ converters: Converters
    ) throws(MalformedEvent) {
        let form = plan.forms[index]
        switch form {
        case .integer(let size, let isUnsigned):
            try integer(&reader, size: Int(size), isUnsigned: isUnsigned)
        case .text(let prefix, let set):
            try text(try reader.prefixed(prefix), set, converters)
        case .decimal(let precision, let scale):
            try decimal(&reader, precision: Int(precision), scale: Int(scale))
        case .datetime(let fraction): try datetime(&reader, fraction: Int(fraction))
        case .timestamp(let fraction): try timestamp(&reader, fraction: Int(fraction))
        case .date: try date(&reader)
        case .double: try double(&reader)
        default: try rareValue(form, plan.labels[index], &reader, converters)
        }
    }

    private mutating func rareValue(
        _ form: ColumnForm, _ labels: [[UInt8]], _ reader: inout EventReader,
        _ converters: Converters
    ) throws(MalformedEvent) {
        switch form {
        case .float: try float(&reader)
        case .year: try year(&reader)
        case .bits(let count): try bits(&reader, count: Int(count))
        case .time(let fraction): try time(&reader, fraction: Int(fraction))
        case .oldDatetime: try oldDatetime(&reader)
        case .oldTimestamp: try oldTimestamp(&reader)
        case .oldTime: try oldTime(&reader)
        case .enumeration(let size): try enumeration(try reader.unsigned(Int(size)), labels)
        case .set(let size): try set(try reader.unsigned(Int(size)), labels)
        case .bytes(let prefix): try hex(try reader.prefixed(prefix))
        case .paddedBytes(let prefix, let length):
            try hex(try reader.prefixed(prefix), length: Int(length))
        case .json(let prefix): try json(try reader.prefixed(prefix))
        case .compressedText(let prefix, let set):
            try compressed(try reader.prefixed(prefix)) { out, bytes throws(MalformedEvent) in
                try out.text(bytes, set, converters)
            }
        case .compressedBytes(let prefix):
            try compressed(try reader.prefixed(prefix)) { out, bytes throws(MalformedEvent) in
                try out.hex(bytes)
            }
        case .uuid: try uuid(try reader.prefixed(1))
        case .inet6: try inet6(try reader.prefixed(1))
        case .inet4: try inet4(try reader.prefixed(1))
        case .integer, .text, .decimal, .datetime, .timestamp, .date, .double:
            throw .outOfPlace  // `value` writes them
        }
    }
}

extension EventReader {
    /// Bytes whose length comes first, in `prefix` bytes.
    @inline(__always)
    mutating func prefixed(_ prefix: UInt8) throws(MalformedEvent) -> UnsafeRawBufferPointer {
        let count = try unsigned(Int(prefix))
        guard count <= UInt64(Int32.max) else { throw .truncated(needs: Int.max, has: left) }
        return try take(Int(count))
    }
}
