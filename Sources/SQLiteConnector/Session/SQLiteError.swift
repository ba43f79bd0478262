internal import CSQLite
internal import ReplicationModel

/// What SQLite answered. Its messages name tables, columns and constraints, never values (I9).
///
/// Source: "Result and Error Codes", https://www.sqlite.org/rescode.html.
struct SQLiteError: Error {
    /// The extended result code.
    var code: Int32
    var message: String
    /// What was attempted, in few words.
    var what: String
    var path: String

    /// Extended codes are the primary one and a number above it; the header has them as
    /// expressions, which Swift does not import.
    private static let primaryKey = SQLITE_CONSTRAINT | 6 << 8
    private static let unique = SQLITE_CONSTRAINT | 8 << 8
    private static let rowID = SQLITE_CONSTRAINT | 10 << 8

    var primaryCode: Int32 { code & 0xFF }
    var isConstraint: Bool { primaryCode == SQLITE_CONSTRAINT }

    /// A secondary unique index refused the row.
    var isUniqueConflict: Bool { code == Self.unique }

    /// The primary key refused the row.
    var isKeyConflict: Bool {
        code == Self.primaryKey || code == Self.rowID
    }

    /// The column of "... constraint failed: table.column" and "... in column table.column".
    var column: String? {
        guard isConstraint, !message.contains(","), !message.hasPrefix("CHECK") else { return nil }
        guard let place = message.split(separator: " ").last, let dot = place.lastIndex(of: ".")
        else { return nil }
        return String(place[place.index(after: dot)...])
    }

    func replicationError(
        what attempt: String? = nil, position: LogPosition? = nil, table: TableName? = nil
    ) -> ReplicationError {
        let attempt = attempt ?? what
        if isConstraint { return constraintError(attempt, position, table) }
        return ReplicationError(
            kind, attempt, position: position, table: table, why: reason, try: remedy)
    }

    private func constraintError(
        _ attempt: String, _ position: LogPosition?, _ table: TableName?
    ) -> ReplicationError {
        let isConflict = isUniqueConflict || isKeyConflict
        return ReplicationError(
            isConflict ? .rowConflict : .invalidValue, attempt, position: position, table: table,
            column: column, why: message,
            try: isConflict
                ? "find out who else writes to \(path); then martlet reload"
                : "the target's table refuses what the source holds: change its definition")
    }

    private var reason: String {
        switch primaryCode {
        case SQLITE_BUSY, SQLITE_LOCKED:
            "another process holds the write lock of \(path)"
        case SQLITE_TOOBIG: "a value or row is larger than SQLite holds (1 GB)"
        case SQLITE_NOTADB: "\(path) is not an SQLite database"
        default: "\(path): \(message)"
        }
    }

    private var kind: ReplicationError.Kind {
        switch primaryCode {
        case SQLITE_BUSY, SQLITE_LOCKED, SQLITE_FULL, SQLITE_READONLY, SQLITE_IOERR,
            SQLITE_CANTOPEN, SQLITE_NOMEM, SQLITE_PROTOCOL, SQLITE_NOLFS:
            .targetUnavailable
        case SQLITE_PERM, SQLITE_AUTH: .privilege
        case SQLITE_NOTADB, SQLITE_CORRUPT, SQLITE_FORMAT: .unfitSchema
        case SQLITE_TOOBIG, SQLITE_MISMATCH: .invalidValue
        case SQLITE_ERROR: .unfitSchema
        default: .internalFault
        }
    }

    private var remedy: String? {
        switch primaryCode {
        case SQLITE_BUSY, SQLITE_LOCKED:
            LockOwner.describe(path).map { "end or wait for \($0)" }
                ?? "end the other writer, or wait for it"
        case SQLITE_FULL: "free disk space; the next attempt or start goes on from the checkpoint"
        case SQLITE_READONLY: "make \(path) and its directory writable"
        case SQLITE_CANTOPEN: "check that the directory exists and may be written"
        case SQLITE_NOTADB: "name another file, or move this one away"
        case SQLITE_CORRUPT: "restore \(path), then martlet run --fresh"
        default: nil
        }
    }
}

extension Error {
    /// Any error of this module as the engine's.
    func asReplicationError(
        _ what: String? = nil, position: LogPosition? = nil, table: TableName? = nil
    ) -> ReplicationError {
        switch self {
        case let error as ReplicationError: return error
        case let error as SQLiteError:
            return error.replicationError(what: what, position: position, table: table)
        default:
            return ReplicationError(
                .internalFault, what ?? "work with SQLite", position: position, table: table,
                why: String(describing: self))
        }
    }
}
