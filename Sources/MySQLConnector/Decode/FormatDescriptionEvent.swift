/// FORMAT_DESCRIPTION_EVENT: first in every file; how the other events of the file are laid out.
struct FormatDescriptionEvent: Equatable {
    var serverVersion: String
    /// Every event of the file ends with the CRC-32 of what is before it (B08).
    var hasChecksum: Bool
    /// Seconds since 1970; 0 when the server sends it again in the middle of a file.
    var created: UInt32
    /// Bytes of fixed length after the header, by event type; index 0 is type 1.
    private var fixedLengths: [UInt8]

    /// - Parameter body: what follows the header, up to the event's end: this event always has room
    ///   for a checksum, also when the others have none.
    init(_ body: UnsafeRawBufferPointer) throws(MalformedEvent) {
        var reader = EventReader(body)
        let version = try reader.uint16()
        guard version == 4 else { throw .unsupported("binlog format \(version)") }
        let name = try reader.take(50)
        serverVersion = String(decoding: name.prefix { $0 != 0 }, as: UTF8.self)
        created = try reader.uint32()
        let headerLength = try reader.uint8()
        guard headerLength == EventHeader.size else {
            throw .unsupported("an event header of \(headerLength) bytes")
        }
        guard reader.left > 5 else { throw .truncated(needs: 6, has: reader.left) }
        fixedLengths = Array(try reader.take(reader.left - 5))
        switch try reader.uint8() {
        case 0: hasChecksum = false
        case 1: hasChecksum = true
        case let algorithm: throw .unsupported("checksum algorithm \(algorithm)")
        }
        try checkRowEvents()
    }

    /// By the types that it has: the version's text can be set.
    var isMariaDB: Bool { fixedLengths.count >= Int(EventType.mariadbGTID.rawValue) }

    /// Table ids of six bytes: everything since MySQL 5.1.4.
    private func checkRowEvents() throws(MalformedEvent) {
        for (type, length) in [
            (EventType.tableMap, 8), (.writeRowsV1, 8), (.updateRowsV1, 8), (.deleteRowsV1, 8),
            (.writeRows, 10), (.updateRows, 10), (.deleteRows, 10),
        ] {
            let index = Int(type.rawValue) - 1
            // Zero: this server does not write the type.
            guard index >= fixedLengths.count || [0, length].contains(Int(fixedLengths[index]))
            else {
                throw .unsupported("row events of server \(serverVersion)")
            }
        }
    }
}
