internal import ReplicationEngine
internal import ReplicationModel

/// A bulk insert of rows in COPY text format into one table: by LOAD DATA LOCAL where the server
/// allows it, else by INSERT statements of many rows.
///
/// Rows are translated as they come and sent in shares: LOAD DATA answers once per file, so that a
/// file without end would hide an error until its end.
final class RowLoad {
    let table: AppliedTable
    private let statements: RowStatements
    private let usesFile: Bool
    private var scratch = UnsafeMutableRawBufferPointer.allocate(byteCount: 0, alignment: 1)
    /// Rows in `statements.text` that the server does not have yet.
    private var pending: Int64 = 0
    private(set) var rows: Int64 = 0

    /// Bytes of a file.
    private static let fileBytes = 4 << 20

    /// - Parameter mayUseFile: false for tests of the other way.
    init(_ table: AppliedTable, _ statements: RowStatements, mayUseFile: Bool = true) {
        self.table = table
        self.statements = statements
        usesFile = mayUseFile && statements.connection.facts.isOn("local_infile")
    }

    deinit { scratch.deallocate() }

    /// Takes a block of whole rows.
    func write(_ block: UnsafeRawBufferPointer) throws {
        reserve(block.count)
        var reader = CopyTextReader(block, columns: table.codings.count, scratch: scratch)
        while true {
            if !usesFile { statements.append(pending == 0 ? table.insertHead + "(" : ",(") }
            let start = statements.text.count
            let isRow = try reader.nextRow { column, bytes in try append(bytes, column) }
            guard isRow else {
                // Nothing was read: the opening of a row goes again.
                if !usesFile { dropOpening(start) }
                return
            }
            statements.append(usesFile ? "\n" : ")")
            pending += 1
            let limit = usesFile ? Self.fileBytes : statements.shareBytes
            if statements.text.count >= limit { try send() }
        }
    }

    private func dropOpening(_ end: Int) {
        let opening = pending == 0 ? table.insertHead.utf8.count + 1 : 2
        statements.text.removeLast(opening)
        assert(statements.text.count == end - opening)
    }

    private func append(_ bytes: UnsafeRawBufferPointer?, _ column: Int) throws {
        if column > 0 { statements.append(usesFile ? "\t" : ",") }
        guard let bytes else {
            if table.route.key.contains(column) {
                throw ColumnFault(fault: .missingKey, column: column)
            }
            return statements.append(usesFile ? "\\N" : "NULL")
        }
        do throws(ValueFault) {
            if usesFile {
                try table.codings[column].appendField(bytes, to: &statements.text)
            } else {
                try table.codings[column].appendLiteral(bytes, to: &statements.text)
            }
        } catch { throw ColumnFault(fault: error, column: column) }
    }

    func finish() throws { try send() }

    private func send() throws {
        guard pending > 0 else { return }
        let count = pending
        pending = 0
        if usesFile {
            try sendFile(count)
        } else {
            try statements.run(expecting: count, table: table)
        }
        rows += count
    }

    /// LOCAL skips a row that it cannot insert, with a warning.
    private func sendFile(_ count: Int64) throws {
        let file = statements.text
        defer { statements.text.removeAll(keepingCapacity: true) }
        var sent = 0
        let outcome = try file.withUnsafeBytes { bytes in
            try statements.connection.load(loadSQL) { buffer in
                let part = bytes[sent..<min(bytes.count, sent + buffer.count)]
                buffer.copyBytes(from: part)
                sent += part.count
                return part.count
            }
        }
        if outcome.warnings > 0 {
            throw StatementFault(cause: .server(try statements.warning()))
        }
        guard outcome.affectedRows == count else {
            throw StatementFault(cause: .rows(found: outcome.affectedRows, expected: count))
        }
    }

    private var loadSQL: String {
        var columns: [String] = []
        var assignments: [String] = []
        for (index, name) in table.names.enumerated() {
            if let value = table.codings[index].assignment(of: "@v\(index)") {
                columns.append("@v\(index)")
                assignments.append("\(name) = \(value)")
            } else {
                columns.append(name)
            }
        }
        let set = assignments.isEmpty ? "" : " SET \(SQLText.list(assignments))"
        return "LOAD DATA LOCAL INFILE 'martlet' INTO TABLE \(table.place) CHARACTER SET utf8mb4 "
            + "FIELDS TERMINATED BY '\\t' ESCAPED BY '\\\\' LINES TERMINATED BY '\\n' "
            + "(\(SQLText.list(columns)))\(set)"
    }

    private func reserve(_ count: Int) {
        guard scratch.count < count else { return }
        scratch.deallocate()
        scratch = .allocate(byteCount: count, alignment: 1)
    }
}
