internal import ReplicationEngine
internal import ReplicationModel

/// Whose run this is: what every transaction of Martlet proves first (I7).
struct Ownership: Sendable {
    var pipeline: String
    var epoch: Int64
    var leaseSeconds: Double

    var leaseMicroseconds: Int64 { Int64(leaseSeconds * 1_000_000) }
}

/// Writes state; inside a transaction of the caller.
extension SQLiteSession {
    /// Nobody else can bump the epoch before the transaction ends: it holds the write lock.
    func checkEpoch(_ ownership: Ownership) throws {
        let statement = try statement(
            "SELECT 1 FROM main.martlet_pipeline WHERE name = ? AND epoch = ?")
        defer { statement.reset() }
        try statement.bind([.text(ownership.pipeline), .integer(ownership.epoch)])
        guard try statement.step() else {
            throw ReplicationError(
                .fenced, "write to \(path)",
                why: "another run has taken over pipeline \(ownership.pipeline) since epoch "
                    + "\(ownership.epoch)", try: "martlet status shows who")
        }
    }

    /// Every commit is a sign of life: a transaction may last longer than the lease.
    func extendLease(_ ownership: Ownership) throws {
        try execute(
            "UPDATE main.martlet_pipeline SET lease_until = max(lease_until, ?) "
                + "WHERE name = ? AND lease_until IS NOT NULL",
            [
                .integer(StateCoding.now() + ownership.leaseMicroseconds),
                .text(ownership.pipeline),
            ])
    }

    func write(_ report: RunReport, leaseUntil: Int64?, _ pipeline: String) throws {
        try execute(
            """
            UPDATE main.martlet_pipeline SET lease_until = ?, report_state = ?, \
            report_received = ?, report_confirmed = ?, report_waiting = ?, report_error = ?, \
            reported_at = ? WHERE name = ?
            """,
            [
                SQLiteValue(leaseUntil), .text(report.state.rawValue),
                SQLiteValue(report.received?.description),
                SQLiteValue(report.confirmed?.description), SQLiteValue(report.waiting),
                SQLiteValue(report.error), .integer(StateCoding.now()), .text(pipeline),
            ])
    }

    /// Inserts the pipeline if it is not there; the epoch starts at 0.
    func insert(_ setup: PipelineSetup, _ pipeline: String) throws {
        try execute(
            """
            INSERT INTO main.martlet_pipeline (name, epoch, phase, slot, publication, \
            publication_is_given, source, configuration, is_consistent) \
            VALUES (?, 0, '', '', '', 0, '', '', 0) ON CONFLICT DO NOTHING
            """, [.text(pipeline)])
        try update(setup, pipeline)
    }

    func update(_ setup: PipelineSetup, _ pipeline: String) throws {
        try execute(
            """
            UPDATE main.martlet_pipeline SET phase = ?, slot = ?, publication = ?, \
            publication_is_given = ?, source = ?, configuration = ?, is_consistent = ? \
            WHERE name = ?
            """,
            [
                .text(setup.phase.rawValue), .text(setup.capture.slot),
                .text(setup.capture.publication), SQLiteValue(setup.capture.publicationIsGiven),
                .text(try StateCoding.json(setup.source)), .text(setup.configuration),
                SQLiteValue(setup.isConsistent), .text(pipeline),
            ])
    }

    func write(_ checkpoint: Checkpoint, _ pipeline: String) throws {
        try execute(
            """
            INSERT OR REPLACE INTO main.martlet_checkpoint \
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
            """,
            [
                .text(pipeline), .text(checkpoint.position.description),
                .text(checkpoint.commitPosition.description), .integer(Int64(checkpoint.xid)),
                SQLiteValue(checkpoint.committedAt), SQLiteValue(checkpoint.heartbeatAt),
                .integer(checkpoint.transactions), StateCoding.encode(checkpoint.unseen),
                SQLiteValue(checkpoint.gtids?.description),
                SQLiteValue(checkpoint.readFrom?.description), .integer(StateCoding.now()),
            ])
        for (table, counts) in checkpoint.counts {
            try execute(
                """
                UPDATE main.martlet_table_state SET inserts = ?, updates = ?, deletes = ? \
                WHERE pipeline = ? AND id = ?
                """,
                [
                    .integer(counts.inserts), .integer(counts.updates), .integer(counts.deletes),
                    .text(pipeline), .integer(Int64(table)),
                ])
        }
    }

    func record(_ entries: [JournalEntry], _ pipeline: String) throws {
        for entry in entries {
            switch entry {
            case .chunk(let chunk): try write(chunk, pipeline)
            case .removeChunks(let table, let ids):
                for id in ids { try removeChunk(table, id, pipeline) }
            case .removeAllChunks(let table):
                try execute(
                    "DELETE FROM main.martlet_chunk WHERE pipeline = ? AND table_id = ?",
                    [.text(pipeline), .integer(Int64(table))])
            case .table(let table): try write(table, pipeline)
            }
        }
    }

    /// Counters of a row that is there already are left alone: only the checkpoint moves them, in
    /// the transaction that carries the changes; a loader knows an older total.
    func write(_ table: TableProgress, _ pipeline: String) throws {
        try execute(
            """
            INSERT INTO main.martlet_table_state VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) \
            ON CONFLICT (pipeline, id) DO UPDATE SET source_schema = excluded.source_schema, \
            source_name = excluded.source_name, target_schema = excluded.target_schema, \
            target_name = excluded.target_name, state = excluded.state, \
            rows_copied = excluded.rows_copied, rows_estimated = excluded.rows_estimated, \
            fingerprint = excluded.fingerprint, key = excluded.key
            """,
            [
                .text(pipeline), .integer(Int64(table.id)), .text(table.source.schema),
                .text(table.source.name), .text(table.target.schema), .text(table.target.name),
                .text(table.state.rawValue), .integer(table.rowsCopied),
                .integer(table.rowsEstimated), .integer(table.counts.inserts),
                .integer(table.counts.updates), .integer(table.counts.deletes),
                .text(table.fingerprint), .text(try StateCoding.json(table.key)),
            ])
    }

    private func write(_ chunk: ChunkRecord, _ pipeline: String) throws {
        try execute(
            "INSERT OR REPLACE INTO main.martlet_chunk VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [
                .text(pipeline), .integer(Int64(chunk.table)), .integer(chunk.id),
                StateCoding.encode(chunk.range.lower), StateCoding.encode(chunk.range.upper),
                SQLiteValue(chunk.isKeyChunk), SQLiteValue(chunk.seal?.snapshot?.description),
                SQLiteValue(chunk.seal?.position.description),
                SQLiteValue(chunk.seal?.closedAt.description), .integer(chunk.rows),
            ])
    }

    private func removeChunk(_ table: UInt32, _ id: Int64, _ pipeline: String) throws {
        try execute(
            "DELETE FROM main.martlet_chunk WHERE pipeline = ? AND table_id = ? AND id = ?",
            [.text(pipeline), .integer(Int64(table)), .integer(id)])
    }
}
