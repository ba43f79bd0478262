internal import ReplicationModel

/// GTID_EVENT, ANONYMOUS_GTID_EVENT and GTID_TAGGED_EVENT of MySQL: a group follows.
struct GTIDEvent: Equatable {
    /// nil when the server gives no ids (`gtid_mode = OFF`).
    var gtid: GTID?
    /// Microseconds since 1970-01-01 UTC; 0 before MySQL 8.0.
    var commitTime: Int64 = 0

    /// - Parameter isAnonymous: the fields of the id are there and mean nothing.
    init(_ reader: inout EventReader, isAnonymous: Bool) throws(MalformedEvent) {
        _ = try reader.uint8()  // whether the group may hold statements
        let source = try reader.take(16)
        let number = try reader.uint64()
        if !isAnonymous { gtid = try Self.gtid(source, tag: "", number) }
        // 5.6 stops here, 5.7 after the clock of parallel appliers.
        guard reader.left >= 17, try reader.uint8() == 2 else { return }
        _ = try reader.take(16)
        guard reader.left >= 7 else { return }
        // The highest bit says that the time on the first server follows.
        commitTime = Int64(try reader.unsigned(7) & (1 << 55 - 1))
    }

    /// GTID_TAGGED_EVENT: fields with numbers, in the format of `mysql::serialization`.
    init(tagged reader: inout EventReader) throws(MalformedEvent) {
        guard try reader.variable() == 1 else { throw .unsupported("this form of tagged GTID") }
        _ = try reader.variable()  // length
        let lastNeeded = try reader.variable()
        var source: [UInt8] = []
        var tag = ""
        var number: UInt64?
        while !reader.isAtEnd {
            switch try reader.variable() {
            case 0, 5: _ = try reader.variable()  // flags; clock of parallel appliers
            case 1: for _ in 0..<16 { source.append(try reader.variableByte()) }
            case 2: number = try reader.variable() >> 1  // signed: the lowest bit is the sign
            case 3: tag = try reader.text(try reader.variableCount())
            case 4: _ = try reader.variable()
            case 6: commitTime = Int64(try reader.variable() & (1 << 55 - 1))
            // The fields come in order: what follows is not needed.
            case let field where field > lastNeeded || field > 6:
                _ = reader.rest()
            case let field: throw .invalid("field \(field) of a tagged GTID is not known")
            }
        }
        guard let number, source.count == 16 else { throw .invalid("a GTID without number") }
        gtid = try source.reading { bytes throws(MalformedEvent) in
            try Self.gtid(bytes, tag: tag, number)
        }
    }

    private static func gtid(
        _ source: UnsafeRawBufferPointer, tag: String, _ number: UInt64
    ) throws(MalformedEvent) -> GTID {
        guard number > 0, number < UInt64(Int64.max) else {
            throw .invalid("GTID number \(number)")
        }
        let value = source.reduce(UInt128(0)) { $0 << 8 | UInt128($1) }
        return .mysql(GTIDLane(source: ServerUUID(rawValue: value), tag: tag), number: number)
    }
}

/// `mysql::serialization`: the lowest bits of a number's first byte that are 1 count the bytes that
/// follow it.
extension EventReader {
    fileprivate mutating func variable() throws(MalformedEvent) -> UInt64 {
        let first = try uint8()
        let more = (~first).trailingZeroBitCount
        guard more < 8 else { return try uint64() }
        let rest = try unsigned(more)
        return UInt64(first) >> (more + 1) | rest << (7 - more)
    }

    fileprivate mutating func variableByte() throws(MalformedEvent) -> UInt8 {
        guard let byte = UInt8(exactly: try variable()) else { throw .invalid("a byte above 255") }
        return byte
    }

    fileprivate mutating func variableCount() throws(MalformedEvent) -> Int {
        Int(try variableByte())
    }
}
