internal import CMariaDB
internal import ReplicationModel

/// A connection on which a server sends its binlog, event by event, without end.
///
/// The library gives connection, login, TLS and packets; its own replication calls are not used
/// (C01-C21). Semi-synchronous replication is never asked for: an answer would have to wait until
/// the target is durable, and the source's commits would wait for it.
///
/// One thread reads; `stop` may come from any.
final class BinlogSession {
    /// Silent for longer than this: the link is dead (C22).
    static let readTimeoutSeconds: UInt32 = 30
    /// How often an idle server shows that it lives, and where its log ends.
    private static let heartbeatNanoseconds = 1_000_000_000

    private let connection: MySQLConnection
    let serverID: UInt32

    var flavour: ServerFlavour { connection.flavour }

    /// Logs in, and has the server begin. What the server does not like about `start` comes with
    /// the first event.
    init(url: String, password: String?, start: BinlogStart) throws {
        connection = try MySQLConnection(
            url: url, password: password, label: "log", purpose: .log,
            readTimeoutSeconds: Self.readTimeoutSeconds)
        serverID = Self.freeServerID(
            besides: connection.facts.variable("server_id").flatMap(UInt32.init))
        try LogCheck.check(start, on: connection)
        try introduce()
        try begin(start)
    }

    /// The bytes of the next event, valid until the next call. Blocks.
    func next() throws -> UnsafeRawBufferPointer {
        let length = mysql_net_read_packet(connection.handle)
        guard length != martlet_mysql_packet_error() else { throw failure() }
        guard length > 1, let packet = martlet_mysql_packet(connection.handle), packet[0] == 0
        else {
            throw ReplicationError(
                .connectionLost, "read the binlog", why: "the server ended the stream")
        }
        return UnsafeRawBufferPointer(start: packet + 1, count: Int(length) - 1)
    }

    /// Ends `next`, also one that waits.
    func stop() { connection.interrupt() }

    /// Two readers with one id throw each other out (B31). High numbers are rarely given by hand.
    private static func freeServerID(besides own: UInt32?) -> UInt32 {
        while true {
            let id = UInt32.random(in: 0x4000_0000...0x7FFF_FFFF)
            if id != own { return id }
        }
    }

    /// User variables of the session are how a reader says what it understands. A server takes
    /// those it knows.
    private func introduce() throws {
        var variables = [
            // Events come as they are in their file, with checksums where it has them (B08, C19).
            ("master_binlog_checksum", "'CRC32'"), ("source_binlog_checksum", "'CRC32'"),
            ("master_heartbeat_period", "\(Self.heartbeatNanoseconds)"),
            ("source_heartbeat_period", "\(Self.heartbeatNanoseconds)"),
        ]
        switch flavour {
        case .mysql:
            // A server ends an older reader with the same one.
            variables += ["slave_uuid", "replica_uuid"].map { ($0, "'\(Self.uuid())'") }
        case .mariadb:
            variables += [
                // Understands GTIDs (MARIA_SLAVE_CAPABILITY_GTID).
                ("mariadb_slave_capability", "4"), ("slave_gtid_strict_mode", "1"),
                ("slave_gtid_ignore_duplicates", "0"),
            ]
        }
        try connection.run("SET " + variables.map { "@\($0.0) = \($0.1)" }.joined(separator: ", "))
    }

    private static func uuid() -> ServerUUID {
        ServerUUID(rawValue: UInt128.random(in: 1...UInt128.max))
    }

    private func begin(_ start: BinlogStart) throws {
        switch (start, flavour) {
        case (.gtids(let set), .mysql):
            try send(
                DumpCommand.dumpGTID, DumpCommand.payload(gtids: set, serverID: serverID))
        case (.gtids(let set), .mariadb):
            try connection.run("SET @slave_connect_state = \(SQLText.literal(set.description))")
            try send(
                DumpCommand.dump, DumpCommand.payload(file: "", offset: 4, serverID: serverID))
        case (.file(let name, let offset), _):
            guard let offset = UInt32(exactly: offset) else {
                throw ReplicationError(
                    .unsupported, "read the binlog from \(name):\(offset)",
                    why: "the command has no room for an offset beyond 4 GB",
                    try: "turn GTIDs on at the source")
            }
            try send(
                DumpCommand.dump,
                DumpCommand.payload(file: name, offset: offset, serverID: serverID))
        }
    }

    private func send(_ command: Int32, _ payload: [UInt8]) throws {
        let status = martlet_mysql_send_command(
            connection.handle, command, payload, payload.count)
        guard status == 0 else { throw failure() }
    }

    private func failure() -> any Error {
        let error = connection.failure("binlog dump")
        guard let server = error as? MySQLError.Server else { return error }
        // 4052: MariaDB from 11 on.
        if server.code == 4052 || server.message.contains("same server_uuid/server_id") {
            return ReplicationError(
                .connectionLost, "read the binlog",
                why: "another reader with server id \(serverID) has connected")
        }
        if server.message.contains("exceeded max_allowed_packet") {
            return ReplicationError(
                .positionGap, "read the binlog", why: server.reason,
                try: "SET GLOBAL max_allowed_packet = 1073741824 at the source; if it is that"
                    + " already, the event is larger than a packet can be, or begins elsewhere:"
                    + " martlet run PIPELINE --fresh --yes")
        }
        return server.replicationError()
    }
}
