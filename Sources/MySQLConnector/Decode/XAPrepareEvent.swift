/// XA_PREPARE_LOG_EVENT: ends a group of XA.
struct XAPrepareEvent: Equatable {
    /// XA COMMIT ... ONE PHASE: an ordinary commit.
    var isOnePhase: Bool
    /// As the statements write it: `X'..',X'..',n`.
    var xid: String

    init(_ reader: inout EventReader) throws(MalformedEvent) {
        isOnePhase = try reader.uint8() != 0
        let format = try reader.uint32()
        let global = Int(try reader.uint32())
        let branch = Int(try reader.uint32())
        guard global <= 64, branch <= 64 else { throw .invalid("an XID of this length") }
        xid = "X'\(try Self.hex(&reader, global))',X'\(try Self.hex(&reader, branch))',\(format)"
        try reader.finish()
    }

    private static func hex(
        _ reader: inout EventReader, _ count: Int
    ) throws(MalformedEvent) -> String {
        let bytes = try reader.take(count)
        return bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }
}
