internal import ReplicationModel

/// Message `M`: what `pg_logical_emit_message` wrote.
struct LogicalMessageRecord: Equatable {
    /// The prefix of Martlet's own messages; all others belong to somebody else (P31).
    static let ownPrefix = "martlet"

    /// Others arrive at once and outside their transaction, also when it rolls back (P31).
    var isTransactional: Bool
    var prefix: String
    /// Empty for messages of others: nobody reads them.
    var content: String

    init(_ reader: inout MessageReader) throws(MalformedMessage) {
        isTransactional = try reader.uint8() & 1 == 1
        _ = try reader.position()
        prefix = try reader.string()
        if prefix == Self.ownPrefix {
            content = try reader.countedString()
        } else {
            content = ""
            _ = try reader.skip(Int(try reader.uint32()))
        }
        try reader.finish()
    }

    var isOurs: Bool { isTransactional && prefix == Self.ownPrefix }
}
