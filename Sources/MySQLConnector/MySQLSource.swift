import Foundation
package import ReplicationEngine
package import ReplicationModel
import Synchronization

/// A MySQL or MariaDB server as the source: capture by its binlog, reads by SELECT, questions by
/// SQL. Nothing is written to it, and it keeps nothing for us.
///
/// Questions run on a few pooled connections; the log and every table reader have one of their own.
package final class MySQLSource: ReplicationSource {
    let url: String
    let password: String?
    let memoryShare: Int
    let sessions: SessionPool<MySQLConnection>
    /// Of the server that the log is read from now (`LogPosition`).
    let generation = Mutex(0)

    /// - Parameter memoryShare: bytes that decoded transactions may take.
    package init(url: String, password: String?, memoryShare: Int) {
        self.url = url
        self.password = password
        self.memoryShare = memoryShare
        sessions = SessionPool {
            try MySQLConnection(url: url, password: password, label: "source", purpose: .source)
        }
    }

    /// The schema that the URL names; nil: all of them.
    func database() throws -> String? {
        let name = try ServerAddress(parsing: url).database
        return name?.isEmpty == true ? nil : name
    }

    func catalog(_ connection: MySQLConnection) throws -> CatalogTables {
        CatalogTables(connection: connection, database: try database())
    }
}

// MARK: Catalogue

extension MySQLSource {
    package var keepsCapture: Bool { false }

    package func identity() throws -> SourceIdentity {
        let database = try database() ?? ""
        return try sessions.use { connection in
            let facts = connection.facts
            let name = facts.variable("server_uuid") ?? facts.variable("server_uid") ?? ""
            return SourceIdentity(
                systemIdentifier: name, timeline: 0, database: database, databaseID: 0,
                version: facts.version)
        }
    }

    package func listTables() throws -> [TableName] {
        try sessions.use { try catalog($0).list() }
    }

    /// Schemas; types belong to their columns.
    package func prerequisites(of tables: [TableSchema]) throws -> [SchemaObject] {
        Set(tables.map(\.name.schema)).sorted().map {
            SchemaObject(
                kind: .schema, name: TableName(schema: "", name: $0),
                definition: "CREATE DATABASE \(SQLText.name($0))")
        }
    }

    package func notCarried() throws -> [(kind: String, count: Int)] {
        try sessions.use { try NotCarried.count($0, database: database()) }
    }

    package func describe(_ tables: [TableName]) throws -> [TableSchema] {
        try sessions.use { try catalog($0).describe(tables) }
    }

    package func fingerprints(of ids: [UInt32]) throws -> [UInt32: String] {
        try sessions.use { try catalog($0).fingerprints(of: ids) }
    }
}

// MARK: Preflight: nothing is installed

extension MySQLSource {
    package func preflight(_ capture: CaptureNames, tables: [TableSchema]) throws -> [Finding] {
        try sessions.use { try Preflight(connection: $0, tables: tables).findings() }
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
        []
    }

    package func grantStatements(_ capture: CaptureNames, tables: [TableSchema]) throws -> [String]
    {
        try sessions.use { try SourceGrants($0).statements(for: tables) }
    }

    package func install(_ capture: CaptureNames, tables: [TableSchema]) throws {}
}

// MARK: Capture

extension MySQLSource {
    /// The log's end is a start as good as any: what is not visible yet at that moment is caught by
    /// the low positions of the chunks (DESIGN 6.1). The log is read from a little earlier on, so
    /// that it has the rows of every XA transaction that is prepared at the start (B20).
    package func createCapture(_ capture: CaptureNames, tables: [TableName]) throws -> CaptureStart
    {
        try sessions.use { connection in
            let earlier = try LogEnd.start(connection)
            try PreparedAtServer.waitUntilEnded(connection)
            let end = try LogEnd.start(connection)
            let position = try end.position(generation: generation.withLock { $0 })
            return CaptureStart(
                place: LogPlace(
                    position: position, gtids: end.gtids,
                    readFrom: earlier.gtids == end.gtids ? nil : earlier.gtids))
        }
    }

    package func adoptCapture(_ capture: CaptureNames, at start: LogStart) throws -> CaptureStart {
        try sessions.use { CaptureStart(place: try GivenStart.place(start, on: $0)) }
    }

    package func slotState(_ capture: CaptureNames) throws -> SlotState? { nil }
    package func dropPublication(_ capture: CaptureNames) throws {}
    package func dropSlot(_ capture: CaptureNames) throws {}

    /// Another server is taken for a successor if it has every transaction of the place; its files
    /// are its own, so that positions go on in the next generation.
    package func resume(
        _ capture: CaptureNames, known: SourceIdentity, from place: LogPlace
    ) throws -> LogPlace {
        let identity = try identity()
        guard known.systemIdentifier != identity.systemIdentifier else {
            generation.withLock { $0 = place.position.generation }
            try sessions.use { try LogCheck.checkHistory(place, on: $0) }
            return place
        }
        guard let gtids = place.gtids, !gtids.isEmpty else {
            throw ReplicationError(
                .otherSource, "go on from the checkpoint",
                why: "the source is another server than the one the checkpoint is of, and without"
                    + " GTIDs nothing tells where to go on",
                try: "martlet run PIPELINE --fresh --yes, or put the source URL back")
        }
        try sessions.use { try LogCheck.check(.gtids(gtids), on: $0) }
        let next = place.position.generation + 1
        guard let position = LogPosition(file: 0, offset: 0, generation: next) else {
            throw ReplicationError(
                .unsupported, "go on at another server", why: "it is the 64th one",
                try: "martlet run PIPELINE --fresh --yes")
        }
        generation.withLock { $0 = next }
        return LogPlace(position: position, gtids: gtids, readFrom: place.readFrom)
    }

    package func openLog(
        _ capture: CaptureNames, routes: [TableRoute], from start: LogPlace
    ) throws -> any ChangeSource {
        let names = try sessions.use { $0.facts.variable("lower_case_table_names") }
        let hints = Dictionary(
            routes.map { ($0.source.name, TableHint($0)) }, uniquingKeysWith: { first, _ in first })
        return try MySQLLogReader(
            url: url, password: password,
            followed: FollowedTables(hints, foldsNames: names != "0"), start: start,
            memoryShare: memoryShare)
    }

    package func openReader(label: String) throws -> any TableReader {
        func open(_ label: String) throws -> MySQLConnection {
            try MySQLConnection(url: url, password: password, label: label, purpose: .source)
        }
        do {
            return try MySQLTableReader(
                open(label), generation: { self.generation.withLock { $0 } },
                second: { try open(label + " lock") })
        } catch { throw error.asReplicationError() }
    }
}

// MARK: Questions beside the flow

extension MySQLSource {
    package func locate(_ keys: [Key], in route: TableRoute, among cuts: [Key]) throws -> [Int] {
        guard !keys.isEmpty, !cuts.isEmpty else { return keys.map { _ in 0 } }
        return try sessions.use { connection in
            let sql = try KeyText(route, connection.flavour).placement(keys, cuts)
            let places = try connection.query(sql).column(0).compactMap { Int($0) }
            guard places.count == keys.count else {
                throw ReplicationError(
                    .protocolViolation, "place keys among chunks", table: route.source.name,
                    why: "\(keys.count) keys gave \(places.count) answers")
            }
            return places
        }
    }

    package func mark(_ content: String) throws -> LogMark {
        try sessions.use { connection in
            let end = try LogEnd.written(connection)
            return .position(
                try end.position(generation: generation.withLock { $0 }),
                time: try Self.clock(connection))
        }
    }

    package func snapshotKind() throws -> SnapshotKind { .window }

    package func currentSnapshot() throws -> SourceSnapshot {
        throw ReplicationError(
            .internalFault, "read the current snapshot", why: "snapshots here are windows")
    }

    package func report(_ capture: CaptureNames, applied: LogPosition?) throws -> SourceReport {
        try sessions.use { connection in
            let end = try LogEnd.written(connection)
                .position(generation: generation.withLock { $0 })
            return SourceReport(
                position: end, retainedBytes: nil,
                backlogBytes: try applied.flatMap { try Self.backlog($0, end, connection) },
                now: try Self.clock(connection))
        }
    }

    /// Microseconds since 1970 by the source's clock.
    private static func clock(_ connection: MySQLConnection) throws -> Int64 {
        try connection.query("SELECT CAST(UNIX_TIMESTAMP(SYSDATE(6)) * 1000000 AS SIGNED)")
            .integer(0, 0) ?? 0
    }

    /// The files between two positions of one server; nil where that is not known.
    private static func backlog(
        _ applied: LogPosition, _ end: LogPosition, _ connection: MySQLConnection
    ) throws -> Int64? {
        guard applied.generation == end.generation, applied.file > 0 else { return nil }
        if applied >= end { return 0 }
        if applied.file == end.file { return Int64(end.offset - applied.offset) }
        var bytes = Int64(end.offset - applied.offset)
        let files = try LogFiles(connection)
        for (name, size) in zip(files.names, files.bytes) {
            let isBetween = LogFiles.number(of: name).map((applied.file..<end.file).contains)
            if isBetween ?? false { bytes += size }
        }
        return bytes
    }
}
