internal import Foundation
internal import ReplicationEngine
internal import ReplicationModel

/// Reads what is stored for a pipeline. Runs inside a transaction of the caller's; takes no locks.
struct MySQLStateReader {
    let connection: MySQLConnection
    let place: StatePlace
    let pipeline: String

    /// Nil if nothing is stored. A value that does not parse is an error: it is never guessed.
    func read() throws -> StoredPipeline? {
        guard let (setup, epoch) = try setup() else { return nil }
        let lease = try lease()
        let checkpoint = try checkpoint()
        return StoredPipeline(
            setup: setup, epoch: epoch, checkpoint: checkpoint?.value, tables: try tables(),
            chunks: try chunks(), holder: lease?.holder, leaseIsValid: lease?.isValid ?? false,
            report: lease?.report, checkpointAge: checkpoint?.age)
    }

    private func rows(
        _ columns: String, _ table: String, by name: String = "pipeline", _ end: String = ""
    )
        throws -> MySQLResult
    {
        try connection.query(
            "SELECT \(columns) FROM \(place.table(table)) WHERE \(name) = "
                + SQLText.literal(pipeline) + end)
    }

    private func setup() throws -> (PipelineSetup, Int64)? {
        let row = try rows(
            """
            epoch, phase, slot, publication, publication_is_given, source, configuration, \
            is_consistent
            """, "pipeline", by: "name")
        guard row.rowCount == 1 else { return nil }
        let identity = try JSONDecoder().decode(
            SourceIdentity.self, from: Data((row.text(0, 5) ?? "").utf8))
        var setup = PipelineSetup(
            phase: try required(PipelineSetup.Phase.init(rawValue: row.text(0, 1) ?? ""), "phase"),
            capture: CaptureNames(
                slot: row.text(0, 2) ?? "", publication: row.text(0, 3) ?? "",
                publicationIsGiven: row.text(0, 4) == "1"),
            source: identity, configuration: row.text(0, 6) ?? "")
        setup.isConsistent = row.text(0, 7) == "1"
        return (setup, try required(row.integer(0, 0), "epoch"))
    }

    private func lease() throws -> (holder: Holder?, isValid: Bool, report: RunReport?)? {
        let row = try rows(
            """
            host, pid, instance, COALESCE(expires > NOW(6), 0), state, received, confirmed, \
            waiting, error
            """, "lease")
        guard row.rowCount == 1 else { return nil }
        var report = row.text(0, 4).flatMap(RunReport.State.init).map(RunReport.init)
        report?.received = try row.text(0, 5).map { try position($0, "lease.received") }
        report?.confirmed = try row.text(0, 6).map { try position($0, "lease.confirmed") }
        report?.waiting = row.text(0, 7)
        report?.error = row.text(0, 8)
        return (MySQLLease.holder(row, 0), row.text(0, 3) == "1", report)
    }

    private func checkpoint() throws -> (value: Checkpoint, age: Double?)? {
        let row = try rows(
            """
            position, commit_position, xid, committed_at, heartbeat_at, transactions, unseen, \
            GREATEST(TIMESTAMPDIFF(MICROSECOND, applied_at, NOW(6)), 0), gtids, read_from
            """, "checkpoint")
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
        return (value, row.integer(0, 7).map { Double($0) / 1_000_000 })
    }

    private func tables() throws -> [TableProgress] {
        let rows = try rows(
            """
            id, source_schema, source_name, target_schema, target_name, state, rows_copied, \
            rows_estimated, inserts, updates, deletes, fingerprint, key_columns
            """, "table_state")
        return try (0..<rows.rowCount).map { try table(rows, $0) }
            .sorted { ($0.source, $0.id) < ($1.source, $1.id) }
    }

    private func table(_ rows: MySQLResult, _ row: Int) throws -> TableProgress {
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
        table.key = try JSONDecoder().decode([String].self, from: Data(text(12).utf8))
        return table
    }

    private func chunks() throws -> [ChunkRecord] {
        let rows = try rows(
            """
            table_id, id, lower_bound, upper_bound, is_key_chunk, snapshot, position, closed_at, \
            row_count
            """, "chunk", " ORDER BY table_id, id")
        return try (0..<rows.rowCount).map { try chunk(rows, $0) }
    }

    private func chunk(_ rows: MySQLResult, _ row: Int) throws -> ChunkRecord {
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
            isKeyChunk: rows.text(row, 4) == "1", seal: seal, rows: rows.integer(row, 8) ?? 0)
    }

    private func key(_ text: String?) throws -> Key? {
        try text.map { try required(MySQLStateCoding.key(parsing: $0), "chunk bounds") }
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
