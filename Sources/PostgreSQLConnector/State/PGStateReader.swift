internal import Foundation
internal import ReplicationEngine
internal import ReplicationModel

/// Reads what is stored for a pipeline. Runs inside a transaction of the caller's; takes no locks.
struct PGStateReader {
    let connection: PGConnection
    let pipeline: String

    /// Nil if nothing is stored. A value that does not parse is an error: it is never guessed.
    func read() throws -> StoredPipeline? {
        guard let (setup, epoch) = try setup() else { return nil }
        let lease = try lease()
        let checkpoint = try checkpoint()
        var stored = StoredPipeline(
            setup: setup, epoch: epoch, checkpoint: checkpoint?.value, tables: try tables(),
            chunks: try chunks(), holder: lease?.holder, leaseIsValid: lease?.isValid ?? false,
            report: lease?.report, checkpointAge: checkpoint?.age)
        stored.lossy = try lossy()
        return stored
    }

    private func lossy() throws -> [LossyConversions.Kind: Int64] {
        // State of an older format may be read before it is migrated.
        guard try connection.run("SELECT to_regclass('martlet.lossy')").text(0, 0) != nil else {
            return [:]
        }
        let rows = try query("SELECT kind, converted FROM martlet.lossy WHERE pipeline = $1")
        return try (0..<rows.rowCount).reduce(into: [:]) { counts, row in
            let name = rows.text(row, 0) ?? ""
            let kind = try required(LossyConversions.Kind(rawValue: name), "lossy.kind")
            counts[kind] = rows.integer(row, 1)
        }
    }

    private func query(_ sql: String) throws -> PGResult { try connection.query(sql, [pipeline]) }

    private func setup() throws -> (PipelineSetup, Int64)? {
        let row = try query(
            """
            SELECT epoch, phase, slot, publication, publication_is_given, source, configuration, \
            is_consistent FROM martlet.pipeline WHERE name = $1
            """)
        guard row.rowCount == 1 else { return nil }
        let identity = try JSONDecoder().decode(
            SourceIdentity.self, from: Data((row.text(0, 5) ?? "").utf8))
        var setup = PipelineSetup(
            phase: try required(PipelineSetup.Phase.init(rawValue: row.text(0, 1) ?? ""), "phase"),
            capture: CaptureNames(
                slot: row.text(0, 2) ?? "", publication: row.text(0, 3) ?? "",
                publicationIsGiven: row.boolean(0, 4)),
            source: identity, configuration: row.text(0, 6) ?? "")
        setup.isConsistent = row.boolean(0, 7)
        return (setup, try required(row.integer(0, 0), "epoch"))
    }

    private func lease() throws -> (holder: Holder?, isValid: Bool, report: RunReport?)? {
        let row = try query(
            """
            SELECT host, pid, instance, coalesce(expires > clock_timestamp(), false), state, \
            received, confirmed, waiting, error FROM martlet.lease WHERE pipeline = $1
            """)
        guard row.rowCount == 1 else { return nil }
        var report = row.text(0, 4).flatMap(RunReport.State.init).map(RunReport.init)
        report?.received = try row.text(0, 5).map { try position($0, "lease.received") }
        report?.confirmed = try row.text(0, 6).map { try position($0, "lease.confirmed") }
        report?.waiting = row.text(0, 7)
        report?.error = row.text(0, 8)
        return (PGLease.holder(row, 0), row.boolean(0, 3), report)
    }

    private func checkpoint() throws -> (value: Checkpoint, age: Double?)? {
        let row = try query(
            """
            SELECT position, commit_position, xid, committed_at, heartbeat_at, transactions, \
            unseen, extract(epoch FROM clock_timestamp() - applied_at), gtids, read_from \
            FROM martlet.checkpoint WHERE pipeline = $1
            """)
        guard row.rowCount == 1 else { return nil }
        var value = Checkpoint(
            position: try position(row.text(0, 0), "checkpoint.position"),
            commitPosition: try position(row.text(0, 1), "checkpoint.commit_position"))
        value.xid = try required(row.integer(0, 2).flatMap(UInt32.init(exactly:)), "checkpoint.xid")
        value.committedAt = row.integer(0, 3)
        value.heartbeatAt = row.integer(0, 4)
        value.transactions = try required(row.integer(0, 5), "checkpoint.transactions")
        value.unseen = try (row.text(0, 6) ?? "").split(separator: ",").map {
            TransactionID(rawValue: try required(UInt64($0), "checkpoint.unseen"))
        }
        value.gtids = try row.text(0, 8).map {
            try required(GTIDSet(parsing: $0), "checkpoint.gtids")
        }
        value.readFrom = try row.text(0, 9).map {
            try required(GTIDSet(parsing: $0), "checkpoint.read_from")
        }
        return (value, row.text(0, 7).flatMap(Double.init))
    }

    private func tables() throws -> [TableProgress] {
        let rows = try query(
            """
            SELECT id, source_schema, source_name, target_schema, target_name, state, rows_copied, \
            rows_estimated, inserts, updates, deletes, fingerprint, key \
            FROM martlet.table_state WHERE pipeline = $1 ORDER BY source_schema, source_name, id
            """)
        return try (0..<rows.rowCount).map { try table(rows, $0) }
    }

    private func table(_ rows: PGResult, _ row: Int) throws -> TableProgress {
        func text(_ column: Int) -> String { rows.text(row, column) ?? "" }
        var table = TableProgress(
            id: try required(UInt32(text(0)), "table_state.id"),
            source: TableName(schema: text(1), name: text(2)),
            target: TableName(schema: text(3), name: text(4)),
            state: try required(TableProgress.State(rawValue: text(5)), "table_state.state"))
        table.rowsCopied = rows.integer(row, 6) ?? 0
        table.rowsEstimated = rows.integer(row, 7) ?? 0
        table.counts.inserts = rows.integer(row, 8) ?? 0
        table.counts.updates = rows.integer(row, 9) ?? 0
        table.counts.deletes = rows.integer(row, 10) ?? 0
        table.fingerprint = text(11)
        table.key = try required(PGArray.elements(parsing: text(12)), "table_state.key")
        return table
    }

    private func chunks() throws -> [ChunkRecord] {
        let rows = try query(
            """
            SELECT table_id, id, lower, upper, is_key_chunk, snapshot, position, closed_at, rows \
            FROM martlet.chunk WHERE pipeline = $1 ORDER BY table_id, id
            """)
        return try (0..<rows.rowCount).map { try chunk(rows, $0) }
    }

    private func chunk(_ rows: PGResult, _ row: Int) throws -> ChunkRecord {
        let seal = try rows.text(row, 6).map { text in
            ChunkSeal(
                snapshot: try rows.text(row, 5).map {
                    try required(SourceSnapshot(parsing: $0), "chunk.snapshot")
                },
                position: try position(text, "chunk.position"),
                closedAt: try position(rows.text(row, 7), "chunk.closed_at"))
        }
        return ChunkRecord(
            table: try required(rows.text(row, 0).flatMap(UInt32.init), "chunk.table_id"),
            id: try required(rows.integer(row, 1), "chunk.id"),
            range: KeyRange(after: try key(rows.text(row, 2)), through: try key(rows.text(row, 3))),
            isKeyChunk: rows.boolean(row, 4), seal: seal, rows: rows.integer(row, 8) ?? 0)
    }

    private func key(_ text: String?) throws -> Key? {
        try text.map { Key(texts: try required(PGArray.elements(parsing: $0), "chunk bounds")) }
    }

    private func position(_ text: String?, _ place: String) throws -> LogPosition {
        try required(text.flatMap { LogPosition(parsing: $0) }, place)
    }

    private func required<Value>(_ value: Value?, _ place: String) throws -> Value {
        guard let value else {
            throw ReplicationError(
                .internalFault, "read the state of pipeline '\(pipeline)' at the target",
                why: "\(place) holds something that Martlet did not write")
        }
        return value
    }
}
