internal import ReplicationModel

/// The files of a server's log, oldest first.
struct LogFiles {
    let names: [String]
    /// Of each file.
    let bytes: [Int64]

    init(_ connection: MySQLConnection) throws {
        let rows = try connection.query("SHOW BINARY LOGS").rows
        names = rows.map { $0[0] ?? "" }
        bytes = rows.map { $0[1].flatMap { Int64($0) } ?? 0 }
    }

    /// What files are ordered by (B13).
    static func number(of name: String) -> Int? {
        name.split(separator: ".").last.flatMap { Int($0) }
    }

    func name(of number: Int) -> String? { names.first { Self.number(of: $0) == number } }

    /// MariaDB: what was written before this place; inside of a transaction, before that. nil where
    /// no event begins.
    static func gtids(
        before offset: Int, in file: String, on connection: MySQLConnection
    ) throws -> GTIDSet? {
        try connection.query("SELECT BINLOG_GTID_POS(\(SQLText.literal(file)), \(offset))")
            .text(0, 0).flatMap { GTIDSet(parsing: $0) }
    }
}
