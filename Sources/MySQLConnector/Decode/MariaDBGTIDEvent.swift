internal import ReplicationModel

/// GTID_EVENT of MariaDB: a group follows. It also says what kind of group: where MySQL sends BEGIN
/// or an XA statement, MariaDB sets a flag here.
struct MariaDBGTIDEvent: Equatable {
    var gtid: GTID
    /// One event, no COMMIT: DDL and the like.
    var isStandalone: Bool
    /// XA PREPARE ends the group.
    var isPrepare: Bool
    /// The group is XA COMMIT or XA ROLLBACK.
    var isCompletion: Bool
    /// ALTER TABLE in two phases (B23): the statement comes again when it ends.
    var alter: AlterPhase?

    enum AlterPhase { case start, commit, rollback }

    /// - Parameter server: the header's.
    init(_ reader: inout EventReader, server: UInt32) throws(MalformedEvent) {
        let number = try reader.uint64()
        gtid = .mariadb(domain: try reader.uint32(), server: server, number: number)
        let flags = try reader.uint8()
        isStandalone = flags & 0x01 != 0
        isPrepare = flags & 0x40 != 0
        isCompletion = flags & 0x80 != 0
        if flags & 0x02 != 0 { _ = try reader.uint64() }  // group commit
        if flags & 0xC0 != 0 { try Self.passXID(&reader) }
        guard !reader.isAtEnd else { return }
        let more = try reader.uint8()
        alter =
            more & 2 != 0 ? .start : more & 4 != 0 ? .commit : more & 8 != 0 ? .rollback : nil
        // What is left: numbers of engines, of the ALTER, of the thread; zeros.
    }

    private static func passXID(_ reader: inout EventReader) throws(MalformedEvent) {
        _ = try reader.uint32()
        let lengths = Int(try reader.uint8()) + Int(try reader.uint8())
        _ = try reader.take(lengths)
    }
}
