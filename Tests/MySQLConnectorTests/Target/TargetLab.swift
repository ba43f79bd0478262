import Foundation
import ReplicationEngine
import ReplicationModel

@testable import MySQLConnector

/// A row as tests write it: nil is NULL.
typealias TestRow = [String?]

/// A target with a state database of the test's own.
final class TargetLab {
    let server: TestServer
    let target: MySQLTarget
    let connection: MySQLConnection
    var stateDatabase: String { server.name + "_state" }

    init(on name: String, acquires: Bool = true, lease: Double = 30) throws {
        server = try TestServer(on: name)
        connection = try server.connect(.target)
        target = MySQLTarget(
            url: server.url, password: nil, stateDatabase: server.name + "_state")
        guard acquires else { return }
        try target.prepare()
        _ = try target.acquire(
            pipeline: "shop", setup: Self.setup, holder: Self.holder("a", host: "elsewhere"),
            lease: lease)
    }

    deinit {
        target.close()
        do {
            try TestServer.administrator(server.server).run(
                "DROP DATABASE IF EXISTS \(stateDatabase)")
        } catch {
            FileHandle.standardError.write(Data("cannot drop \(stateDatabase): \(error)\n".utf8))
        }
    }

    static var setup: PipelineSetup {
        PipelineSetup(
            phase: .creatingSlot, capture: CaptureNames(slot: "s", publication: "p"),
            source: SourceIdentity(
                systemIdentifier: "7300000000000000001", timeline: 3, database: "da\"tä",
                databaseID: 4_000_000_000, version: "17.11"),
            configuration: #"{"tables":["public.a"], "x": "it's \\ so"}"#)
    }

    static func holder(
        _ instance: String, host: String = "here", pid: Int32 = getpid()
    ) -> Holder { Holder(host: host, pid: pid, instance: instance) }

    /// Another process's view of the same pipeline.
    func other() -> MySQLTarget {
        MySQLTarget(url: server.url, password: nil, stateDatabase: stateDatabase)
    }

    func route(
        _ name: String, _ columns: [Column], key: [String] = ["id"], id: UInt32 = 1,
        _ change: (inout TableSchema) -> Void = { _ in }
    ) -> TableRoute {
        let primary = Index(
            name: "\(name)_pkey", columns: key, isUnique: true, isConstraint: true,
            definition: "PRIMARY KEY (\(key.joined(separator: ", ")))")
        var schema = TableSchema(
            id: id, name: TableName(schema: "public", name: name), columns: columns,
            replicaIdentity: key.isEmpty ? .full : .primaryKey,
            primaryKey: key.isEmpty ? nil : primary)
        change(&schema)
        return TableRoute(
            source: schema, target: TableName(schema: server.name, name: name),
            columns: schema.carriedColumns,
            key: key.compactMap { name in
                schema.carriedColumns.firstIndex { $0.name == name }
            })
    }

    /// Makes what the plan says, all phases.
    func make(_ routes: [TableRoute]) throws {
        let plan = try target.schemaPlan(routes, prerequisites: [])
        if let problem = plan.problems.first { throw problem }
        let after = plan.afterRows.sorted { $0.key < $1.key }.flatMap(\.value)
        try target.run(plan.beforeRows + after + plan.whenConsistent, tables: [])
    }

    func applier(_ routes: [TableRoute]) throws -> MySQLApplier {
        guard let applier = try target.openApplier(routes, label: "test") as? MySQLApplier else {
            throw ReplicationError(.internalFault, "open an applier", why: "it is another one")
        }
        return applier
    }

    /// All rows in the order of their texts, `NULL` for NULL.
    func rows(_ table: String, _ columns: String = "*") throws -> [String] {
        try connection.query("SELECT \(columns) FROM \(server.name).\(table)").rows
            .map { $0.map { $0 ?? "NULL" }.joined(separator: "|") }.sorted()
    }
}

extension Column {
    init(_ name: String, _ type: String, _ kind: ValueKind, null: Bool = true) {
        self.init(
            name: name,
            type: ColumnType(declaration: type, castName: "", id: 0, modifier: -1, kind: kind),
            isNullable: null)
    }

    static let id = Column("id", "integer", .int32, null: false)
}

func failure(_ body: () throws -> Void) -> ReplicationError? {
    do { try body() } catch { return error as? ReplicationError }
    return nil
}

/// Builds a batch as the decoder would.
struct BatchBuilder {
    var batch = ChangeBatch()
    private var first = 0
    private var nextPosition: UInt64 = 0x1000

    /// A value of an after-image that the log did not repeat.
    static let unchanged = "\u{1}unchanged"

    init(_ routes: [TableRoute]) {
        for route in routes {
            batch.tables.append(
                LoggedTable(
                    id: route.source.id, name: route.source.name,
                    columns: route.columns.map {
                        LoggedTable.Column(
                            name: $0.name, typeID: 0, modifier: -1, isIdentity: false)
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

    mutating func insert(_ new: TestRow, table: Int = 0) {
        var change = Change(operation: .insert, table: Int32(table))
        change.newRow = row(new)
        batch.changes.append(change)
    }

    mutating func update(
        old: TestRow? = nil, whole: Bool = false, _ new: TestRow, table: Int = 0
    ) {
        var change = Change(operation: .update, table: Int32(table))
        if let old { change.oldRow = row(old) }
        change.oldIsWhole = whole
        change.newRow = row(new)
        batch.changes.append(change)
    }

    mutating func delete(_ old: TestRow, whole: Bool = false, table: Int = 0) {
        var change = Change(operation: .delete, table: Int32(table))
        change.oldRow = row(old)
        change.oldIsWhole = whole
        batch.changes.append(change)
    }

    mutating func truncate(table: Int = 0) {
        batch.changes.append(Change(operation: .truncate, table: Int32(table)))
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

extension MySQLApplier {
    /// Applies a whole batch in one target transaction and commits.
    @discardableResult
    func run(_ batch: ChangeBatch, actions: [ChangeAction]? = nil) throws -> [ChangeCounts] {
        var counts = Array(repeating: ChangeCounts(), count: batch.tables.count)
        try inTransaction {
            try apply(
                batch, range: batch.changes.indices, actions: actions,
                routes: Array(batch.tables.indices), counts: &counts)
        }
        return counts
    }

    func load(_ text: String, route: Int = 0) throws {
        try inTransaction {
            try beginRows(route: route, format: .copyText)
            try Array(text.utf8).withUnsafeBytes { try writeRows($0) }
            _ = try endRows()
        }
    }

    private func inTransaction(_ body: () throws -> Void) throws {
        do {
            try begin()
            try body()
            try commit(
                Checkpoint(position: LogPosition(rawValue: 2), commitPosition: .zero),
                durable: true)
        } catch {
            rollback()
            throw error
        }
    }
}
