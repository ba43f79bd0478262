internal import Foundation
internal import ReplicationEngine
internal import ReplicationModel

/// The forms in which Martlet's tables keep what has no SQL type.
enum MySQLStateCoding {
    /// Hexadecimal values with commas between: exact for any bytes.
    static func text(_ key: Key?) -> String? {
        key?.values.map { $0.map { hex($0) }.joined() }.joined(separator: ",")
    }

    /// Nil if it is not such a text.
    static func key(parsing text: String) -> Key? {
        var values: [[UInt8]] = []
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            guard let bytes = bytes(parsing: part) else { return nil }
            values.append(bytes)
        }
        return Key(values)
    }

    private static func hex(_ byte: UInt8) -> String {
        (byte < 16 ? "0" : "") + String(byte, radix: 16)
    }

    private static func bytes(parsing text: Substring) -> [UInt8]? {
        let digits = text.utf8.map { Character(UnicodeScalar($0)).hexDigitValue }
        guard digits.count % 2 == 0, !digits.contains(nil) else { return nil }
        return stride(from: 0, to: digits.count, by: 2).map {
            UInt8((digits[$0] ?? 0) << 4 | (digits[$0 + 1] ?? 0))
        }
    }

    static func json(_ value: some Encodable) throws -> String {
        String(decoding: try JSONEncoder().encode(value), as: UTF8.self)
    }
}

/// Writes checkpoint, journal and table states, inside a transaction of the caller's that has
/// passed `MySQLFence.check`; none of them begins or ends one.
struct MySQLState {
    let connection: MySQLConnection
    let fence: MySQLFence

    private var pipeline: String { SQLText.literal(fence.pipeline) }

    /// Journal entries in order.
    func write(_ entries: [JournalEntry]) throws {
        for entry in entries {
            switch entry {
            case .chunk(let chunk): try write(chunk)
            case .removeChunks(let table, let ids): try remove(ids, of: table)
            case .removeAllChunks(let table):
                try connection.run(
                    "DELETE FROM \(fence.place.table("chunk")) WHERE pipeline = \(pipeline) "
                        + "AND table_id = \(table)")
            case .table(let table): try write(table)
            }
        }
    }

    /// The lock of the epoch check is held: no other epoch can come in between.
    func write(_ checkpoint: Checkpoint) throws {
        if !checkpoint.counts.isEmpty { try write(checkpoint.counts) }
        let unseen = checkpoint.unseen.map(\.description).joined(separator: ",")
        try upsert(
            "checkpoint",
            [
                ("pipeline", pipeline),
                ("position", SQLText.literal(checkpoint.position.description)),
                ("commit_position", SQLText.literal(checkpoint.commitPosition.description)),
                ("xid", String(checkpoint.xid)),
                ("committed_at", SQLText.literal(checkpoint.committedAt)),
                ("heartbeat_at", SQLText.literal(checkpoint.heartbeatAt)),
                ("transactions", String(checkpoint.transactions)),
                ("unseen", SQLText.literal(unseen)),
                ("gtids", SQLText.literal(checkpoint.gtids?.description)),
                ("read_from", SQLText.literal(checkpoint.readFrom?.description)),
                ("applied_at", "NOW(6)"),
            ])
    }

    /// All tables in one statement: a transaction pays for the way to the server, not for the rows.
    private func write(_ counts: [UInt32: ChangeCounts]) throws {
        let ordered = counts.sorted { $0.key < $1.key }
        func column(_ name: String, _ count: (ChangeCounts) -> Int64) -> String {
            let cases = ordered.map { "WHEN \($0.key) THEN \(count($0.value))" }
            return "\(name) = CASE id \(cases.joined(separator: " ")) END"
        }
        let set = [
            column("inserts", \.inserts), column("updates", \.updates),
            column("deletes", \.deletes),
        ]
        try connection.run(
            "UPDATE \(fence.place.table("table_state")) SET \(SQLText.list(set)) WHERE pipeline = "
                + "\(pipeline) AND id IN (\(SQLText.list(ordered.map { String($0.key) })))")
    }

    private func remove(_ ids: [Int64], of table: UInt32) throws {
        guard !ids.isEmpty else { return }
        try connection.run(
            "DELETE FROM \(fence.place.table("chunk")) WHERE pipeline = \(pipeline) AND "
                + "table_id = \(table) AND id IN (\(SQLText.list(ids.map { String($0) })))")
    }

    private func write(_ chunk: ChunkRecord) throws {
        try upsert(
            "chunk",
            [
                ("pipeline", pipeline), ("table_id", String(chunk.table)),
                ("id", String(chunk.id)),
                ("lower_bound", SQLText.literal(MySQLStateCoding.text(chunk.range.lower))),
                ("upper_bound", SQLText.literal(MySQLStateCoding.text(chunk.range.upper))),
                ("is_key_chunk", SQLText.literal(chunk.isKeyChunk)),
                ("snapshot", SQLText.literal(chunk.seal?.snapshot?.description)),
                ("position", SQLText.literal(chunk.seal?.position.description)),
                ("closed_at", SQLText.literal(chunk.seal?.closedAt.description)),
                ("row_count", String(chunk.rows)),
            ])
    }

    /// Counters of a row that is there already are left alone: only the checkpoint moves them, in
    /// the transaction that carries the changes; a loader knows an older total.
    private func write(_ table: TableProgress) throws {
        try upsert(
            "table_state",
            [
                ("pipeline", pipeline), ("id", String(table.id)),
                ("source_schema", SQLText.literal(table.source.schema)),
                ("source_name", SQLText.literal(table.source.name)),
                ("target_schema", SQLText.literal(table.target.schema)),
                ("target_name", SQLText.literal(table.target.name)),
                ("state", SQLText.literal(table.state.rawValue)),
                ("rows_copied", String(table.rowsCopied)),
                ("rows_estimated", String(table.rowsEstimated)),
                ("inserts", String(table.counts.inserts)),
                ("updates", String(table.counts.updates)),
                ("deletes", String(table.counts.deletes)),
                ("fingerprint", SQLText.literal(table.fingerprint)),
                ("key_columns", SQLText.literal(try MySQLStateCoding.json(table.key))),
            ], keeping: ["inserts", "updates", "deletes"])
    }

    /// The tables have one unique key each: there is no other one that ON DUPLICATE KEY could mean
    /// (A29).
    private func upsert(
        _ table: String, _ values: [(column: String, literal: String)], keeping: Set<String> = []
    ) throws {
        let columns = values.map { SQLText.name($0.column) }
        let changed = values.filter { !keeping.contains($0.column) }
        let set = changed.map { "\(SQLText.name($0.column)) = \($0.literal)" }
        try connection.run(
            "INSERT INTO \(fence.place.table(table)) (\(SQLText.list(columns))) VALUES "
                + "(\(SQLText.list(values.map(\.literal)))) ON DUPLICATE KEY UPDATE "
                + SQLText.list(set))
    }
}
