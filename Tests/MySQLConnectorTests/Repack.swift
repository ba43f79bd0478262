import CZlib

@testable import MySQLConnector

/// Recorded events with something changed; length and checksum are right again.
enum Repack {
    static func event(_ event: [UInt8], next: UInt32) -> [UInt8] {
        var changed = event
        changed.replaceSubrange(13..<17, with: Event.little(UInt64(next), 4))
        return sealed(changed.dropLast(4))
    }

    /// Only the first `count` bytes of the body.
    static func truncated(_ event: [UInt8], body count: Int) -> [UInt8] {
        var changed = Array(event.prefix(EventHeader.size + count))
        changed.replaceSubrange(9..<13, with: Event.little(UInt64(changed.count + 4), 4))
        return sealed(changed[...])
    }

    static func sealed(_ event: some Collection<UInt8>) -> [UInt8] {
        let bytes = Array(event)
        let checksum = bytes.withUnsafeBufferPointer {
            crc32(0, $0.baseAddress, UInt32($0.count))
        }
        return bytes + Event.little(UInt64(checksum), 4)
    }
}
