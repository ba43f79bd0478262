internal import CSQLite
import Crypto
import Foundation
import ReplicationModel

/// Puts the rows of one file into the lookups' database. Values go into SQLite as those of the
/// source's rows do: the file's line is the row of a `RowTable`.
final class LookupLoader {
    private let definition: LookupDefinition
    private let connection: LookupConnection
    private var reader = CSVReader()
    private var columns: [LookupTable.Column] = []
    private var row: SourceRow?
    private var insert: OpaquePointer?
    private var rows = 0
    private var hash = SHA256()

    init(_ definition: LookupDefinition, _ connection: LookupConnection) {
        self.definition = definition
        self.connection = connection
    }

    deinit { sqlite3_finalize(insert) }

    func take(_ block: UnsafeRawBufferPointer) throws {
        hash.update(bufferPointer: block)
        try naming { try reader.read(block, take) }
    }

    func finish() throws -> LookupTable {
        try naming { try reader.finish(take) }
        guard row != nil else { throw failure("the file is empty", try: "a line of names first") }
        sqlite3_finalize(insert)
        insert = nil
        try connection.run("DROP TABLE temp.line")
        let types = columns.map { "\($0.name) \($0.type.columnType(.postgresql).declaration)" }
        hash.update(data: Data("\(definition.name) \(definition.key) \(types)".utf8))
        let digest = hash.finalize().prefix(16).map { String(Int($0) | 256, radix: 16).dropFirst() }
        return LookupTable(
            name: definition.name, columns: columns, rows: rows, fingerprint: digest.joined())
    }

    private func take(_ record: CSVRecord) throws {
        guard row != nil else { return try begin(record) }
        guard record.fields.count == columns.count else {
            throw CSVFault(
                line: record.line,
                why: "it has \(record.fields.count) values, and there are \(columns.count) columns")
        }
        try write(record)
        rows += 1
    }

    // MARK: The table

    private func begin(_ header: CSVRecord) throws {
        columns = try header.fields.map { field in
            let name = field.map { String(decoding: header.bytes[$0], as: UTF8.self) } ?? ""
            guard !name.isEmpty else { throw CSVFault(line: 1, why: "a column has no name") }
            return LookupTable.Column(name: name, type: definition.types[name] ?? .text)
        }
        let names = columns.map(\.name)
        guard Set(names.map { $0.lowercased() }).count == names.count else {
            throw CSVFault(line: 1, why: "two columns have one name")
        }
        try requireColumns(definition.key, "key", names)
        try requireColumns(definition.types.keys.sorted(), "types", names)
        let made = columns.enumerated().map { index, column in
            SourceRow.Column(name: column.name, input: RowInput(column.type.kind), field: index)
        }
        try makeTable(made)
    }

    private func requireColumns(_ said: [String], _ key: String, _ names: [String]) throws {
        guard let name = said.first(where: { !names.contains($0) }) else { return }
        throw failure(
            "'\(key)' names the column '\(name)', which the file does not have", line: 1,
            try: Suggestion.nearest(to: name, among: names).map { "did you mean '\($0)'?" }
                ?? "its columns: " + names.prefix(12).joined(separator: ", "))
    }

    private func makeTable(_ made: [SourceRow.Column]) throws {
        let row = SourceRow(made)
        self.row = row
        guard RowTable.register(row, on: connection.handle) == SQLITE_OK else {
            throw connection.failure()
        }
        let list = made.map { "\($0.name.quotedIdentifier) \($0.input.declaration)" }
        let key = definition.key.map(\.quotedIdentifier).joined(separator: ", ")
        let table = definition.name.quotedIdentifier
        try connection.run(
            """
            CREATE TABLE \(table) (\(list.joined(separator: ", ")), PRIMARY KEY (\(key)))
            WITHOUT ROWID;
            CREATE VIRTUAL TABLE temp.line USING \(RowTable.moduleName)
            """)
        let sql = "INSERT INTO \(table) SELECT * FROM temp.line"
        guard sqlite3_prepare_v2(connection.handle, sql, -1, &insert, nil) == SQLITE_OK else {
            throw connection.failure()
        }
    }

    // MARK: Rows

    private func write(_ record: CSVRecord) throws {
        guard let row else { return }
        let code = record.bytes.withUnsafeBytes { bytes in
            for (index, field) in record.fields.enumerated() {
                let part = field.map { UnsafeRawBufferPointer(rebasing: bytes[$0]) }
                row.fields[index] =
                    part.map { RowField(start: $0.baseAddress, length: $0.count) } ?? .null
            }
            row.refusal = nil
            sqlite3_step(insert)
            return sqlite3_reset(insert)
        }
        guard code != SQLITE_OK else { return }
        throw refusal(sqlite3_extended_errcode(connection.handle), row, line: record.line)
    }

    private func refusal(_ code: Int32, _ row: SourceRow, line: Int) -> ReplicationError {
        if let (column, why) = row.refusal {
            return failure(
                "column \(columns[column].name): \(why.why)", line: line,
                try: "another type under 'types:'")
        }
        let key = definition.key.joined(separator: ", ")
        switch code {
        case SQLITE_CONSTRAINT | 6 << 8:
            return failure(
                "a row of this key (\(key)) is there already", line: line,
                try: "a key whose values are unique, of several columns perhaps")
        case SQLITE_CONSTRAINT | 5 << 8:
            return failure("the key (\(key)) is empty", line: line)
        default: return connection.failure()
        }
    }

    // MARK: Errors

    private func naming(_ body: () throws -> Void) throws {
        do { try body() } catch let fault as CSVFault {
            throw failure(fault.why, line: fault.line)
        }
    }

    private func failure(
        _ why: String, line: Int? = nil, try remedy: String? = nil
    ) -> ReplicationError {
        let file = definition.file + (line.map { ", line \($0)" } ?? "")
        return ReplicationError(
            .configuration, "load the lookup \(definition.name)",
            place: definition.place.isEmpty ? file : "\(definition.place), \(file)", why: why,
            try: remedy)
    }
}
