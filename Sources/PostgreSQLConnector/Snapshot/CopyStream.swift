internal import CLibPQ
internal import ReplicationModel

/// Rows of one COPY TO STDOUT, handed on in blocks of whole rows.
///
/// libpq gives one message per row. Binary COPY begins with a header in front of the first row (19
/// bytes and an extension area) and ends with a field count of -1; both are left out. Source: "File
/// Formats, Binary Format" of the COPY page.
struct CopyStream {
    private static let blockBytes = 64 << 10
    private static let signature: [UInt8] = Array("PGCOPY\n".utf8) + [0xFF, 0x0D, 0x0A, 0x00]

    let connection: PGConnection
    let isBinary: Bool
    private var block: [UInt8] = []
    private var rows: Int64 = 0
    private var isHeaderDone = false

    init(_ connection: PGConnection, isBinary: Bool) {
        self.connection = connection
        self.isBinary = isBinary
        block.reserveCapacity(Self.blockBytes)
    }

    /// Runs the statement to its end; returns the number of rows. When `sink` throws, the statement
    /// is cancelled and the connection stays usable.
    mutating func run(
        _ sql: String, into sink: (UnsafeRawBufferPointer) throws -> Void
    ) throws -> Int64 {
        try connection.run(sql)
        do { try receive(sql, sink) } catch {
            cancel()
            throw error
        }
        return rows
    }

    private mutating func receive(
        _ sql: String, _ sink: (UnsafeRawBufferPointer) throws -> Void
    ) throws {
        while true {
            var start: UnsafeMutablePointer<CChar>?
            let length = PQgetCopyData(connection.handle, &start, 0)
            guard length >= 0, let start else { break }
            defer { PQfreemem(start) }
            try take(UnsafeRawBufferPointer(start: start, count: Int(length)), sink)
        }
        let result = try PGResult(
            checking: PQgetResult(connection.handle), on: connection, what: sql)
        while let more = PQgetResult(connection.handle) { PQclear(more) }
        try flush(sink)
        guard result.affectedRows == rows else {
            throw ReplicationError(
                .protocolViolation, "read rows by COPY",
                why: "the server counted \(result.affectedRows) rows, \(rows) arrived")
        }
    }

    private mutating func take(
        _ message: UnsafeRawBufferPointer, _ sink: (UnsafeRawBufferPointer) throws -> Void
    ) throws {
        var row = message
        if isBinary {
            if !isHeaderDone { row = try skipHeader(row) }
            if row.isEmpty || row.count == 2 && row[0] == 0xFF && row[1] == 0xFF { return }
        }
        if !block.isEmpty, block.count + row.count > Self.blockBytes { try flush(sink) }
        block.append(contentsOf: row)
        rows += 1
    }

    private mutating func skipHeader(_ row: UnsafeRawBufferPointer) throws -> UnsafeRawBufferPointer
    {
        isHeaderDone = true
        let fixed = Self.signature.count + 8
        guard row.count >= fixed, row.starts(with: Self.signature) else {
            throw ReplicationError(
                .protocolViolation, "read rows by COPY", why: "the binary header is not there")
        }
        let area = row[(fixed - 4)..<fixed].reduce(0) { $0 << 8 | Int($1) }
        guard row.count >= fixed + area else {
            throw ReplicationError(
                .protocolViolation, "read rows by COPY", why: "the binary header is cut off")
        }
        return UnsafeRawBufferPointer(rebasing: row[(fixed + area)...])
    }

    private mutating func flush(_ sink: (UnsafeRawBufferPointer) throws -> Void) throws {
        guard !block.isEmpty else { return }
        try block.withUnsafeBytes(sink)
        block.removeAll(keepingCapacity: true)
    }

    private func cancel() {
        guard connection.isAlive else { return }
        if let request = PQgetCancel(connection.handle) {
            _ = PQcancel(request, nil, 0)
            PQfreeCancel(request)
        }
        var start: UnsafeMutablePointer<CChar>?
        while PQgetCopyData(connection.handle, &start, 0) > 0 { PQfreemem(start) }
        while let result = PQgetResult(connection.handle) { PQclear(result) }
    }
}
