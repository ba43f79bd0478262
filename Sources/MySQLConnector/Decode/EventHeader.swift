/// What every event of a binlog begins with: 19 bytes since version 4 (MySQL 5.0).
///
/// Source: MySQL Internals, "Binary Log Event Header"; MariaDB Knowledge Base, "2-Binlog Event
/// Header".
struct EventHeader: Equatable {
    static let size = 19

    /// Seconds since 1970; 0 in events that the server makes up for the reader.
    var time: UInt32
    var type: UInt8
    /// The server that made the change first.
    var server: UInt32
    /// Of the whole event, header and checksum included.
    var length: Int
    /// Where the next event starts, modulo 2^32 (B12); 0 where the server does not say: in made-up
    /// events (B11), inside transactions of MariaDB 11.4 and later (B10), in payloads.
    var nextPosition: UInt32
    var flags: UInt16

    init(_ reader: inout EventReader) throws(MalformedEvent) {
        time = try reader.uint32()
        type = try reader.uint8()
        server = try reader.uint32()
        length = Int(try reader.uint32())
        nextPosition = try reader.uint32()
        flags = try reader.uint16()
    }

    /// Made up by the server for this reader; not in the file.
    var isArtificial: Bool { flags & 0x20 != 0 }
    /// A reader that does not know the type may pass it over.
    var isIgnorable: Bool { flags & 0x80 != 0 }
    /// MariaDB, `@@skip_replication`: whoever made the change asked that it is not replicated
    /// (B02).
    var isSkipped: Bool { flags & 0x8000 != 0 }
    /// Made by a session with temporary tables in the statement.
    var isOfTemporaryTable: Bool { flags & 0x4 != 0 }
}

/// The types that the protocols give numbers to. MariaDB's own begin at 160.
enum EventType: UInt8 {
    case query = 2
    case stop = 3
    case rotate = 4
    case intvar = 5
    case rand = 13
    case userVar = 14
    case formatDescription = 15
    case xid = 16
    case beginLoadQuery = 17
    case executeLoadQuery = 18
    case tableMap = 19
    case writeRowsV1 = 23
    case updateRowsV1 = 24
    case deleteRowsV1 = 25
    case incident = 26
    case heartbeat = 27
    case ignorable = 28
    case rowsQuery = 29
    case writeRows = 30
    case updateRows = 31
    case deleteRows = 32
    case gtid = 33
    case anonymousGTID = 34
    case previousGTIDs = 35
    case transactionContext = 36
    case viewChange = 37
    case xaPrepare = 38
    case partialUpdateRows = 39
    case transactionPayload = 40
    case heartbeatV2 = 41
    case taggedGTID = 42
    case annotateRows = 160
    case binlogCheckpoint = 161
    case mariadbGTID = 162
    case gtidList = 163
    case startEncryption = 164
    case queryCompressed = 165
    case writeRowsCompressedV1 = 166
    case updateRowsCompressedV1 = 167
    case deleteRowsCompressedV1 = 168
    case writeRowsCompressed = 169
    case updateRowsCompressed = 170
    case deleteRowsCompressed = 171
}
