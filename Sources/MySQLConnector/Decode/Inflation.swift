internal import CZlib

/// What MariaDB compresses with zlib: columns, rows and statements.
enum Inflation {
    /// What one event or value may take: the servers' own limit of a packet.
    static let limit = 1 << 30

    /// - Parameters:
    ///   - size: what the server says it is; anything else is an error.
    ///   - isRaw: without zlib's own header.
    static func whole(
        _ source: UnsafeRawBufferPointer, size: Int, isRaw: Bool = false
    ) throws(MalformedEvent) -> [UInt8] {
        guard size <= limit else { throw .tooLarge("a compressed event") }
        var stream = z_stream()
        let window = isRaw ? -MAX_WBITS : MAX_WBITS
        guard
            inflateInit2_(
                &stream, window, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK
        else { throw .compression("zlib did not start") }
        defer { inflateEnd(&stream) }
        var code = Z_OK
        let result = [UInt8](unsafeUninitializedCapacity: size) { room, count in
            stream.next_in = UnsafeMutablePointer(
                mutating: source.bindMemory(to: UInt8.self).baseAddress)
            stream.avail_in = UInt32(clamping: source.count)
            stream.next_out = room.baseAddress
            stream.avail_out = UInt32(clamping: size)
            code = inflate(&stream, Z_FINISH)
            count = size - Int(stream.avail_out)
        }
        guard code == Z_STREAM_END, result.count == size, stream.avail_in == 0 else {
            throw .compression("zlib's data is damaged (\(code))")
        }
        return result
    }

    /// Rows and statements: a byte with method and width, then the length, then the data.
    ///
    /// Source: MariaDB, sql/log_event.cc, `binlog_buf_uncompress`.
    static func event(_ source: UnsafeRawBufferPointer) throws(MalformedEvent) -> [UInt8] {
        var reader = EventReader(source)
        let head = try reader.uint8()
        let width = Int(head & 7)
        guard head & 0x80 != 0, head & 0x70 == 0, (1...4).contains(width) else {
            throw .compression("method \(head)")
        }
        let size = Int(try reader.bigEndian(width))
        return try whole(reader.rest(), size: size)
    }
}
