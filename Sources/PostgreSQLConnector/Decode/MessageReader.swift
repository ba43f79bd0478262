internal import ReplicationModel

/// Reads the fields of one message from front to back. Every read checks the length first, in every
/// build: `UnsafeRawBufferPointer` itself checks only in debug builds.
///
/// In the same module as the decoders on purpose: across a module border it is not specialised and
/// costs more than ten times as much (DESIGN section 4).
struct MessageReader {
    let bytes: UnsafeRawBufferPointer
    private(set) var offset = 0

    init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    @inline(__always)
    private mutating func integer<T: FixedWidthInteger>(_: T.Type) throws(MalformedMessage) -> T {
        let size = MemoryLayout<T>.size
        guard bytes.count - offset >= size else {
            throw .truncated(needs: size, has: bytes.count - offset)
        }
        let value = bytes.loadUnaligned(fromByteOffset: offset, as: T.self)
        offset += size
        return T(bigEndian: value)
    }

    @inline(__always)
    mutating func uint8() throws(MalformedMessage) -> UInt8 { try integer(UInt8.self) }
    @inline(__always)
    mutating func uint16() throws(MalformedMessage) -> UInt16 { try integer(UInt16.self) }
    @inline(__always)
    mutating func uint32() throws(MalformedMessage) -> UInt32 { try integer(UInt32.self) }
    mutating func uint64() throws(MalformedMessage) -> UInt64 { try integer(UInt64.self) }

    mutating func position() throws(MalformedMessage) -> LogPosition {
        LogPosition(rawValue: try uint64())
    }

    /// PostgreSQL counts microseconds from 2000-01-01; the result counts from 1970-01-01.
    mutating func timestamp() throws(MalformedMessage) -> Int64 {
        Int64(bitPattern: try uint64()) &+ Self.postgresEpoch
    }

    static let postgresEpoch: Int64 = 946_684_800_000_000

    /// Passes over `count` bytes and returns where they start.
    @inline(__always)
    mutating func skip(_ count: Int) throws(MalformedMessage) -> Int {
        guard count >= 0, bytes.count - offset >= count else {
            throw .truncated(needs: count, has: bytes.count - offset)
        }
        defer { offset += count }
        return offset
    }

    /// A text that ends with a zero byte.
    mutating func string() throws(MalformedMessage) -> String {
        let rest = bytes[offset...]
        guard let end = rest.firstIndex(of: 0) else {
            throw .truncated(needs: rest.count + 1, has: rest.count)
        }
        defer { offset = end + 1 }
        return String(decoding: UnsafeRawBufferPointer(rebasing: rest[..<end]), as: UTF8.self)
    }

    /// A text whose length in bytes comes first, as 32 bits.
    mutating func countedString() throws(MalformedMessage) -> String {
        let count = Int(try uint32())
        let start = try skip(count)
        let slice = bytes[start..<start + count]
        return String(decoding: UnsafeRawBufferPointer(rebasing: slice), as: UTF8.self)
    }

    /// A message must be used up: bytes that nobody looked at may mean something.
    @inline(__always)
    func finish() throws(MalformedMessage) {
        guard offset == bytes.count else { throw .trailing(bytes: bytes.count - offset) }
    }
}
