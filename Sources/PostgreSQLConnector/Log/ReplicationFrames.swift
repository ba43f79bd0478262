internal import Foundation
internal import ReplicationModel

/// What the server sends inside COPY BOTH.
///
/// Source: PostgreSQL documentation, "Streaming Replication Protocol", START_REPLICATION.
enum ReplicationFrame {
    /// `w`: one message of the output plugin. `position` is where in the log it was made.
    case data(position: LogPosition, message: UnsafeRawBufferPointer)
    /// `k`: the server has sent everything of ours up to `end`.
    case keepalive(end: LogPosition, replyRequested: Bool)

    init(_ bytes: UnsafeRawBufferPointer) throws(MalformedMessage) {
        var reader = MessageReader(bytes)
        switch try reader.uint8() {
        case UInt8(ascii: "w"):
            let position = try reader.position()
            _ = try reader.position()
            _ = try reader.timestamp()
            let rest = UnsafeRawBufferPointer(rebasing: bytes[reader.offset...])
            self = .data(position: position, message: rest)
        case UInt8(ascii: "k"):
            let end = try reader.position()
            _ = try reader.timestamp()
            self = .keepalive(end: end, replyRequested: try reader.uint8() == 1)
            try reader.finish()
        case let type: throw .unknownMessage(type)
        }
    }
}

/// `r`: what the client has written, flushed and applied. For Martlet these are one position.
enum StandbyStatus {
    static func bytes(_ position: LogPosition, asksForReply: Bool) -> [UInt8] {
        let now = Int64(Date().timeIntervalSince1970 * 1_000_000) - MessageReader.postgresEpoch
        var bytes = [UInt8(ascii: "r")]
        for field in [position.rawValue, position.rawValue, position.rawValue, UInt64(now)] {
            withUnsafeBytes(of: field.bigEndian) { bytes.append(contentsOf: $0) }
        }
        bytes.append(asksForReply ? 1 : 0)
        return bytes
    }
}
