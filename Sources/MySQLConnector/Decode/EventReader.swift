/// Reads the fields of one binlog event from front to back. Every read checks the length first, in
/// every build: `UnsafeRawBufferPointer` itself checks only in debug builds.
///
/// In the same module as the decoders on purpose: across a module border it is not specialised and
/// costs more than ten times as much (DESIGN section 4).
struct EventReader {
    let bytes: UnsafeRawBufferPointer
    private(set) var offset = 0

    @inline(__always)
    init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    @inline(__always)
    var left: Int { bytes.count - offset }
    @inline(__always)
    var isAtEnd: Bool { offset == bytes.count }

    /// Passes over `count` bytes and returns them.
    @inline(__always)
    mutating func take(_ count: Int) throws(MalformedEvent) -> UnsafeRawBufferPointer {
        guard count >= 0, left >= count else { throw .truncated(needs: count, has: left) }
        defer { offset += count }
        return UnsafeRawBufferPointer(rebasing: bytes[offset..<offset + count])
    }

    /// A little-endian number of 1 to 8 bytes.
    @inline(__always)
    mutating func unsigned(_ size: Int) throws(MalformedEvent) -> UInt64 {
        guard left >= size else { throw .truncated(needs: size, has: left) }
        var value: UInt64 = 0
        for index in 0..<size { value |= UInt64(bytes[offset &+ index]) << (8 &* index) }
        offset += size
        return value
    }

    /// The same in two's complement.
    @inline(__always)
    mutating func signed(_ size: Int) throws(MalformedEvent) -> Int64 {
        let spare = 64 - 8 * size
        return Int64(bitPattern: try unsigned(size) << spare) >> spare
    }

    /// A big-endian number of 1 to 8 bytes.
    @inline(__always)
    mutating func bigEndian(_ size: Int) throws(MalformedEvent) -> UInt64 {
        guard left >= size else { throw .truncated(needs: size, has: left) }
        var value: UInt64 = 0
        for index in 0..<size { value = value << 8 | UInt64(bytes[offset &+ index]) }
        offset += size
        return value
    }

    @inline(__always)
    private mutating func integer<T: FixedWidthInteger>(_: T.Type) throws(MalformedEvent) -> T {
        let size = MemoryLayout<T>.size
        guard left >= size else { throw .truncated(needs: size, has: left) }
        defer { offset += size }
        return T(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: T.self))
    }

    @inline(__always)
    mutating func uint8() throws(MalformedEvent) -> UInt8 { try integer(UInt8.self) }
    @inline(__always)
    mutating func uint16() throws(MalformedEvent) -> UInt16 { try integer(UInt16.self) }
    @inline(__always)
    mutating func uint32() throws(MalformedEvent) -> UInt32 { try integer(UInt32.self) }
    @inline(__always)
    mutating func uint64() throws(MalformedEvent) -> UInt64 { try integer(UInt64.self) }

    /// A length-encoded integer of the client protocol: one byte, or a mark and 2, 3 or 8 bytes.
    mutating func lengthEncoded() throws(MalformedEvent) -> UInt64 {
        switch try uint8() {
        case let byte where byte < 251: UInt64(byte)
        case 252: try unsigned(2)
        case 253: try unsigned(3)
        case 254: try unsigned(8)
        case let byte: throw .invalid("a length-encoded number begins with \(byte)")
        }
    }

    /// A length-encoded integer that counts bytes or columns of this event.
    mutating func count() throws(MalformedEvent) -> Int {
        let value = try lengthEncoded()
        guard value <= UInt64(Int32.max) else { throw .truncated(needs: Int.max, has: left) }
        return Int(value)
    }

    /// `count` bytes of text in UTF-8: names. What is not UTF-8 is refused.
    mutating func text(_ count: Int) throws(MalformedEvent) -> String {
        guard let text = String(validating: try take(count), as: UTF8.self) else {
            throw .invalid("a name is not UTF-8")
        }
        return text
    }

    /// The same, with a zero byte behind it.
    mutating func terminatedText(_ count: Int) throws(MalformedEvent) -> String {
        let text = try text(count)
        guard try uint8() == 0 else { throw .invalid("a name does not end where its length says") }
        return text
    }

    mutating func rest() -> UnsafeRawBufferPointer {
        defer { offset = bytes.count }
        return UnsafeRawBufferPointer(rebasing: bytes[offset...])
    }

    /// An event must be used up: bytes that nobody looked at may mean something.
    func finish() throws(MalformedEvent) {
        guard isAtEnd else { throw .trailing(bytes: left) }
    }
}

extension [UInt8] {
    /// `withUnsafeBytes` for a body that throws what decoders throw.
    func reading<R>(
        _ body: (UnsafeRawBufferPointer) throws(MalformedEvent) -> R
    ) throws(MalformedEvent) -> R {
        try withUnsafeBufferPointer { buffer throws(MalformedEvent) in
            try body(UnsafeRawBufferPointer(buffer))
        }
    }
}
