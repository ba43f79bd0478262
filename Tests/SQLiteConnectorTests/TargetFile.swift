import Foundation
import ReplicationEngine
import ReplicationModel

@testable import SQLiteConnector

/// A target on a file of the test's own, acquired, with tables made from routes.
final class TargetFile {
    let directory: URL
    let path: String
    let target: SQLiteTarget
    static let me = Holder(host: "here", pid: getpid(), instance: "first")

    init(_ routes: [TableRoute] = [], acquired: Bool = true) throws {
        directory = FileManager.default.temporaryDirectory
            .appending(path: "martlet-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        path = directory.appending(path: "target.db").path
        target = SQLiteTarget(path: path, busySeconds: 0.2)
        guard acquired else { return }
        try target.prepare()
        _ = try target.acquire(pipeline: "p", setup: Self.setup, holder: Self.me, lease: 10)
        let plan = try target.schemaPlan(routes, prerequisites: [])
        if let problem = plan.problems.first { throw problem }
        try target.run(plan.beforeRows + plan.whenConsistent, tables: [])
    }

    deinit { try? FileManager.default.removeItem(at: directory) }

    static var setup: PipelineSetup {
        PipelineSetup(
            phase: .creatingSlot, capture: CaptureNames(slot: "s", publication: "b"),
            source: SourceIdentity(
                systemIdentifier: "7", timeline: 1, database: "shop", databaseID: 5, version: "17"),
            configuration: "{}")
    }

    /// All rows of a query, values joined with `|`, as `quote()` writes them.
    func rows(_ sql: String) throws -> [String] {
        let session = try SQLiteSession(path: path, access: .readOnly, busySeconds: 1)
        return try session.rows(sql) { $0.text(0) ?? "NULL" }
    }

    func quoted(_ table: String, _ columns: [String], order: String = "1") throws -> [String] {
        let list = columns.map { "quote(\"\($0)\")" }.joined(separator: " || '|' || ")
        return try rows("SELECT \(list) FROM \"\(table)\" ORDER BY \(order)")
    }

    /// Statements of another program on the same file.
    func elsewhere(_ sql: String) throws {
        try SQLiteSession(path: path, access: .readWrite, busySeconds: 1).run(sql)
    }
}

// MARK: Routes

extension Column {
    init(_ name: String, _ kind: ValueKind, isNullable: Bool = true) {
        self.init(
            name: name,
            type: ColumnType(
                declaration: kind.rawValue, castName: "", id: 0, modifier: -1, kind: kind),
            isNullable: isNullable)
    }
}

func route(
    _ name: String, _ columns: [Column], key: [String] = ["id"], id: UInt32 = 1,
    unique: [[String]] = [], _ change: (inout TableSchema) -> Void = { _ in }
) -> TableRoute {
    let primary = Index(
        name: "\(name)_pkey", columns: key, isUnique: true, isConstraint: true,
        definition: "PRIMARY KEY (\(key.joined(separator: ", ")))")
    var schema = TableSchema(
        id: id, name: TableName(schema: "public", name: name), columns: columns,
        replicaIdentity: key.isEmpty ? .full : .primaryKey, primaryKey: key.isEmpty ? nil : primary)
    schema.indexes = unique.map { columns in
        Index(
            name: "\(name)_\(columns.joined())_key", columns: columns, isUnique: true,
            isConstraint: true,
            definition: "UNIQUE (\(columns.joined(separator: ", "))) DEFERRABLE INITIALLY DEFERRED")
    }
    change(&schema)
    let carried = schema.carriedColumns
    return TableRoute(
        source: schema, target: SQLiteTarget.name(of: schema.name), columns: carried,
        key: key.compactMap { name in carried.firstIndex { $0.name == name } })
}

// MARK: Batches

/// What a column of a test's row holds.
enum Field: ExpressibleByStringLiteral, ExpressibleByNilLiteral {
    case text(String), null, unchanged

    init(stringLiteral value: String) { self = .text(value) }
    init(nilLiteral: ()) { self = .null }
}

struct BatchBuilder {
    var batch = ChangeBatch()
    private var position: UInt64 = 0

    init(tables: Int = 1) {
        for index in 0..<tables {
            batch.tables.append(
                LoggedTable(
                    id: UInt32(index + 1), name: TableName(schema: "public", name: "t\(index)"),
                    columns: [], isFull: false))
        }
    }

    mutating func transaction(_ body: (inout BatchBuilder) -> Void) {
        let first = batch.changes.count
        body(&self)
        position += 0x100
        batch.transactions.append(
            TransactionMark(
                xid: 1, commitPosition: LogPosition(rawValue: position),
                endPosition: LogPosition(rawValue: position + 1), commitTime: 0,
                changes: first..<batch.changes.count))
    }

    private mutating func row(_ fields: [Field]) -> Int32 {
        let start = Int32(batch.values.count)
        for field in fields {
            switch field {
            case .null: batch.values.append(.null)
            case .unchanged: batch.values.append(.unchanged)
            case .text(let text):
                let value = Array(text.utf8).withUnsafeBytes { batch.append($0) }
                batch.values.append(value)
            }
        }
        return start
    }

    private mutating func add(
        _ operation: Change.Operation, _ table: Int, _ old: [Field]?, _ new: [Field]?, whole: Bool
    ) {
        var change = Change(operation: operation, table: Int32(table))
        change.oldIsWhole = whole
        if let old { change.oldRow = row(old) }
        if let new { change.newRow = row(new) }
        batch.changes.append(change)
    }

    mutating func insert(_ new: [Field], table: Int = 0) {
        add(.insert, table, nil, new, whole: false)
    }

    mutating func update(_ new: [Field], old: [Field]? = nil, whole: Bool = false, table: Int = 0) {
        add(.update, table, old, new, whole: whole)
    }

    mutating func delete(_ old: [Field], whole: Bool = false, table: Int = 0) {
        add(.delete, table, old, nil, whole: whole)
    }

    mutating func truncate(table: Int = 0) { add(.truncate, table, nil, nil, whole: false) }
}

func batch(tables: Int = 1, _ body: (inout BatchBuilder) -> Void) -> ChangeBatch {
    var builder = BatchBuilder(tables: tables)
    body(&builder)
    return builder.batch
}

extension TargetFile {
    /// Applies a batch in one transaction of the target.
    @discardableResult
    func apply(
        _ batch: ChangeBatch, _ routes: [TableRoute], actions: [ChangeAction]? = nil
    ) throws -> [ChangeCounts] {
        let applier = try target.openApplier(routes, label: "test")
        defer { applier.close() }
        var counts = Array(repeating: ChangeCounts(), count: routes.count)
        try applier.begin()
        try applier.apply(
            batch, range: 0..<batch.changes.count, actions: actions,
            routes: Array(routes.indices), counts: &counts)
        try applier.commit(nil, durable: true)
        return counts
    }

    func load(_ text: String, _ route: TableRoute) throws {
        let applier = try target.openApplier([route], label: "load")
        defer { applier.close() }
        try applier.begin()
        try applier.beginRows(route: 0, format: .copyText)
        try Array(text.utf8).withUnsafeBytes { try applier.writeRows($0) }
        _ = try applier.endRows()
        try applier.commit(nil, durable: false)
    }
}

/// The error that `body` throws, as the engine sees it.
func failure(_ body: () throws -> Void) -> ReplicationError? {
    do { try body() } catch { return error as? ReplicationError }
    return nil
}
