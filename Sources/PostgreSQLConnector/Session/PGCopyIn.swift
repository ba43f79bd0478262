internal import CLibPQ
internal import ReplicationModel

/// One `COPY ... FROM STDIN` on its way. The connection is in blocking mode: libpq sends on its own
/// whenever 8 kB have gathered, so that its buffer stays at a block's size (I6).
///
/// Source: PostgreSQL documentation, "Functions Associated with the COPY Command" (libpq) and "File
/// Formats, Binary Format" (COPY).
final class PGCopyIn {
    private let connection: PGConnection
    private let what: String
    private let isBinary: Bool

    private static let header: [UInt8] =
        Array("PGCOPY\n".utf8) + [0xFF, 0x0D, 0x0A, 0]
        + [0, 0, 0, 0] + [0, 0, 0, 0]
    private static let trailer: [UInt8] = [0xFF, 0xFF]

    init(_ sql: String, isBinary: Bool, on connection: PGConnection) throws {
        self.connection = connection
        self.isBinary = isBinary
        what = sql
        try connection.run(sql)
        if isBinary { try Self.header.withUnsafeBytes { try write($0) } }
    }

    /// `block` is whole rows in the COPY's format, without header and trailer.
    func write(_ block: UnsafeRawBufferPointer) throws {
        guard let start = block.baseAddress else { return }
        let sent = PQputCopyData(
            connection.handle, start.assumingMemoryBound(to: CChar.self), Int32(block.count))
        guard sent == 1 else { throw failure() }
    }

    /// Ends the COPY and returns the number of rows the server stored.
    func finish() throws -> Int64 {
        if isBinary { try Self.trailer.withUnsafeBytes { try write($0) } }
        guard PQputCopyEnd(connection.handle, nil) == 1 else { throw failure() }
        defer { drain() }
        return try PGResult(checking: PQgetResult(connection.handle), on: connection, what: what)
            .affectedRows
    }

    /// Ends a COPY that is not to be kept; the transaction is dead afterwards.
    func abandon() {
        _ = PQputCopyEnd(connection.handle, "abandoned")
        drain()
    }

    private func drain() {
        while let result = PQgetResult(connection.handle) {
            let isStillOpen = PQresultStatus(result) == PGRES_COPY_IN
            PQclear(result)
            if isStillOpen { return }
        }
    }

    /// The server's error when it ended the COPY early, else the link's.
    private func failure() -> any Error {
        defer { drain() }
        guard let result = PQgetResult(connection.handle) else {
            return PGError.lost(connection, what)
        }
        defer { PQclear(result) }
        return PGError.from(result, connection, what)
    }
}
