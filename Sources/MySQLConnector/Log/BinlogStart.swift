package import ReplicationModel

/// Where a dump of the binlog begins.
package enum BinlogStart: Sendable, Equatable {
    /// After these transactions: every one that the server has and the set has not is sent.
    case gtids(GTIDSet)
    /// At an event's border. The name is the server's own, and nobody else's (B30).
    case file(String, offset: UInt64)
}

/// The commands that make a server send its binlog, as bytes.
///
/// Source: MySQL Internals, "COM_BINLOG_DUMP", "COM_BINLOG_DUMP_GTID"; MariaDB Knowledge Base,
/// "COM_BINLOG_DUMP"; MySQL 9.7 `Gtid_set::encode` for sets with tags.
enum DumpCommand {
    static let dump: Int32 = 0x12
    static let dumpGTID: Int32 = 0x1E

    /// `BINLOG_THROUGH_GTID`: the set decides, not file and offset.
    private static let throughGTID: UInt16 = 4

    /// The older command. Its offset has four bytes (C18); MariaDB takes a GTID start from the
    /// session's variables and then ignores both.
    static func payload(file: String, offset: UInt32, serverID: UInt32) -> [UInt8] {
        bytes(offset) + bytes(UInt16(0)) + bytes(serverID) + Array(file.utf8)
    }

    static func payload(gtids: GTIDSet, serverID: UInt32) -> [UInt8] {
        let set = encoded(gtids)
        return bytes(throughGTID) + bytes(serverID) + bytes(UInt32(0)) + bytes(UInt64(4))
            + bytes(UInt32(set.count)) + set
    }

    /// A set without tags has the old form, which every version reads.
    static func encoded(_ set: GTIDSet) -> [UInt8] {
        let lanes = set.lanes
        let isTagged = lanes.contains { !$0.lane.tag.isEmpty }
        var text =
            isTagged
            ? bytes(UInt64(1) << 56 | UInt64(lanes.count) << 8 | 1) : bytes(UInt64(lanes.count))
        for (lane, ranges) in lanes {
            withUnsafeBytes(of: lane.source.rawValue.bigEndian) { text += $0 }
            if isTagged {
                // A number of up to 7 bits is written twice as large.
                text.append(UInt8(lane.tag.utf8.count << 1))
                text += lane.tag.utf8
            }
            text += bytes(UInt64(ranges.count))
            for range in ranges { text += bytes(range.lowerBound) + bytes(range.upperBound + 1) }
        }
        return text
    }

    private static func bytes<Number: FixedWidthInteger>(_ number: Number) -> [UInt8] {
        withUnsafeBytes(of: number.littleEndian) { Array($0) }
    }
}
