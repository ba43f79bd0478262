internal import ReplicationModel

/// Message `B`: a transaction follows, whole. The position is that of its commit record (P13).
struct BeginMessage: Equatable {
    var commitPosition: LogPosition
    var commitTime: Int64
    var xid: UInt32

    init(_ reader: inout MessageReader) throws(MalformedMessage) {
        commitPosition = try reader.position()
        commitTime = try reader.timestamp()
        xid = try reader.uint32()
        try reader.finish()
    }
}

/// Message `C`: the transaction's end; `endPosition` is the byte after the commit record.
struct CommitMessage: Equatable {
    var commitPosition: LogPosition
    var endPosition: LogPosition
    var commitTime: Int64

    init(_ reader: inout MessageReader) throws(MalformedMessage) {
        _ = try reader.uint8()  // flags: none are defined
        commitPosition = try reader.position()
        endPosition = try reader.position()
        commitTime = try reader.timestamp()
        try reader.finish()
    }
}

/// Message `O`: where the transaction was made first. Read and passed over: Martlet knows its own
/// transactions by their first message (DESIGN section 7), not by origin.
enum OriginMessage {
    static func pass(_ reader: inout MessageReader) throws(MalformedMessage) {
        _ = try reader.position()
        _ = try reader.string()
        try reader.finish()
    }
}
