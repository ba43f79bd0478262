import Configuration
import Foundation
import Logging
import Operations
import ReplicationEngine
import ReplicationModel
import Synchronization

/// A source that answers from what a test puts in, and notes what is done to it.
final class FakeSource: ReplicationSource {
    struct State: Sendable {
        var tables: [TableSchema] = []
        var findings: [Finding] = []
        var slot: SlotState?
        var report: Result<SourceReport, ReplicationError> = .success(
            SourceReport(
                position: LogPosition(rawValue: 0x5F2), retainedBytes: 1234, backlogBytes: 9,
                now: 100_000_000))
        var batches: [ChangeBatch] = []
        var confirmed: [LogPosition] = []
        var calls: [String] = []
        /// Rows that a census finds.
        var hits: Int64 = 0
        var mayRead = true
    }

    let state: Mutex<State>

    init(_ tables: [TableSchema]) { state = Mutex(State(tables: tables)) }

    var calls: [String] { state.withLock(\.calls) }
    var confirmed: [LogPosition] { state.withLock(\.confirmed) }
    func set<Value: Sendable>(
        _ path: any (WritableKeyPath<State, Value> & Sendable), _ value: Value
    ) {
        state.withLock { $0[keyPath: path] = value }
    }
    private func note(_ call: String) { state.withLock { $0.calls.append(call) } }

    var keepsCapture: Bool { true }
    func identity() throws -> SourceIdentity {
        SourceIdentity(
            systemIdentifier: "7", timeline: 1, database: "shop", databaseID: 5, version: "17.1")
    }
    func listTables() throws -> [TableName] { state.withLock { $0.tables.map(\.name) } }
    func prerequisites(of tables: [TableSchema]) throws -> [SchemaObject] { [] }
    func notCarried() throws -> [(kind: String, count: Int)] {
        [("view", 2), ("trigger", 1), ("function", 0)]
    }
    func preflight(_ capture: CaptureNames, tables: [TableSchema]) throws -> [Finding] {
        state.withLock(\.findings)
    }
    func census(
        _ table: TableSchema, _ questions: [ValueQuestion], whole: Bool
    ) throws -> ValueCensus {
        guard state.withLock(\.mayRead) else {
            throw ReplicationError(.privilege, "run SELECT", why: "permission denied")
        }
        return state.withLock { state in
            state.calls.append("census \(table.name)\(whole ? " whole" : "")")
            var census = ValueCensus(questions: questions.count)
            census.rows = 10
            census.isWhole = whole
            census.answers[0].rows = state.hits
            census.answers[0].keys = state.hits > 0 ? [["1", "a"]] : []
            return census
        }
    }
    func installStatements(_ capture: CaptureNames, tables: [TableSchema]) throws -> [String] {
        ["CREATE PUBLICATION \(capture.publication)"]
    }
    func grantStatements(_ capture: CaptureNames, tables: [TableSchema]) throws -> [String] {
        ["GRANT SELECT"]
    }
    func install(_ capture: CaptureNames, tables: [TableSchema]) throws { note("install") }
    func describe(_ tables: [TableName]) throws -> [TableSchema] {
        let known = state.withLock(\.tables)
        return tables.compactMap { name in known.first { $0.name == name } }
    }
    func fingerprints(of ids: [UInt32]) throws -> [UInt32: String] { [:] }
    func createCapture(_ capture: CaptureNames, tables: [TableName]) throws -> CaptureStart {
        note("create \(capture.slot) for \(tables.map(\.description).joined(separator: ","))")
        return CaptureStart(place: LogPlace(position: LogPosition(rawValue: 1)))
    }
    func adoptCapture(_ capture: CaptureNames, at start: LogStart) throws -> CaptureStart {
        throw unused
    }
    func slotState(_ capture: CaptureNames) throws -> SlotState? { state.withLock(\.slot) }
    func dropPublication(_ capture: CaptureNames) throws {
        if !capture.publicationIsGiven { note("drop publication \(capture.publication)") }
    }
    func dropSlot(_ capture: CaptureNames) throws { note("drop slot \(capture.slot)") }
    func resume(_ capture: CaptureNames, known: SourceIdentity, from place: LogPlace) throws
        -> LogPlace
    { place }
    func openLog(_ capture: CaptureNames, routes: [TableRoute], from start: LogPlace) throws
        -> any ChangeSource
    {
        note("open \(capture.slot) from \(start.position)")
        return FakeLog(source: self)
    }
    func snapshotKind() throws -> SnapshotKind { .visibility }
    func openReader(label: String) throws -> any TableReader { throw unused }
    func locate(_ keys: [Key], in route: TableRoute, among cuts: [Key]) throws -> [Int] { [] }
    func mark(_ content: String) throws -> LogMark { .message(content) }
    func currentSnapshot() throws -> SourceSnapshot { throw unused }
    func report(_ capture: CaptureNames, applied: LogPosition?) throws -> SourceReport {
        try state.withLock(\.report).get()
    }

    private var unused: ReplicationError {
        ReplicationError(.internalFault, "use the fake", why: "no test needs this")
    }
}

final class FakeLog: ChangeSource {
    let source: FakeSource
    init(source: FakeSource) { self.source = source }

    func next(timeout: Double) throws -> ChangeBatch? {
        source.state.withLock { $0.batches.isEmpty ? nil : $0.batches.removeFirst() }
    }
    func confirm(_ position: LogPosition) {
        source.state.withLock { $0.confirmed.append(position) }
    }
    var received: LogPosition { .zero }
    func close() { source.state.withLock { $0.calls.append("close") } }
}

final class FakeTarget: ReplicationTarget {
    struct State: Sendable {
        var stored: StoredPipeline?
        var findings: [Finding] = []
        var plan = SchemaPlan()
        var questions: [ValueQuestion] = []
        var calls: [String] = []
        /// What was planned last.
        var planned: [TableRoute] = []
    }

    let state = Mutex(State())

    var calls: [String] { state.withLock(\.calls) }
    var planned: [TableRoute] { state.withLock(\.planned) }
    func set<Value: Sendable>(
        _ path: any (WritableKeyPath<State, Value> & Sendable), _ value: Value
    ) {
        state.withLock { $0[keyPath: path] = value }
    }

    func prepare() throws {}
    func load(pipeline: String) throws -> StoredPipeline? { state.withLock(\.stored) }
    func acquire(pipeline: String, setup: PipelineSetup, holder: Holder, lease: Double) throws
        -> StoredPipeline
    {
        throw ReplicationError(.internalFault, "use the fake", why: "no test needs this")
    }
    func renewLease(_ report: RunReport) throws {}
    func release(_ report: RunReport) throws {}
    func store(setup: PipelineSetup, checkpoint: Checkpoint?, tables: [TableProgress]) throws {}
    func shape(of table: TableName, share: RowShare?) throws -> TargetShape? { nil }
    func schemaPlan(_ routes: [TableRoute], prerequisites: [SchemaObject]) throws -> SchemaPlan {
        state.withLock {
            $0.planned = routes
            return $0.plan
        }
    }
    func preflight(_ routes: [TableRoute], prerequisites: [SchemaObject]) throws -> [Finding] {
        state.withLock(\.findings)
    }
    func questions(_ routes: [TableRoute]) throws -> [ValueQuestion] {
        state.withLock(\.questions)
    }
    func grantStatements(_ routes: [TableRoute]) throws -> [String] { ["GRANT INSERT"] }
    func run(_ statements: [String], tables: [TableProgress]) throws {}
    func empty(_ table: TableName, share: RowShare?) throws {}
    func setAside(_ table: TableName) throws {}
    func openApplier(
        _ routes: [TableRoute], label: String, staged: Set<Int>
    ) throws -> any ChangeApplier {
        throw ReplicationError(.internalFault, "use the fake", why: "no test needs this")
    }
    func drop(pipeline: String) throws {
        state.withLock {
            $0.calls.append("drop \(pipeline)")
            $0.stored = nil
        }
    }
    func close() { state.withLock { $0.calls.append("close") } }
}

// MARK: Values

func type(_ kind: ValueKind, _ id: UInt32) -> ColumnType {
    ColumnType(declaration: "\(kind)", castName: "x", id: id, modifier: -1, kind: kind)
}

func table(
    _ schema: String, _ name: String, id: UInt32 = 1, rows: Int64 = 0, key: [String] = ["id"],
    _ columns: [Column] = [
        Column(name: "id", type: type(.int64, 20), isNullable: false),
        Column(name: "doc", type: type(.text, 25)),
    ]
) -> TableSchema {
    var result = TableSchema(
        id: id, name: TableName(schema: schema, name: name), columns: columns,
        replicaIdentity: .primaryKey)
    if !key.isEmpty {
        result.primaryKey = Index(
            name: "\(name)_pkey", columns: key, isUnique: true, isConstraint: true,
            definition: "PRIMARY KEY")
    }
    result.estimatedRows = rows
    return result
}

func configuration(
    to target: String = "sqlite:shop.db", map: [String: String] = [:],
    edit: (inout PipelineConfiguration) -> Void = { _ in }
) throws -> PipelineConfiguration {
    var result = PipelineConfiguration(
        name: "shop", source: try ConnectionURL(parsing: "postgres://u:geheim@db1/shop"),
        target: try ConnectionURL(parsing: target))
    result.schemaMap = map
    edit(&result)
    return result
}

func stored(
    _ state: RunReport.State = .streaming, valid: Bool = true, heartbeat: Int64? = 97_200_000,
    edit: (inout StoredPipeline) -> Void = { _ in }
) -> StoredPipeline {
    var checkpoint = Checkpoint(
        position: LogPosition(rawValue: 0x5E9), commitPosition: LogPosition(rawValue: 0x5E0))
    checkpoint.heartbeatAt = heartbeat
    var report = RunReport(state: state)
    report.received = LogPosition(rawValue: 0x5F0)
    report.confirmed = LogPosition(rawValue: 0x5D0)
    var progress = TableProgress(
        id: 1, source: TableName(schema: "public", name: "a"),
        target: TableName(schema: "", name: "a"), state: .live)
    progress.rowsCopied = 10
    progress.rowsEstimated = 10
    progress.counts.inserts = 1
    progress.counts.updates = 2
    progress.counts.deletes = 3
    var result = StoredPipeline(
        setup: PipelineSetup(
            phase: .ready, capture: CaptureNames(slot: "s1", publication: "p1"),
            source: SourceIdentity(
                systemIdentifier: "7", timeline: 1, database: "shop", databaseID: 5, version: "17"),
            configuration: "{}"),
        epoch: 3, checkpoint: checkpoint, tables: [progress], chunks: [],
        holder: Holder(host: "elsewhere", pid: 42, instance: "x"), leaseIsValid: valid,
        report: report, checkpointAge: 0.4)
    edit(&result)
    return result
}

let silent = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

func object(_ report: any Report) throws -> [String: Any] {
    let data = Data(report.output(json: true).utf8)
    return try JSONSerialization.jsonObject(with: data) as? [String: Any] ?? [:]
}
