import Foundation
internal import ReplicationEngine
internal import ReplicationModel

/// The log of MySQL or MariaDB: a binlog dump, decoded on a thread of its own (`my-log`).
///
/// The server is never told what is applied: it keeps its log by age, not for us. A dump begins
/// after a GTID set, or at the end of a transaction in a file, so that nothing comes twice. With an
/// XA transaction that was prepared before, it begins in front of that, and what is applied is
/// passed over (`PassedGroups`).
///
/// Memory: one batch is built, one is with the consumer. While the built one is full nothing is
/// read; the server waits for as long as `net_write_timeout` of the session says.
final class MySQLLogReader: ChangeSource {
    private static let batchChanges = 20_000

    private let link: BinlogLink

    /// - Parameters:
    ///   - followed: whose changes are delivered.
    ///   - start: what is durable at the target.
    ///   - memoryShare: bytes.
    /// - Throws: `ReplicationError`: `.positionGap` if the server cannot send everything after
    ///   `start`, or what a connection throws.
    init(
        url: String, password: String?, followed: FollowedTables, start: LogPlace,
        memoryShare: Int
    ) throws {
        let options = BinlogDecoder.Options(
            limits: BatchLimits(
                bytes: max(64 << 10, memoryShare / 2), changes: Self.batchChanges),
            generation: start.position.generation)
        let session: BinlogSession
        do {
            session = try BinlogSession(
                url: url, password: password, start: Self.binlogStart(start, url, password))
        } catch { throw error.asReplicationError(position: start.position) }
        link = BinlogLink(
            session, received: start.position,
            decoder: BinlogDecoder(
                options, followed,
                PassedGroups(applied: start.gtids, start: start.readFrom ?? start.gtids)))
        let link = link
        WorkerThread.start("my-log") { link.run() }
    }

    /// By GTIDs where there are any. A position has a file's number: its name is the server's own.
    private static func binlogStart(_ start: LogPlace, _ url: String, _ password: String?) throws
        -> BinlogStart
    {
        if let gtids = start.readFrom ?? start.gtids { return .gtids(gtids) }
        let connection = try MySQLConnection(
            url: url, password: password, label: "log", purpose: .source)
        let end = try LogEnd.written(connection).file
        let base = end[..<(end.lastIndex(of: ".") ?? end.endIndex)]
        let number = String(start.position.file)
        let padding = String(repeating: "0", count: max(0, 6 - number.count))
        return .file("\(base).\(padding)\(number)", offset: UInt64(start.position.offset))
    }

    deinit { link.close() }

    func next(timeout: Double) throws -> ChangeBatch? { try link.next(timeout: timeout) }
    func confirm(_ position: LogPosition) {}
    var received: LogPosition { link.received }
    func close() { link.close() }
}

extension TableHint {
    /// From the catalogue of now. The log's own description wins where it has one.
    init(_ route: TableRoute) {
        let table = route.source
        let key = Set(table.primaryKey?.columns ?? [])
        let carried = Set(route.columns.map(\.name))
        self.init(
            id: table.id,
            columns: table.columns.map { column in
                Column(
                    name: column.name,
                    isUnsigned: column.type.declaration.lowercased().contains(" unsigned"),
                    characterSet: column.characterSet ?? "binary",
                    labels: column.type.size.labels, isKey: key.contains(column.name),
                    special: Self.special(column.type.castName), typeID: column.type.id,
                    isCarried: carried.contains(column.name))
            })
    }

    private static func special(_ type: String) -> Special? {
        switch type {
        case "uuid": .uuid
        case "inet6": .inet6
        case "inet4": .inet4
        default: nil
        }
    }
}
