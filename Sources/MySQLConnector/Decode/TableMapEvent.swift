internal import ReplicationModel

/// TABLE_MAP_EVENT: what a table looks like for the rows of this statement, as far as the log says.
struct TableMapEvent {
    var id: UInt64
    var name: TableName
    var columns: [LoggedColumn]
    /// Whether each of these was sent (`binlog_row_metadata`).
    var metadata: TableMetadata

    init(_ reader: inout EventReader, isMariaDB: Bool) throws(MalformedEvent) {
        id = try reader.unsigned(6)
        _ = try reader.uint16()
        let schema = try reader.terminatedText(Int(try reader.uint8()))
        name = TableName(
            schema: schema, name: try reader.terminatedText(Int(try reader.uint8())))
        let count = try reader.count()
        let types = try reader.take(count)
        var layout = EventReader(try reader.take(try reader.count()))
        columns = []
        columns.reserveCapacity(count)
        for type in types { columns.append(try LoggedColumn(type: type, &layout)) }
        try layout.finish()
        _ = try reader.take((count + 7) / 8)  // which may be NULL
        metadata = try TableMetadata(&reader, columns: columns, isMariaDB: isMariaDB)
    }

    /// The id alone, to find what was decoded before.
    static func id(_ body: UnsafeRawBufferPointer) throws(MalformedEvent) -> UInt64 {
        var reader = EventReader(body)
        return try reader.unsigned(6)
    }
}

/// A column's type in the log, and the number that belongs to it: a length, a precision.
struct LoggedColumn: Equatable {
    /// The real type: ENUM and SET are sent as STRING.
    var type: UInt8
    /// Two bytes for some types, one for others, nothing for integers.
    var detail: UInt16 = 0

    var low: UInt8 { UInt8(truncatingIfNeeded: detail) }
    var high: UInt8 { UInt8(truncatingIfNeeded: detail >> 8) }

    init(type: UInt8, _ layout: inout EventReader) throws(MalformedEvent) {
        self.type = type
        switch type {
        case 4, 5, 17, 18, 19, 140, 242, 245, 249, 250, 251, 252, 255:
            detail = UInt16(try layout.uint8())
        case 15, 16, 141, 246: detail = try layout.uint16()
        case 247, 248, 253, 254:
            let first = try layout.uint8()
            let second = try layout.uint8()
            string(first, second)
        case 1, 2, 3, 7, 8, 9, 10, 11, 12, 13, 14: break
        default: throw .unsupported("column type \(type)")
        }
    }

    /// The first byte is the real type; two bits of a length above 255 are hidden in it, inverted.
    private mutating func string(_ first: UInt8, _ second: UInt8) {
        if first & 0x30 != 0x30 {
            type = first | 0x30
            detail = UInt16(second) | UInt16(first & 0x30 ^ 0x30) << 4
        } else {
            type = first
            detail = UInt16(second)
        }
    }

    var isInteger: Bool { [1, 2, 3, 8, 9].contains(type) }
    /// Types that the list of signs counts, YEAR too.
    var isNumeric: Bool { isInteger || [4, 5, 13, 246].contains(type) }
    /// Types that the list of character sets counts; MariaDB counts GEOMETRY too.
    func isText(inMariaDB: Bool) -> Bool {
        [15, 252, 253, 254, 140, 141, 249, 250, 251].contains(type) || type == 255 && inMariaDB
    }
    var isEnumeration: Bool { type == 247 }
    var isSet: Bool { type == 248 }
}
