import PostgreSQLConnector
import ReplicationEngine
import ReplicationModel

/// A row as tests write it: nil is NULL.
typealias TestRow = [String?]

/// A target with Martlet's tables and one pipeline, and appliers for tables in any schema of it.
final class ApplyFixture {
    let database: TestDatabase
    let connection: PGConnection
    let fence = PGFence(pipeline: "shop", epoch: 7)

    init(on server: String = "pg17") throws {
        database = try TestDatabase(on: server)
        connection = try database.connect()
        try connection.run(
            """
            CREATE SCHEMA martlet; CREATE TABLE martlet.pipeline (name text PRIMARY KEY, \
            epoch bigint NOT NULL); INSERT INTO martlet.pipeline VALUES ('shop', 7); \
            CREATE TABLE martlet.checkpoint (pipeline text PRIMARY KEY, position text NOT NULL, \
            commit_position text NOT NULL, xid bigint NOT NULL, committed_at bigint, \
            heartbeat_at bigint, transactions bigint NOT NULL, unseen text NOT NULL, gtids text, \
            read_from text, applied_at timestamptz NOT NULL) WITH (fillfactor = 50)
            """)
    }

    func applier(_ routes: [TableRoute], net: Bool = true) throws -> PGApplier {
        try PGApplier(
            connection: try database.connect(.target), fence: fence, routes: routes, mayNet: net)
    }

    /// Everything in the tables named, as text, for comparison.
    func content(_ schema: String, _ tables: [String]) throws -> [String: String] {
        var content: [String: String] = [:]
        for table in tables {
            content[table] =
                try connection.run(
                    "SELECT string_agg(t::text, E'\\n' ORDER BY t::text) FROM \(schema).\(table) t"
                ).text(0, 0) ?? ""
        }
        return content
    }

    /// A route from `schema.table`'s own columns to the same name in another schema.
    func route(
        _ table: String, from schema: String, to target: String, key: [String],
        without: [String] = [],
        id: UInt32 = 1
    ) throws -> TableRoute {
        let rows = try connection.query(
            """
            SELECT a.attname, format_type(a.atttypid, a.atttypmod), a.atttypid::bigint, \
            a.atttypmod, t.typname, t.typtype \
            FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid \
            WHERE a.attrelid = to_regclass($1) AND attnum > 0 AND NOT attisdropped \
            AND attgenerated = '' ORDER BY attnum
            """, ["\(schema.quotedIdentifier).\(table.quotedIdentifier)"])
        let columns = (0..<rows.rowCount).map { row in
            Column(
                name: rows.text(row, 0) ?? "",
                type: ColumnType(
                    declaration: rows.text(row, 1) ?? "", castName: rows.text(row, 4) ?? "",
                    id: UInt32(rows.integer(row, 2) ?? 0),
                    modifier: Int32(rows.integer(row, 3) ?? -1),
                    kind: Self.kind(rows.text(row, 4) ?? "", rows.text(row, 5) ?? "")))
        }.filter { !without.contains($0.name) }
        let source = TableSchema(
            id: id, name: TableName(schema: schema, name: table), columns: columns,
            replicaIdentity: key.isEmpty ? .full : .primaryKey)
        let places = key.compactMap { name in columns.firstIndex { $0.name == name } }
        return TableRoute(
            source: source, target: TableName(schema: target, name: table), columns: columns,
            key: places)
    }

    private static func kind(_ name: String, _ category: String) -> ValueKind {
        if category == "e" { return .enumeration }
        let kinds: [String: ValueKind] = [
            "int2": .int16, "int4": .int32, "int8": .int64, "text": .text, "varchar": .text,
            "bpchar": .fixedText, "numeric": .numeric, "float8": .float64, "float4": .float32,
            "uuid": .uuid, "bool": .boolean, "date": .date, "timestamp": .timestamp,
            "timestamptz": .timestampWithZone, "bytea": .bytes, "bit": .bits, "varbit": .bits,
        ]
        return kinds[name] ?? .other
    }
}

/// Builds a batch as the decoder would.
struct BatchBuilder {
    var batch = ChangeBatch()
    private var first = 0
    private var nextPosition: UInt64 = 0x1000
    private var statement: UInt32 = 0

    /// A value of an after-image that the log did not repeat.
    static let unchanged = "\u{1}unchanged"

    init(_ routes: [TableRoute]) {
        for route in routes {
            batch.tables.append(
                LoggedTable(
                    id: route.source.id, name: route.source.name,
                    columns: route.columns.map {
                        LoggedTable.Column(
                            name: $0.name, typeID: $0.type.id, modifier: $0.type.modifier,
                            isIdentity: false)
                    }, isFull: route.isKeyless))
        }
    }

    private mutating func row(_ values: TestRow) -> Int32 {
        let start = Int32(batch.values.count)
        for value in values {
            switch value {
            case nil: batch.values.append(.null)
            case Self.unchanged: batch.values.append(.unchanged)
            case let text?:
                batch.values.append(Array(text.utf8).withUnsafeBytes { batch.append($0) })
            }
        }
        return start
    }

    mutating func insert(_ table: Int, _ new: TestRow) {
        var change = Change(operation: .insert, table: Int32(table))
        change.newRow = row(new)
        batch.changes.append(change)
    }

    mutating func update(_ table: Int, old: TestRow? = nil, whole: Bool = false, _ new: TestRow) {
        var change = Change(operation: .update, table: Int32(table))
        if let old { change.oldRow = row(old) }
        change.oldIsWhole = whole
        change.newRow = row(new)
        batch.changes.append(change)
    }

    mutating func delete(_ table: Int, _ old: TestRow, whole: Bool = false) {
        var change = Change(operation: .delete, table: Int32(table))
        change.oldRow = row(old)
        change.oldIsWhole = whole
        batch.changes.append(change)
    }

    mutating func truncate(_ tables: [Int], restart: Bool = false) {
        statement += 1
        for table in tables {
            var change = Change(operation: .truncate, table: Int32(table))
            change.statement = statement
            change.restartsIdentity = restart
            batch.changes.append(change)
        }
    }

    /// Ends a transaction that holds everything since the last one.
    mutating func commit() {
        batch.transactions.append(
            TransactionMark(
                xid: 700, commitPosition: LogPosition(rawValue: nextPosition),
                endPosition: LogPosition(rawValue: nextPosition + 0x30), commitTime: 0,
                changes: first..<batch.changes.count))
        first = batch.changes.count
        nextPosition += 0x100
    }
}

extension PGApplier {
    /// Applies a whole batch in one target transaction and commits.
    @discardableResult
    func run(_ batch: ChangeBatch, actions: [ChangeAction]? = nil) throws -> [ChangeCounts] {
        var counts = Array(repeating: ChangeCounts(), count: batch.tables.count)
        try begin()
        do {
            try apply(
                batch, range: batch.changes.indices, actions: actions,
                routes: Array(batch.tables.indices), counts: &counts)
            try commit(
                Checkpoint(position: LogPosition(rawValue: 2), commitPosition: .zero),
                durable: false)
        } catch {
            rollback()
            throw error
        }
        return counts
    }
}

/// SplitMix64: the same sequence for the same seed everywhere.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}

extension String {
    /// A literal for SQL that tests write themselves.
    var quotedLiteral: String {
        (contains("\\") ? "E" : "") + "'"
            + replacing("\\", with: "\\\\").replacing("'", with: "''") + "'"
    }
}

extension Optional<String> {
    var quotedLiteral: String { map(\.quotedLiteral) ?? "NULL" }
}

extension BatchBuilder {
    /// Rows 1 and 2 of `(id, k)` take each other's k by way of 9: one by one no two rows ever share
    /// one, the net change alone meets it twice.
    static func swappingUniqueValues(of route: TableRoute) -> ChangeBatch {
        var builder = BatchBuilder([route])
        builder.update(0, ["1", "9"])
        builder.update(0, ["2", "1"])
        builder.update(0, ["1", "2"])
        builder.commit()
        return builder.batch
    }
}
