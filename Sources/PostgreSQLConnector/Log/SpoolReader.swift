import Foundation
internal import ReplicationModel

/// The head of one message in a spool file.
struct SpoolRecord {
    static let headerBytes = 16

    /// Of the message: its type and its body.
    var length: UInt32
    var subxid: UInt32
    /// How many relation messages had come before, this one included.
    var arrival: UInt32
    var checksum: UInt32

    /// Eight bytes a step: it runs over every byte of a large transaction twice.
    static func checksum(_ type: UInt8, _ body: UnsafeRawBufferPointer) -> UInt32 {
        let prime: UInt64 = 0x9E37_79B9_7F4A_7C15
        var sum = UInt64(type) &* prime ^ UInt64(body.count)
        var offset = 0
        while body.count - offset >= 8 {
            sum = (sum ^ body.loadUnaligned(fromByteOffset: offset, as: UInt64.self)) &* prime
            sum ^= sum >> 29
            offset += 8
        }
        while offset < body.count {
            sum = (sum ^ UInt64(body[offset])) &* prime
            offset += 1
        }
        return UInt32(truncatingIfNeeded: sum ^ (sum >> 32))
    }
}

/// Reads a spool file from front to back.
final class SpoolReader {
    private let path: String
    private let descriptor: Int32
    private var buffer: UnsafeMutableRawBufferPointer
    /// What of the buffer is read from the file and not yet used.
    private var filled = 0..<0

    init(path: String) throws {
        self.path = path
        descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
        buffer = .allocate(byteCount: 256 << 10, alignment: 16)
        guard descriptor >= 0 else { throw damaged() }
    }

    deinit {
        if descriptor >= 0 { close(descriptor) }
        buffer.deallocate()
    }

    /// The next record's head; nil at the end of the file. The message is passed over unless it is
    /// asked for before the next call.
    func next() throws -> SpoolRecord? {
        if pending > 0 { _ = try take(pending) }
        guard try fill(SpoolRecord.headerBytes) else {
            guard filled.isEmpty else { throw damaged() }
            return nil
        }
        let head = try take(SpoolRecord.headerBytes)
        let record = SpoolRecord(
            length: head.loadUnaligned(fromByteOffset: 0, as: UInt32.self),
            subxid: head.loadUnaligned(fromByteOffset: 4, as: UInt32.self),
            arrival: head.loadUnaligned(fromByteOffset: 8, as: UInt32.self),
            checksum: head.loadUnaligned(fromByteOffset: 12, as: UInt32.self))
        guard (1..<(1 << 31)).contains(Int(record.length)) else { throw damaged() }
        pending = Int(record.length)
        return record
    }

    private var pending = 0

    /// The message of the record just read; valid until the next call.
    func message(_ record: SpoolRecord) throws -> UnsafeRawBufferPointer {
        let bytes = try take(Int(record.length))
        let body = UnsafeRawBufferPointer(rebasing: bytes.dropFirst())
        guard SpoolRecord.checksum(bytes[0], body) == record.checksum else { throw damaged() }
        return bytes
    }

    private func take(_ count: Int) throws -> UnsafeRawBufferPointer {
        guard try fill(count) else { throw damaged() }
        let start = filled.lowerBound
        filled = (start + count)..<filled.upperBound
        pending = 0
        return UnsafeRawBufferPointer(rebasing: buffer[start..<start + count])
    }

    /// Makes `count` bytes available; false if the file ends before.
    private func fill(_ count: Int) throws -> Bool {
        if filled.count >= count { return true }
        makeRoom(count)
        while filled.count < count {
            let free = UnsafeMutableRawBufferPointer(rebasing: buffer[filled.upperBound...])
            let got = read(descriptor, free.baseAddress, free.count)
            if got < 0 && errno == EINTR { continue }
            guard got >= 0 else { throw damaged() }
            if got == 0 { return false }
            filled = filled.lowerBound..<filled.upperBound + got
        }
        return true
    }

    /// Moves what is left to the front, in a larger buffer if `count` needs one.
    private func makeRoom(_ count: Int) {
        let rest = UnsafeRawBufferPointer(rebasing: buffer[filled])
        if count > buffer.count {
            let larger = UnsafeMutableRawBufferPointer.allocate(byteCount: count, alignment: 16)
            larger.copyMemory(from: rest)
            buffer.deallocate()
            buffer = larger
        } else if !rest.isEmpty {
            buffer.copyMemory(from: rest)
        }
        filled = 0..<rest.count
    }

    func damaged() -> ReplicationError {
        ReplicationError(
            .internalFault, "read the spool file \(path)",
            why: "it is not as it was written",
            try: "check the disk; the next start reads the transaction from the source again")
    }
}
