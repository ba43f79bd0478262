internal import CZlib

/// The CRC-32 behind an event.
struct Checksum {
    /// Whether the last four bytes are the checksum of those before them.
    let isRight: Bool

    init(_ event: UnsafeRawBufferPointer) {
        let count = event.count - 4
        guard count >= EventHeader.size, count <= Int(UInt32.max) else {
            isRight = false
            return
        }
        let stored = UInt32(
            littleEndian: event.loadUnaligned(fromByteOffset: count, as: UInt32.self))
        let start = event.bindMemory(to: UInt8.self).baseAddress
        isRight = crc32(0, start, UInt32(count)) == UInt(stored)
    }
}
