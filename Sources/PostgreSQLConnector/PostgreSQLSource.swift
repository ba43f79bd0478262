import Foundation
internal import Logging
package import ReplicationEngine
package import ReplicationModel
import Synchronization

/// A PostgreSQL server as the source: capture by a logical slot, reads by COPY, questions by SQL.
///
/// Questions run on a few pooled connections; the log and every table reader have one of their own.
/// A standby is asked for its own log and state; what has to be written goes to `primaryURL`.
package final class PostgreSQLSource: ReplicationSource {
    let url: String
    let password: String?
    let spoolDirectory: String
    let spoolMax: Int64
    let memoryShare: Int
    let lease: Double
    /// Connections to the source.
    let sessions: SessionPool<PGConnection>
    /// Connections to where can be written: the source itself unless it is a standby.
    let writers: SessionPool<PGConnection>
    /// `writers` is another server.
    let hasPrimary: Bool
    /// Slots made by this object: their publications are older for certain (P33).
    let madeHere = Mutex<Set<String>>([])
    private let logger = Logger(label: "martlet.source")
    private let onSlotWait: (@Sendable ([String]) -> Void)?

    /// - Parameters:
    ///   - primaryURL: where to write when `url` is a standby; nil otherwise.
    ///   - spoolMax: bytes of streamed transactions on disk; `memoryShare`: bytes in memory.
    ///   - lease: seconds after which the server may end a silent reader of the log.
    ///   - onSlotWait: told whom the creation of a slot waits for, beside the log line.
    package init(
        url: String, password: String?, primaryURL: String?, spoolDirectory: String,
        spoolMax: Int64, memoryShare: Int, lease: Double,
        onSlotWait: (@Sendable ([String]) -> Void)? = nil
    ) {
        self.url = url
        self.password = password
        self.spoolDirectory = spoolDirectory
        self.spoolMax = spoolMax
        self.memoryShare = memoryShare
        self.lease = lease
        self.onSlotWait = onSlotWait
        hasPrimary = primaryURL != nil
        sessions = SessionPool {
            try PGConnection(url: url, password: password, label: "source", purpose: .source)
        }
        // A message is readable in the log once it is flushed here: a synchronous standby that
        // hangs must not stop the heartbeat.
        let writable = primaryURL ?? url
        writers = SessionPool {
            let connection = try PGConnection(
                url: writable, password: password, label: "source writer", purpose: .source)
            try connection.run("SET synchronous_commit = local")
            return connection
        }
    }

    func reportSlotWait(_ slot: String, _ blockers: [String]) {
        logger.warning(
            "creating slot \(slot) waits for open transactions: \(blockers.joined(separator: "; "))"
        )
        onSlotWait?(blockers)
    }

}

// MARK: Catalogue

extension PostgreSQLSource {
    package var keepsCapture: Bool { true }

    package func identity() throws -> SourceIdentity {
        try sessions.use { connection in
            // The control file's time line lags behind a promotion, the name of a log file does
            // not.
            let result = try connection.run(
                """
                SELECT (SELECT system_identifier FROM pg_control_system()),
                  CASE WHEN pg_is_in_recovery()
                    THEN (SELECT timeline_id FROM pg_control_checkpoint())
                    ELSE ('x' || left(pg_walfile_name(pg_current_wal_insert_lsn()), 8)
                      )::bit(32)::int
                    END,
                  d.datname, d.oid, current_setting('server_version')
                FROM pg_database d WHERE d.datname = current_database()
                """)
            return SourceIdentity(
                systemIdentifier: result.string(0, 0), timeline: Int(result.integer(0, 1) ?? 0),
                database: result.string(0, 2), databaseID: result.oid(0, 3),
                version: result.string(0, 4))
        }
    }

    package func listTables() throws -> [TableName] {
        try sessions.use { try CatalogTables(connection: $0).list() }
    }

    package func prerequisites(of tables: [TableSchema]) throws -> [SchemaObject] {
        try sessions.use { connection in
            try connection.reading { try Prerequisites(connection, tables).objects() }
        }
    }

    package func notCarried() throws -> [(kind: String, count: Int)] {
        try sessions.use { try NotCarried.count($0) }
    }

    package func describe(_ tables: [TableName]) throws -> [TableSchema] {
        try sessions.use { try CatalogTables(connection: $0).describe(tables) }
    }

    package func fingerprints(of ids: [UInt32]) throws -> [UInt32: String] {
        try sessions.use { try CatalogTables(connection: $0).fingerprints(ids) }
    }
}

// MARK: Preflight and installation

extension PostgreSQLSource {
    package func preflight(_ capture: CaptureNames, tables: [TableSchema]) throws -> [Finding] {
        try standbyFindings(tables)
            + sessions.use { try Preflight($0, capture, tables).findings() }
    }

    package func census(
        _ table: TableSchema, _ questions: [ValueQuestion], whole: Bool
    ) throws -> ValueCensus {
        try sessions.use {
            try SourceCensus(table: table, questions: questions).take($0, whole: whole)
        }
    }

    package func installStatements(_ capture: CaptureNames, tables: [TableSchema]) throws
        -> [String]
    {
        try sessions.use { try Installation($0, capture, tables).statements() }
    }

    package func grantStatements(_ capture: CaptureNames, tables: [TableSchema]) throws -> [String]
    {
        try sessions.use { try Installation($0, capture, tables).grants() + standbyGrants($0) }
    }

    package func install(_ capture: CaptureNames, tables: [TableSchema]) throws {
        let statements = try installStatements(capture, tables: tables)
        try writers.use { try $0.writing(statements) }
        try waitForReplay()
    }
}

// MARK: Capture

extension PostgreSQLSource {
    package func createCapture(_ capture: CaptureNames, tables: [TableName]) throws -> CaptureStart
    {
        if !capture.publicationIsGiven {
            try writers.use { connection in
                let existing = try Publication.load(connection, capture.publication)
                let statements = try Publication.statements(
                    capture.publication, tables, existing: existing)
                if !statements.isEmpty { try connection.writing(statements) }
            }
        }
        // The slot shall decode with a catalogue that has the publication (P33).
        try waitForReplay()
        let start = try SlotCreation(source: self, slot: capture.slot).run()
        madeHere.withLock { _ = $0.insert(capture.slot) }
        return start
    }

    package func slotState(_ capture: CaptureNames) throws -> SlotState? {
        try sessions.use { try SlotQueries(connection: $0, slot: capture.slot).state() }
    }

    package func dropPublication(_ capture: CaptureNames) throws {
        guard !capture.publicationIsGiven else { return }
        let sql = "DROP PUBLICATION IF EXISTS \(capture.publication.quotedIdentifier)"
        try writers.use { _ = try $0.run(sql) }
    }

    package func dropSlot(_ capture: CaptureNames) throws {
        madeHere.withLock { _ = $0.remove(capture.slot) }
        try sessions.use { try SlotQueries(connection: $0, slot: capture.slot).drop() }
    }

    package func openReader(label: String) throws -> any TableReader {
        do {
            return try PGTableReader(
                PGConnection(url: url, password: password, label: label, purpose: .source),
                nudge: nudge)
        } catch { throw error.asReplicationError() }
    }
}

// MARK: Questions beside the flow

extension PostgreSQLSource {
    package func locate(_ keys: [Key], in route: TableRoute, among cuts: [Key]) throws -> [Int] {
        guard !keys.isEmpty, !cuts.isEmpty else { return keys.map { _ in 0 } }
        return try sessions.use { connection in
            let order = try KeyOrder.load(connection, route)
            let result = try connection.query(order.placement, order.parameters(keys, cuts))
            let places = result.column(0).compactMap { Int($0) }
            guard places.count == keys.count else {
                throw ReplicationError(
                    .protocolViolation, "place keys among chunks", table: route.source.name,
                    why: "\(keys.count) keys gave \(places.count) answers")
            }
            return places
        }
    }

    package func mark(_ content: String) throws -> LogMark {
        try refusePromoted()
        try writers.use {
            _ = try $0.query("SELECT pg_logical_emit_message(true, 'martlet', $1)", [content])
        }
        return .message(content)
    }

    package func snapshotKind() throws -> SnapshotKind {
        try refuseUnfitStandby()
        return try sessions.use { try $0.isInRecovery() } ? .window : .visibility
    }

    package func currentSnapshot() throws -> SourceSnapshot { .visibility(try visibility()) }

    func visibility() throws -> Visibility {
        try sessions.use { connection in
            let text = try connection.run("SELECT pg_current_snapshot()").string(0, 0)
            guard let snapshot = Visibility(parsing: text) else {
                throw ReplicationError(
                    .protocolViolation, "read the current snapshot", why: "it is not a snapshot")
            }
            return snapshot
        }
    }

    package func report(_ capture: CaptureNames, applied: LogPosition?) throws -> SourceReport {
        try sessions.use { connection in
            let result = try connection.query(
                """
                SELECT at.lsn, (SELECT pg_wal_lsn_diff(at.lsn, restart_lsn)::int8
                  FROM pg_replication_slots WHERE slot_name = $1),
                  (extract(epoch FROM clock_timestamp()) * 1000000)::int8
                FROM (SELECT CASE WHEN pg_is_in_recovery()
                  THEN greatest(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn())
                  ELSE pg_current_wal_insert_lsn() END) at(lsn)
                """, [capture.slot])
            let end = LogPosition(parsing: result.string(0, 0)) ?? .zero
            return SourceReport(
                position: end, retainedBytes: result.integer(0, 1),
                backlogBytes: applied.map {
                    end > $0 ? Int64(clamping: end.rawValue - $0.rawValue) : 0
                },
                now: result.integer(0, 2) ?? 0)
        }
    }
}
