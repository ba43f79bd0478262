internal import ReplicationModel

/// Message `S`: a block of an open transaction follows. Every message in it carries an xid.
struct StreamStartMessage: Equatable {
    var xid: UInt32
    var isFirst: Bool

    init(_ reader: inout MessageReader) throws(MalformedMessage) {
        xid = try reader.uint32()
        isFirst = try reader.uint8() == 1
        try reader.finish()
    }
}

/// Message `c`: the streamed transaction has committed.
struct StreamCommitMessage: Equatable {
    var xid: UInt32
    var commitPosition: LogPosition
    var endPosition: LogPosition
    var commitTime: Int64

    init(_ reader: inout MessageReader) throws(MalformedMessage) {
        xid = try reader.uint32()
        _ = try reader.uint8()  // flags: none are defined
        commitPosition = try reader.position()
        endPosition = try reader.position()
        commitTime = try reader.timestamp()
        try reader.finish()
    }
}

/// Message `A`: the streamed transaction, or one subtransaction of it, was rolled back.
struct StreamAbortMessage: Equatable {
    var xid: UInt32
    /// Equal to `xid` when all of it was.
    var subxid: UInt32

    /// - Parameter streaming: what was negotiated: only `parallel` adds a position and a time
    ///   (P30).
    init(_ reader: inout MessageReader, streaming: StreamingMode) throws(MalformedMessage) {
        xid = try reader.uint32()
        subxid = try reader.uint32()
        if streaming == .parallel {
            _ = try reader.position()
            _ = try reader.timestamp()
        }
        try reader.finish()
    }
}

/// The option `streaming` of START_REPLICATION.
enum StreamingMode: String, Sendable { case off, on, parallel }
