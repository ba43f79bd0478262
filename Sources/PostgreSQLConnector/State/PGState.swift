package import ReplicationEngine
internal import ReplicationModel

/// The statements that write checkpoint, journal and table states.
///
/// All run inside a transaction of the caller's that has passed `PGFence.check`; none of them
/// begins or ends one. They are values, so that an applier can send them in one flight.
package enum PGState {
    package struct Statement: Sendable, Equatable {
        /// Constant for every kind of entry: worth preparing.
        package var sql: String
        package var parameters: [String?]
        /// How many rows it must touch; nil when that depends on what is there. Another number for
        /// the checkpoint means that the epoch is not ours any more.
        package var expectedRows: Int64?
    }

    /// Writes journal entries in order.
    package static func write(
        _ entries: [JournalEntry], pipeline: String, on connection: PGConnection
    ) throws {
        for entry in entries {
            let statement = statement(for: entry, pipeline: pipeline)
            try connection.query(statement.sql, statement.parameters)
        }
    }

    /// Writes the checkpoint and the counters it carries; throws `.fenced` if the epoch is not
    /// ours.
    package static func write(
        _ checkpoint: Checkpoint, fence: PGFence, on connection: PGConnection
    ) throws {
        for statement in statements(for: checkpoint, fence: fence) {
            let rows = try connection.query(statement.sql, statement.parameters).affectedRows
            if let expected = statement.expectedRows, rows != expected { throw fence.violation }
        }
    }

    /// Counters first: the statement that names the epoch is the last one before COMMIT.
    package static func statements(for checkpoint: Checkpoint, fence: PGFence) -> [Statement] {
        let place = Statement(
            sql: checkpointSQL, parameters: fence.parameters + parameters(of: checkpoint),
            expectedRows: 1)
        guard !checkpoint.counts.isEmpty else { return [place] }
        return [counters(checkpoint.counts, pipeline: fence.pipeline), place]
    }

    /// What was converted, added to what was before: the load and the stream count in transactions
    /// of their own. Always in one order, so that two of them never wait for each other.
    static func statements(
        for counts: [LossyConversions.Kind: Int64], fence: PGFence
    ) -> [Statement] {
        counts.sorted { $0.key.rawValue < $1.key.rawValue }.map { kind, count in
            Statement(sql: lossySQL, parameters: [fence.pipeline, kind.rawValue, String(count)])
        }
    }

    private static let lossySQL = """
        INSERT INTO martlet.lossy AS l (pipeline, kind, converted) VALUES ($1, $2, $3::bigint) \
        ON CONFLICT (pipeline, kind) DO UPDATE SET converted = l.converted + excluded.converted
        """

    package static func statement(for entry: JournalEntry, pipeline: String) -> Statement {
        switch entry {
        case .chunk(let chunk):
            Statement(
                sql: chunkSQL, parameters: [pipeline] + parameters(of: chunk), expectedRows: 1)
        case .removeChunks(let table, let ids):
            Statement(
                sql: removeChunksSQL,
                parameters: [pipeline, String(table), PGArray.literal(ids.map(String.init))])
        case .removeAllChunks(let table):
            Statement(sql: removeAllChunksSQL, parameters: [pipeline, String(table)])
        case .table(let table):
            Statement(
                sql: tableSQL, parameters: [pipeline] + parameters(of: table), expectedRows: 1)
        }
    }
}

// MARK: Checkpoint

extension PGState {
    private static let checkpointSQL = """
        INSERT INTO martlet.checkpoint AS c (pipeline, position, commit_position, xid, \
        committed_at, heartbeat_at, transactions, unseen, gtids, read_from, applied_at) \
        SELECT name, $3, $4, $5::bigint, $6::bigint, $7::bigint, $8::bigint, $9, $10, $11, \
        clock_timestamp() \
        FROM martlet.pipeline WHERE name = $1 AND epoch = $2::bigint \
        ON CONFLICT (pipeline) DO UPDATE SET position = excluded.position, \
        commit_position = excluded.commit_position, xid = excluded.xid, \
        committed_at = excluded.committed_at, heartbeat_at = excluded.heartbeat_at, \
        transactions = excluded.transactions, unseen = excluded.unseen, \
        gtids = excluded.gtids, read_from = excluded.read_from, applied_at = excluded.applied_at
        """

    private static func parameters(of checkpoint: Checkpoint) -> [String?] {
        [
            checkpoint.position.description, checkpoint.commitPosition.description,
            String(checkpoint.xid), checkpoint.committedAt.map(String.init),
            checkpoint.heartbeatAt.map(String.init), String(checkpoint.transactions),
            checkpoint.unseen.map(\.description).joined(separator: ","),
            checkpoint.gtids?.description, checkpoint.readFrom?.description,
        ]
    }

    private static let countersSQL = """
        UPDATE martlet.table_state t SET inserts = v.i, updates = v.u, deletes = v.d \
        FROM unnest($2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[]) AS v(id, i, u, d) \
        WHERE t.pipeline = $1 AND t.id = v.id
        """

    private static func counters(_ counts: [UInt32: ChangeCounts], pipeline: String) -> Statement {
        let ordered = counts.sorted { $0.key < $1.key }
        let columns = [
            ordered.map { String($0.key) }, ordered.map { String($0.value.inserts) },
            ordered.map { String($0.value.updates) }, ordered.map { String($0.value.deletes) },
        ]
        return Statement(
            sql: countersSQL, parameters: [pipeline] + columns.map { PGArray.literal($0) })
    }
}

// MARK: Journal

extension PGState {
    private static let chunkSQL = """
        INSERT INTO martlet.chunk (pipeline, table_id, id, lower, upper, is_key_chunk, snapshot, \
        position, closed_at, rows) VALUES ($1, $2::bigint, $3::bigint, $4::text[], $5::text[], \
        $6::boolean, $7, $8, $9, $10::bigint) \
        ON CONFLICT (pipeline, table_id, id) DO UPDATE SET lower = excluded.lower, \
        upper = excluded.upper, is_key_chunk = excluded.is_key_chunk, \
        snapshot = excluded.snapshot, position = excluded.position, \
        closed_at = excluded.closed_at, rows = excluded.rows
        """

    private static let removeChunksSQL = """
        DELETE FROM martlet.chunk WHERE pipeline = $1 AND table_id = $2::bigint \
        AND id = ANY ($3::bigint[])
        """

    private static let removeAllChunksSQL =
        "DELETE FROM martlet.chunk WHERE pipeline = $1 AND table_id = $2::bigint"

    /// Counters of a row that is there already are left alone: only the checkpoint moves them, in
    /// the transaction that carries the changes; a loader knows an older total.
    private static let tableSQL = """
        INSERT INTO martlet.table_state (pipeline, id, source_schema, source_name, target_schema, \
        target_name, state, rows_copied, rows_estimated, inserts, updates, deletes, \
        fingerprint, key) \
        VALUES ($1, $2::bigint, $3, $4, $5, $6, $7, $8::bigint, $9::bigint, $10::bigint, \
        $11::bigint, $12::bigint, $13, $14::text[]) \
        ON CONFLICT (pipeline, id) DO UPDATE SET source_schema = excluded.source_schema, \
        source_name = excluded.source_name, target_schema = excluded.target_schema, \
        target_name = excluded.target_name, state = excluded.state, \
        rows_copied = excluded.rows_copied, rows_estimated = excluded.rows_estimated, \
        fingerprint = excluded.fingerprint, key = excluded.key
        """

    private static func parameters(of chunk: ChunkRecord) -> [String?] {
        [
            String(chunk.table), String(chunk.id),
            chunk.range.lower.map { PGArray.literal($0.texts) },
            chunk.range.upper.map { PGArray.literal($0.texts) }, chunk.isKeyChunk ? "t" : "f",
            chunk.seal?.snapshot?.description, chunk.seal?.position.description,
            chunk.seal?.closedAt.description, String(chunk.rows),
        ]
    }

    private static func parameters(of table: TableProgress) -> [String?] {
        [
            String(table.id), table.source.schema, table.source.name, table.target.schema,
            table.target.name, table.state.rawValue, String(table.rowsCopied),
            String(table.rowsEstimated), String(table.counts.inserts), String(table.counts.updates),
            String(table.counts.deletes), table.fingerprint, PGArray.literal(table.key),
        ]
    }
}
