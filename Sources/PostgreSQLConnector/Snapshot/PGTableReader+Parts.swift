internal import ReplicationEngine
internal import ReplicationModel

/// A table without a key in ranges of pages, under a snapshot that one session exports.
///
/// Within one snapshot each row has one version, and that is at one place: VACUUM FULL and the like
/// wait for the lock of the session that exports. A row that is updated meanwhile is another
/// version at another place, which the snapshot does not see. The server reads a range of pages
/// only ("TID Range Scan", since 14).
///
/// A partitioned root is read as a whole: a partition may be attached between two parts, and no
/// lock that a reader may take keeps that away. A standby's tables without a key are refused.
extension PGTableReader {
    /// 64 MB of pages of 8 kB, as chunks with a key are limited to.
    private static let pageLimit = 8192
    /// Of a table that was never analysed.
    private static let rowsPerPage = 100.0

    func share(_ route: TableRoute, rows: Int) throws -> SharedRead? {
        guard !isStandby, route.isKeyless, !route.source.isPartitioned else { return nil }
        return try attempt(route) {
            let size = try connection.query(
                """
                SELECT pg_relation_size(c.oid) / current_setting('block_size')::int8,
                  CASE WHEN c.reltuples > 0 AND c.relpages > 0
                    THEN (c.reltuples / c.relpages)::float8 END
                FROM pg_class c WHERE c.oid = $1::oid
                """, [String(route.source.id)])
            let pages = Int(size.integer(0, 0) ?? 0)
            let density = size.text(0, 1).flatMap { Double($0) } ?? Self.rowsPerPage
            let part = max(1, min(Self.pageLimit, Int(Double(rows) / max(density, 0.001))))
            guard pages > part else { return nil }
            let exported = try connection.run("SELECT pg_export_snapshot()")
            return SharedRead(snapshot: exported.string(0, 0), pages: pages, partPages: part)
        }
    }

    func join(_ snapshot: String, _ route: TableRoute) throws {
        try attempt(route) {
            try connection.run("BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            do {
                try connection.run("SET TRANSACTION SNAPSHOT \(snapshot.quotedLiteral)")
            } catch let error as PGError.Server where Self.snapshotEnded.contains(error.sqlState) {
                var told = error.asReplicationError(table: route.source.name)
                told.kind = .snapshotGone
                throw told
            }
            try connection.run("LOCK TABLE \(route.origin) IN ACCESS SHARE MODE")
        }
    }

    /// The file of the snapshot is not there; or it is, but not the transaction.
    private static let snapshotEnded: Set<String> = ["22023", "42704", "55000"]

    /// Rows count from 1 in their page: `(n,0)` lies between two pages.
    func pages(_ alias: String, _ range: KeyRange) -> String? {
        let bounds = [(">", range.lower), ("<=", range.upper)].compactMap { sign, key in
            key?.texts.first.map { "\(alias).ctid \(sign) '(\($0),0)'::tid" }
        }
        return bounds.isEmpty ? nil : bounds.joined(separator: " AND ")
    }
}
