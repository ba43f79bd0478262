internal import ReplicationEngine
internal import ReplicationModel

/// Reads chunks of tables, each under a snapshot of its own (DESIGN 6.3), on one connection.
///
///     log_status (MySQL), Binlog_snapshot_* (MariaDB)   <- low: all visible
///     XA RECOVER                                        until what it lists has ended
///     START TRANSACTION WITH CONSISTENT SNAPSHOT
///     SHOW BINARY LOG STATUS                            <- high: nothing seen is beyond
///     SELECT ... LIMIT 0                                keeps the definition
///     fingerprint                                       of what is kept
///     copy, once or more
///     finish: ROLLBACK
///
/// What MariaDB shows inside of the transaction is meant to be the snapshot's own position, and is
/// another session's now and then (docs/decisions/why-mariadbs-snapshot-position-is-a-bound.md).
///
/// A table without a key: its rows cannot be applied idempotently, so low must be high. The same
/// where rows change with others of their table, and the log does not say which. A second session
/// holds `LOCK TABLES ... READ` while the snapshot is taken: every transaction that changed the
/// table has then ended, and none can begin (DESIGN 6.9).
///
/// The order matters: a low position read after the snapshot could name transactions that it does
/// not see; a high one read before it could miss some that it sees.
final class MySQLTableReader: TableReader {
    /// How long a read waits for an ALTER TABLE or the like; then it is tried again later.
    static let lockSeconds = 10
    private static let blockBytes = 64 << 10

    private let connection: MySQLConnection
    /// Of the positions it gives; see `LogPosition`.
    private let generation: () -> Int
    private let lockSeconds: Int
    private let makeSecond: () throws -> MySQLConnection
    private var keys: [UInt32: (fingerprint: String, text: KeyText)] = [:]

    init(
        _ connection: MySQLConnection, generation: @escaping () -> Int,
        lockSeconds: Int = MySQLTableReader.lockSeconds,
        second: @escaping () throws -> MySQLConnection
    ) throws {
        self.connection = connection
        self.generation = generation
        self.lockSeconds = lockSeconds
        makeSecond = second
        try connection.run("SET SESSION lock_wait_timeout = \(lockSeconds)")
    }

    func cut(_ route: TableRoute, after lower: Key?, rows: Int) throws -> Key? {
        guard !route.isKeyless, !route.isOneChunk, rows > 0 else { return nil }
        return try attempt(route) {
            let text = key(route)
            let range = try text.condition("x", KeyRange(after: lower, through: nil))
            let list = text.columns.map { ServerText.expression($0, of: "x") }
            var found: Key?
            let server = try ServerText(text.columns, of: route.source.name)
            try connection.stream(
                "SELECT \(list.joined(separator: ", ")) FROM \(origin(route))"
                    + (range.map { " WHERE \($0)" } ?? "")
                    + " ORDER BY \(text.list("x")) LIMIT 1 OFFSET \(rows - 1)"
            ) { row in
                found = Key(
                    try (0..<row.count).map { at in
                        try row[at].map { try server.canonical($0, at) } ?? []
                    })
            }
            return found
        }
    }

    func begin(_ route: TableRoute) throws -> ChunkSnapshot {
        try attempt(route) {
            let window = try takeSnapshot(route)
            // Fails here already if the definition is younger than the snapshot (error 1412).
            try connection.run("SELECT 1 FROM \(SQLText.name(route.source.name)) LIMIT 0")
            let facts = try TableFacts(connection, [route.source.name])
            guard let fingerprint = facts.fingerprint(of: route.source.name) else {
                throw ReplicationError(
                    .unseenSchemaChange, "read a table", table: route.source.name,
                    why: "it is not there any more")
            }
            return ChunkSnapshot(
                snapshot: .window(low: window.low, high: window.high), position: window.high,
                fingerprint: fingerprint)
        }
    }

    func copy(
        _ route: TableRoute, _ range: KeyRange, format: RowFormat,
        into sink: (UnsafeRawBufferPointer) throws -> Void
    ) throws -> Int64 {
        guard format == .copyText else {
            throw ReplicationError(
                .unsupported, "read a table", table: route.source.name,
                why: "binary rows are PostgreSQL's")
        }
        return try attempt(route) {
            let condition = route.isKeyless ? nil : try key(route).condition("x", range)
            let list = route.columns.map { ServerText.expression($0, of: "x") }
            let sql =
                "SELECT \(list.joined(separator: ", ")) FROM \(origin(route))"
                + (condition.map { " WHERE \($0)" } ?? "")
            return try copy(sql, ServerText(route.columns, of: route.source.name), sink)
        }
    }

    /// A snapshot belongs to one session here.
    func share(_ route: TableRoute, rows: Int) throws -> SharedRead? { nil }
    func join(_ snapshot: String, _ route: TableRoute) throws {
        throw ReplicationError(
            .internalFault, "join a snapshot", table: route.source.name,
            why: "no snapshot is shared")
    }

    func finish() throws {
        guard connection.isAlive else { return }
        do { try connection.run("ROLLBACK") } catch { throw error.asReplicationError() }
    }

    /// The window is known from the beginning, and what is visible is in the binlog. (Whether it
    /// survives a power cut there is `sync_binlog`'s matter: a finding of the preflight.)
    func settle(_ chunk: ChunkSnapshot) throws -> ChunkSnapshot { chunk }

    /// Gives up an open transaction; the connection goes with the last reference to the reader.
    func close() { try? finish() }
}

// MARK: Pieces

extension MySQLTableReader {
    private typealias Window = (low: LogPosition, high: LogPosition)

    private func takeSnapshot(_ route: TableRoute) throws -> Window {
        if route.isKeyless || route.source.changesItself { return try takeLockedSnapshot(route) }
        let low = try LogEnd.visible(connection).position(generation: generation())
        try PreparedAtServer.waitUntilEnded(connection)
        Failpoint.hit(.snapshotAwaited)
        try startTransaction()
        Failpoint.hit(.snapshotTaken)
        let high = try LogEnd.written(connection).position(generation: generation())
        return (low, high)
    }

    private func takeLockedSnapshot(_ route: TableRoute) throws -> Window {
        let second = try makeSecond()
        try second.run("SET SESSION lock_wait_timeout = \(lockSeconds)")
        try second.run("LOCK TABLES \(SQLText.name(route.source.name)) READ")
        defer { _ = try? second.run("UNLOCK TABLES") }
        try startTransaction()
        let position = try LogEnd.written(connection).position(generation: generation())
        return (position, position)
    }

    private func startTransaction() throws {
        try connection.run("START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY")
    }

    private func copy(
        _ sql: String, _ text: ServerText, _ sink: (UnsafeRawBufferPointer) throws -> Void
    ) throws -> Int64 {
        var block: [UInt8] = []
        block.reserveCapacity(2 * Self.blockBytes)
        let count = try connection.stream(sql) { row in
            for index in 0..<row.count {
                if index > 0 { block.append(UInt8(ascii: "\t")) }
                try text.append(row[index], index, to: &block)
            }
            block.append(UInt8(ascii: "\n"))
            guard block.count >= Self.blockBytes else { return }
            try block.withUnsafeBytes(sink)
            block.removeAll(keepingCapacity: true)
        }
        if !block.isEmpty { try block.withUnsafeBytes(sink) }
        return count
    }

    /// The key's own index, whatever the statistics say: without it a chunk would read the table.
    private func origin(_ route: TableRoute) -> String {
        let table = SQLText.name(route.source.name) + " AS x"
        let key = route.keyColumns.map(\.name)
        let indexes = (route.source.primaryKey.map { [$0] } ?? []) + route.source.indexes
        guard !route.isKeyless,
            let index = indexes.first(where: { $0.columns == key && $0.isPlain })
        else { return table }
        return table + " FORCE INDEX (\(SQLText.name(index.name)))"
    }

    private func key(_ route: TableRoute) -> KeyText {
        if let known = keys[route.source.id], known.fingerprint == route.source.fingerprint {
            return known.text
        }
        let text = KeyText(route, connection.flavour)
        keys[route.source.id] = (route.source.fingerprint, text)
        return text
    }

    /// What a sink throws is its caller's own and passes as it is.
    private func attempt<Result>(_ route: TableRoute, _ body: () throws -> Result) throws -> Result
    {
        do { return try body() } catch let error as MySQLError.Server {
            throw error.asReplicationError(table: route.source.name)
        }
    }
}
