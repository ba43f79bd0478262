import Foundation
import ReplicationEngine
import ReplicationModel
import Synchronization
import Testing

@testable import MySQLConnector

extension ChangeSource {
    /// Batches until `enough` says so, or a minute has gone.
    fileprivate func read(until enough: ([ChangeBatch]) throws -> Bool) throws -> [ChangeBatch] {
        var batches: [ChangeBatch] = []
        let deadline = Date().addingTimeInterval(60)
        while try !enough(batches) {
            guard Date() < deadline else {
                Issue.record("the log does not bring what is waited for")
                return batches
            }
            if let batch = try next(timeout: 0.5) { batches.append(batch) }
        }
        return batches
    }
}

extension ChangeBatch {
    /// Each change's new row as texts, NULL as `\N`.
    fileprivate var rows: [[String]] {
        changes.filter { $0.newRow >= 0 }.map { change in
            let count = tables[Int(change.table)].columns.count
            return values[Int(change.newRow)..<Int(change.newRow) + count].map {
                text(of: $0) ?? #"\N"#
            }
        }
    }
}

@Suite("The log of MySQL and MariaDB")
struct LogReaderTests {
    private static let capture = CaptureNames(slot: "", publication: "")

    private static func route(_ table: TableSchema) -> TableRoute {
        TableRoute(source: table, target: table.name, columns: table.columns, key: [])
    }

    private static func open(_ database: TestServer, _ tables: [String]) throws
        -> (source: MySQLSource, start: LogPlace, log: any ChangeSource)
    {
        let source = database.source
        let schemas = try source.describe(
            tables.map { TableName(schema: database.name, name: $0) })
        let start = try source.createCapture(capture, tables: schemas.map(\.name)).place
        return (
            source, start, try source.openLog(capture, routes: schemas.map(route), from: start)
        )
    }

    private struct Look: Sendable {
        var total: Int
        var low, high: LogPosition
    }

    private static func update(_ worker: Int, _ xid: String?) -> [String] {
        let update = "UPDATE t SET v = v + 1 WHERE id = \(worker)"
        return xid.map {
            ["XA START \($0)", update, "XA END \($0)", "XA PREPARE \($0)", "XA COMMIT \($0)"]
        } ?? [update]
    }

    /// Commits are in order.
    private static func count(_ commits: [LogPosition], through position: LogPosition) -> Int {
        var (low, high) = (0, commits.count)
        while low < high {
            let middle = (low + high) / 2
            if commits[middle] <= position { low = middle + 1 } else { high = middle }
        }
        return low
    }

    /// Every transaction adds one. MariaDB shows a snapshot's position through variables that all
    /// sessions share: of two that ask at once, one may be told the other's.
    /// Also when they end XA transactions, whose commits servers log before they are visible.
    @Test(
        "has what snapshots saw, also when many are taken at once (B64)", arguments: TestServer.all,
        [false, true])
    func snapshots(_ server: String, isXA: Bool) throws {
        let database = try TestServer(on: server)
        let connection = try database.connect(.target)
        try connection.run("CREATE TABLE t (id INT PRIMARY KEY, v BIGINT NOT NULL)")
        try connection.run("INSERT INTO t VALUES (0, 0), (1, 0), (2, 0)")
        let (source, _, log) = try Self.open(database, ["t"])
        let route = try database.route("t")
        let end = Date().addingTimeInterval(6)
        let looks = Mutex<[Look]>([])
        let group = DispatchGroup()
        func start(_ body: @escaping @Sendable () throws -> Void) {
            group.enter()
            WorkerThread.start("test") {
                defer { group.leave() }
                #expect(throws: Never.self) { try body() }
            }
        }
        for worker in 0..<3 {
            let (url, name) = (database.url, database.name)
            start {
                let session = try MySQLConnection(
                    url: url, password: nil, label: "writer", purpose: .target)
                var number = 0
                while Date() < end {
                    number += 1
                    let statements = Self.update(
                        worker, isXA ? "'\(name)', '\(worker) \(number)'" : nil)
                    for statement in statements { try session.run(statement) }
                }
            }
            start {
                let reader = try source.openReader(label: "test \(worker)")
                while Date() < end {
                    guard case .window(let low, let high) = try reader.begin(route).snapshot else {
                        continue
                    }
                    var bytes: [UInt8] = []
                    _ = try reader.copy(route, .everything, format: .copyText) {
                        bytes.append(contentsOf: $0)
                    }
                    let fields = bytes.split {
                        $0 == UInt8(ascii: "\t") || $0 == UInt8(ascii: "\n")
                    }
                    let values = fields.map { Int(String(decoding: $0, as: UTF8.self)) ?? 0 }
                    let total = values.indices.reduce(0) { $1 % 2 == 1 ? $0 + values[$1] : $0 }
                    try reader.finish()
                    looks.withLock { $0.append(Look(total: total, low: low, high: high)) }
                }
            }
        }
        group.wait()
        let total = Int(try connection.query("SELECT SUM(v) FROM t").text(0, 0) ?? "") ?? 0
        var commits: [LogPosition] = []
        var taken = 0
        _ = try log.read { batches in
            commits += batches[taken...].flatMap(\.transactions)
                .filter { !$0.changes.isEmpty }.map(\.commitPosition)
            taken = batches.count
            return commits.count >= total
        }
        func count(_ position: LogPosition) -> Int { Self.count(commits, through: position) }
        let wrong = looks.withLock { all in
            all.filter { $0.total < count($0.low) || $0.total > count($0.high) }.count
        }
        #expect(wrong == 0, "of \(looks.withLock(\.count)) looks at \(total) transactions")
        #expect(looks.withLock(\.count) > 50 && total > 50)
    }

    @Test("brings transactions whole and in order", arguments: TestServer.all)
    func order(_ server: String) throws {
        let database = try TestServer(on: server)
        let connection = try database.connect(.target)
        try connection.run("CREATE TABLE t (id INT PRIMARY KEY, v TEXT)")
        try connection.run("CREATE TABLE other (id INT PRIMARY KEY)")
        try connection.run("INSERT INTO t VALUES (0, 'before')")
        let (source, start, log) = try Self.open(database, ["t"])
        try connection.run("INSERT INTO t VALUES (1, 'a')")
        try connection.run("INSERT INTO other VALUES (1)")
        try connection.run("BEGIN")
        try connection.run("INSERT INTO t VALUES (2, NULL)")
        try connection.run("UPDATE t SET v = 'b' WHERE id = 1")
        try connection.run("DELETE FROM t WHERE id = 0")
        try connection.run("COMMIT")
        let mark = try source.mark("")
        guard case .position(let end, _) = mark else { return }
        let batches = try log.read { ($0.last?.transactions.last?.endPosition ?? .zero) >= end }
        #expect(batches.flatMap(\.rows) == [["1", "a"], ["2", #"\N"#], ["1", "b"]])
        let marks = batches.flatMap(\.transactions).filter { !$0.changes.isEmpty }
        #expect(marks.map(\.changes.count) == [1, 3])
        #expect(marks.allSatisfy { $0.gtid != nil && $0.commitPosition < $0.endPosition })
        // A transaction right behind the start is behind it (`SourceSnapshot.judge`).
        #expect(marks[0].commitPosition > start.position)
        #expect(batches.flatMap(\.tables).allSatisfy { $0.name.name == "t" })
    }

    @Test(
        "B61: leaves out columns that do not travel, wherever they stand",
        arguments: TestServer.all)
    func columns(_ server: String) throws {
        let database = try TestServer(on: server)
        let connection = try database.connect(.target)
        try connection.run(
            "CREATE TABLE t (v INT AS (a + 1) STORED, id INT PRIMARY KEY, a INT, w INT AS (a * 2)"
                + " VIRTUAL, hidden INT INVISIBLE DEFAULT 7, b TEXT)")
        let source = database.source
        let table = try source.describe([TableName(schema: database.name, name: "t")])[0]
        let route = TableRoute(
            source: table, target: table.name, columns: table.carriedColumns, key: [0])
        #expect(route.columns.map(\.name) == ["id", "a", "hidden", "b"])
        let start = try source.createCapture(Self.capture, tables: [table.name]).place
        let log = try source.openLog(Self.capture, routes: [route], from: start)
        try connection.run("INSERT INTO t (id, a, b) VALUES (1, 10, 'x')")
        try connection.run("UPDATE t SET a = 20 WHERE id = 1")
        try connection.run("UPDATE t SET b = NULL WHERE id = 1")
        let batches = try log.read { $0.flatMap(\.changes).count >= 3 }
        #expect(
            batches.flatMap(\.rows) == [
                ["1", "10", "7", "x"], ["1", "20", "7", "x"], ["1", "20", "7", #"\N"#],
            ])
        #expect(batches.flatMap(\.changes).dropFirst().allSatisfy { $0.oldIsWhole })
    }

    @Test("brings TRUNCATE and DDL of its tables at their place", arguments: TestServer.all)
    func definitions(_ server: String) throws {
        let database = try TestServer(on: server)
        let connection = try database.connect(.target)
        try connection.run("CREATE TABLE t (id INT PRIMARY KEY)")
        try connection.run("CREATE TABLE other (id INT PRIMARY KEY)")
        let (_, _, log) = try Self.open(database, ["t"])
        try connection.run("INSERT INTO t VALUES (1)")
        try connection.run("TRUNCATE \(database.name) . t")
        try connection.run("TRUNCATE other")
        try connection.run("ALTER TABLE other ADD x INT")
        try connection.run("INSERT INTO t VALUES (2)")
        try connection.run("ALTER TABLE t FORCE")
        try connection.run("INSERT INTO t VALUES (3)")
        try connection.run("DROP DATABASE \(database.name)")
        let batches = try log.read { $0.flatMap(\.definitions).count >= 2 }
        let changes = batches.flatMap(\.changes)
        #expect(changes.map(\.operation) == [.insert, .truncate, .insert, .insert])
        #expect(batches.flatMap(\.definitions).map(\.what) == ["ALTER TABLE", "DROP DATABASE"])
        for batch in batches {
            for definition in batch.definitions {
                #expect(definition.name == TableName(schema: database.name, name: "t"))
                let mark = batch.transactions[definition.transaction]
                #expect(mark.changes.isEmpty && mark.gtid != nil)
            }
        }
    }

    @Test("goes on after a place, without a gap or a repetition", arguments: TestServer.all)
    func resume(_ server: String) throws {
        let database = try TestServer(on: server)
        let connection = try database.connect(.target)
        try connection.run("CREATE TABLE t (id INT PRIMARY KEY)")
        var (source, place, log) = try Self.open(database, ["t"])
        var seen: [String] = []
        for id in 1...6 {
            try connection.run("INSERT INTO t VALUES (\(id))")
            if id % 2 == 0 { try connection.run("FLUSH BINARY LOGS") }
            let batches = try log.read { $0.contains { !$0.rows.isEmpty } }
            seen += batches.flatMap(\.rows).map { $0[0] }
            for mark in batches.flatMap(\.transactions) {
                place.position = mark.endPosition
                if let gtid = mark.gtid { place.gtids?.insert(gtid) }
            }
            if id % 3 == 0 {
                log.close()
                place = try source.resume(
                    Self.capture, known: source.identity(), from: place)
                log = try source.openLog(
                    Self.capture,
                    routes: source.describe([TableName(schema: database.name, name: "t")])
                        .map(Self.route),
                    from: place)
            }
        }
        #expect(seen == ["1", "2", "3", "4", "5", "6"])
    }

    @Test("passes the log's end though nothing is written (P15)", arguments: TestServer.all)
    func idle(_ server: String) throws {
        let database = try TestServer(on: server)
        let connection = try database.connect(.target)
        try connection.run("CREATE TABLE t (id INT PRIMARY KEY)")
        let (source, _, log) = try Self.open(database, ["t"])
        try connection.run("FLUSH BINARY LOGS")
        guard case .position(let end, let time) = try source.mark("") else { return }
        #expect(abs(Double(time) / 1e6 - Date().timeIntervalSince1970) < 60)
        _ = try log.read { ($0.last?.transactions.last?.endPosition ?? .zero) >= end }
        let report = try source.report(Self.capture, applied: end)
        #expect(report.position >= end)
        #expect((report.backlogBytes ?? -1) >= 0)
    }

    @Test("brings a large transaction in parts (I6)", arguments: TestServer.all)
    func parts(_ server: String) throws {
        let database = try TestServer(on: server)
        let connection = try database.connect(.target)
        try connection.run("CREATE TABLE t (id INT AUTO_INCREMENT PRIMARY KEY, v VARCHAR(200))")
        let (_, _, log) = try Self.open(database, ["t"])
        let row = "(REPEAT('x', 150))"
        let rows = Array(repeating: row, count: 1000).joined(separator: ", ")
        try connection.run("BEGIN")
        for _ in 0..<20 { try connection.run("INSERT INTO t (v) VALUES \(rows)") }
        try connection.run("COMMIT")
        let batches = try log.read {
            $0.contains { $0.transactions.contains { !$0.isFirstPart && $0.isLastPart } }
        }
        #expect(batches.flatMap(\.rows).map { Int($0[0]) } == (1...20_000).map { $0 })
        #expect(batches.allSatisfy { $0.footprint < 4 << 20 })
    }

    @Test("agrees with the reader of tables on every value (A19)", arguments: TestServer.all)
    func values(_ server: String) throws {
        let database = try TestServer(on: server)
        let connection = try database.connect(.target)
        let values = TableReaderTests.values
        let columns = values.enumerated().map { "c\($0.offset) \($0.element.0)" }
        try connection.run(
            "CREATE TABLE t (id INT PRIMARY KEY, \(columns.joined(separator: ", ")))")
        let (source, _, log) = try Self.open(database, ["t"])
        try connection.run(
            "INSERT INTO t VALUES (1, \(values.map(\.1).joined(separator: ", ")))")
        let logged = try log.read { $0.contains { !$0.rows.isEmpty } }.flatMap(\.rows)[0]
        let reader = try source.openReader(label: "test")
        let route = try database.route("t")
        _ = try reader.begin(route)
        var bytes: [UInt8] = []
        _ = try reader.copy(route, .everything, format: .copyText) { bytes += $0 }
        let fields = String(decoding: bytes.dropLast(), as: UTF8.self).split(
            separator: "\t", omittingEmptySubsequences: false)
        #expect(fields.count == logged.count)
        for (index, field) in fields.enumerated() {
            let plain =
                field == #"\N"#
                ? String(field)
                : String(field).replacing("\\t", with: "\t").replacing("\\n", with: "\n")
                    .replacing(#"\\"#, with: #"\"#)
            let what = index == 0 ? "id" : values[index - 1].0
            #expect(plain == logged[index], "\(what)")
        }
    }

    @Test("ends when it is closed", arguments: TestServer.all)
    func ends(_ server: String) throws {
        let database = try TestServer(on: server)
        let connection = try database.connect(.target)
        try connection.run("CREATE TABLE t (id INT PRIMARY KEY)")
        let (_, _, log) = try Self.open(database, ["t"])
        log.close()
        #expect(try log.next(timeout: 20)?.rows.isEmpty != false)
    }
}
