internal import CSQLite
import Foundation
import ReplicationModel

/// Rows that transforms look values up in: loaded once, the same for every session until the
/// process ends (docs/decisions/why-lookups-are-constants.md).
package final class Lookups: Sendable {
    /// Of the database in every session.
    static let schema = "lookups"

    package let tables: [LookupTable]
    /// How much memory they take.
    package let memoryBytes: Int
    private let place: LookupPlace
    /// Keeps the database: nobody asks it for anything.
    private let keeper: LookupConnection

    /// Hands the bytes of a file on, block by block.
    package typealias Source = (_ take: (UnsafeRawBufferPointer) throws -> Void) throws -> Void

    /// - Throws: `.configuration` with file and line, for values that are no table with that key.
    package init(
        _ storage: LookupStorage, _ definitions: [(definition: LookupDefinition, read: Source)]
    ) throws {
        let place = try storage.makePlace()
        let keeper = try LookupConnection(place, limit: storage.limit)
        tables = try definitions.map { definition, read in
            let loader = LookupLoader(definition, keeper)
            try read { try loader.take($0) }
            return try loader.finish()
        }
        try keeper.run("COMMIT")
        (self.place, self.keeper) = (place, keeper)
        memoryBytes = place.file == nil ? try keeper.size : 0
    }

    /// - Parameter database: opened with `SQLITE_OPEN_URI`.
    func attach(to database: OpaquePointer) -> Int32 {
        let literal = place.readURI.replacing("'", with: "''")
        // An index that is made for one statement is made again for each row, and the first row of
        // several that a sub-select finds would be another one with it.
        let sql = """
            ATTACH '\(literal)' AS \(Self.schema);
            PRAGMA \(Self.schema).cache_size=-512; PRAGMA automatic_index=OFF
            """
        return sqlite3_exec(database, sql, nil, nil, nil)
    }

    /// Nobody opens another session: the process is about to end, and may not wait for its threads.
    package func close() { place.file?.remove() }

    func named(_ name: String) -> LookupTable? {
        tables.first { $0.name.lowercased() == name.lowercased() }
    }
}

/// The connection that fills the database and keeps it. One thread at a time has it.
final class LookupConnection: @unchecked Sendable {
    let handle: OpaquePointer
    private let path: String?

    init(_ place: LookupPlace, limit: Int) throws {
        path = place.file?.path
        var made: OpaquePointer?
        let flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_URI
        let code = sqlite3_open_v2(place.uri, &made, flags, nil)
        guard code == SQLITE_OK, let made else {
            sqlite3_close(made)
            throw ReplicationError(
                .spoolFull, "open a database for the lookups", place: path,
                why: "SQLite cannot make it", try: "look at spool.directory")
        }
        handle = made
        // Nobody reads it after a crash.
        try run(
            """
            PRAGMA page_size=4096; PRAGMA max_page_count=\(max(16, limit / 4096));
            PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; BEGIN
            """)
    }

    deinit { sqlite3_close_v2(handle) }

    func run(_ sql: String) throws {
        guard sqlite3_exec(handle, sql, nil, nil, nil) == SQLITE_OK else { throw failure() }
    }

    func failure() -> ReplicationError {
        ReplicationError(
            .spoolFull, "write the lookups' database", place: path,
            why: String(cString: sqlite3_errmsg(handle)),
            try: "memory_limit and spool.max bound it, spool.directory is where it is")
    }

    var size: Int {
        get throws {
            var statement: OpaquePointer?
            defer { sqlite3_finalize(statement) }
            sqlite3_prepare_v2(handle, "PRAGMA page_count", -1, &statement, nil)
            guard sqlite3_step(statement) == SQLITE_ROW else { throw failure() }
            return Int(sqlite3_column_int64(statement, 0)) * 4096
        }
    }
}
