internal import ReplicationEngine
internal import ReplicationModel

/// Reads what is stored. Call inside one transaction, so that all of it is of one moment.
extension SQLiteSession {
    func stored(_ pipeline: String) throws -> StoredPipeline? {
        guard try knownStateVersion() > 0 else { return nil }
        let now = StateCoding.now()
        let heads = try rows(
            """
            SELECT epoch, phase, slot, publication, publication_is_given, source, configuration, \
            is_consistent, holder_host, holder_pid, holder_instance, lease_until, report_state, \
            report_received, report_confirmed, report_waiting, report_error \
            FROM martlet_pipeline WHERE name = ?
            """, [.text(pipeline)]
        ) { row in
            StoredPipeline(
                setup: try Self.setup(row), epoch: row.integer(0) ?? 0, checkpoint: nil, tables: [],
                chunks: [], holder: Self.holder(row),
                leaseIsValid: (row.integer(11) ?? 0) > now, report: Self.report(row),
                checkpointAge: nil)
        }
        guard var found = heads.first else { return nil }
        if let (checkpoint, writtenAt) = try checkpoint(pipeline) {
            found.checkpoint = checkpoint
            found.checkpointAge = max(0, Double(now - writtenAt) / 1_000_000)
        }
        found.tables = try tableStates(pipeline)
        found.chunks = try chunks(pipeline)
        return found
    }

    private static func setup(_ row: SQLiteStatement) throws -> PipelineSetup {
        guard let phase = PipelineSetup.Phase(rawValue: row.text(1) ?? "") else {
            throw unreadable("martlet_pipeline.phase")
        }
        var setup = PipelineSetup(
            phase: phase,
            capture: CaptureNames(
                slot: row.text(2) ?? "", publication: row.text(3) ?? "",
                publicationIsGiven: row.integer(4) == 1),
            source: try StateCoding.decode(SourceIdentity.self, row.text(5)),
            configuration: row.text(6) ?? "")
        setup.isConsistent = row.integer(7) == 1
        return setup
    }

    private static func holder(_ row: SQLiteStatement) -> Holder? {
        guard let host = row.text(8), let pid = row.integer(9) else { return nil }
        return Holder(
            host: host, pid: Int32(truncatingIfNeeded: pid), instance: row.text(10) ?? "")
    }

    private static func report(_ row: SQLiteStatement) -> RunReport? {
        guard let state = row.text(12).flatMap({ RunReport.State(rawValue: $0) }) else {
            return nil
        }
        var report = RunReport(state: state)
        report.received = StateCoding.position(row.text(13))
        report.confirmed = StateCoding.position(row.text(14))
        report.waiting = row.text(15)
        report.error = row.text(16)
        return report
    }

    private func checkpoint(_ pipeline: String) throws -> (Checkpoint, Int64)? {
        try rows(
            """
            SELECT position, commit_position, xid, committed_at, heartbeat_at, transactions, \
            unseen, written_at, gtids, read_from FROM martlet_checkpoint WHERE pipeline = ?
            """, [.text(pipeline)]
        ) { row in
            guard let position = StateCoding.position(row.text(0)),
                let commit = StateCoding.position(row.text(1))
            else { throw Self.unreadable("martlet_checkpoint.position") }
            var checkpoint = Checkpoint(position: position, commitPosition: commit)
            checkpoint.xid = UInt32(truncatingIfNeeded: row.integer(2) ?? 0)
            checkpoint.committedAt = row.integer(3)
            checkpoint.heartbeatAt = row.integer(4)
            checkpoint.transactions = row.integer(5) ?? 0
            checkpoint.unseen = StateCoding.ids(row.text(6))
            checkpoint.gtids = try row.text(8).map { try set($0, "gtids") }
            checkpoint.readFrom = try row.text(9).map { try set($0, "read_from") }
            return (checkpoint, row.integer(7) ?? 0)
        }.first
    }

    private func set(_ text: String, _ column: String) throws -> GTIDSet {
        guard let set = GTIDSet(parsing: text) else {
            throw Self.unreadable("martlet_checkpoint.\(column)")
        }
        return set
    }

    private func tableStates(_ pipeline: String) throws -> [TableProgress] {
        try rows(
            """
            SELECT id, source_schema, source_name, target_schema, target_name, state, rows_copied, \
            rows_estimated, inserts, updates, deletes, fingerprint, key \
            FROM martlet_table_state WHERE pipeline = ? ORDER BY source_schema, source_name, id
            """, [.text(pipeline)]
        ) { row in
            guard let state = TableProgress.State(rawValue: row.text(5) ?? "") else {
                throw Self.unreadable("martlet_table_state.state")
            }
            var table = TableProgress(
                id: UInt32(truncatingIfNeeded: row.integer(0) ?? 0),
                source: TableName(schema: row.text(1) ?? "", name: row.text(2) ?? ""),
                target: TableName(schema: row.text(3) ?? "", name: row.text(4) ?? ""), state: state)
            table.rowsCopied = row.integer(6) ?? 0
            table.rowsEstimated = row.integer(7) ?? 0
            table.counts.inserts = row.integer(8) ?? 0
            table.counts.updates = row.integer(9) ?? 0
            table.counts.deletes = row.integer(10) ?? 0
            table.fingerprint = row.text(11) ?? ""
            table.key = try StateCoding.decode([String].self, row.text(12))
            return table
        }
    }

    private func chunks(_ pipeline: String) throws -> [ChunkRecord] {
        try rows(
            """
            SELECT table_id, id, lower, upper, is_key_chunk, snapshot, position, closed_at, rows \
            FROM martlet_chunk WHERE pipeline = ? ORDER BY table_id, id
            """, [.text(pipeline)]
        ) { row in
            ChunkRecord(
                table: UInt32(truncatingIfNeeded: row.integer(0) ?? 0), id: row.integer(1) ?? 0,
                range: KeyRange(
                    after: StateCoding.key(row.bytes(2)), through: StateCoding.key(row.bytes(3))),
                isKeyChunk: row.integer(4) == 1, seal: try Self.seal(row), rows: row.integer(8) ?? 0
            )
        }
    }

    private static func seal(_ row: SQLiteStatement) throws -> ChunkSeal? {
        guard let text = row.text(6) else { return nil }
        let snapshot = row.text(5).flatMap { SourceSnapshot(parsing: $0) }
        guard let position = StateCoding.position(text), (snapshot == nil) == row.isNull(5),
            let closedAt = StateCoding.position(row.text(7))
        else { throw unreadable("martlet_chunk") }
        return ChunkSeal(snapshot: snapshot, position: position, closedAt: closedAt)
    }

    private static func unreadable(_ place: String) -> ReplicationError {
        ReplicationError(
            .unfitSchema, "read Martlet's tables", why: "\(place) holds something unknown",
            try: "martlet run PIPELINE --fresh")
    }
}
