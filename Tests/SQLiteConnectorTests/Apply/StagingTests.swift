import ReplicationEngine
import ReplicationModel
import Testing

@testable import SQLiteConnector

@Suite("Tables that are in the file before the load")
struct StagingTests {
    static let table = route(
        "t", [Column("id", .int32), Column("k", .int32, isNullable: false), Column("a", .text)],
        unique: [["k"]])

    private func stage(_ rows: String, _ applier: any ChangeApplier) throws {
        try applier.beginRows(route: 0, format: .copyText)
        try Array(rows.utf8).withUnsafeBytes { try applier.writeRows($0) }
        #expect(try applier.endRows() == Int64(rows.split(separator: "\n").count))
    }

    @Test("Staged rows wait for no writer, and reach the table whole with their changes")
    func moves() throws {
        let file = try TargetFile([Self.table])
        #expect(try file.target.schemaPlan([Self.table], prerequisites: []).staged == [1])
        let stream = try file.target.openApplier([Self.table], label: "stream")
        let worker = try file.target.openApplier([Self.table], label: "load", staged: [0])
        defer { worker.close() }
        try stream.begin()
        try stage("7\t7\tleft by a chunk that failed\n", worker)
        try stage("1\t1\ta\n2\t2\tb\n", worker)
        try stream.commit(nil, durable: false)
        stream.close()
        try worker.begin()
        var counts = [ChangeCounts()]
        let changes = batch {
            $0.transaction {
                $0.update(["1", "3", .unchanged])
                $0.update(["2", "1", .unchanged])
                $0.update(["4", "3", "moved"], old: ["1", nil, nil])
            }
        }
        try worker.apply(changes, range: 0..<3, actions: nil, routes: [0], counts: &counts)
        #expect(try file.quoted("t", ["id"]).isEmpty)
        try worker.moveStaged(route: 0)
        try worker.commit(nil, durable: true)
        #expect(try file.quoted("t", ["id", "k", "a"]) == ["2|1|'b'", "4|3|'moved'"])
    }

    @Test("A unique value that the table has already is refused when staged rows are moved")
    func conflict() throws {
        let file = try TargetFile([Self.table])
        try file.load("9\t2\tthere\n", Self.table)
        let worker = try file.target.openApplier([Self.table], label: "load", staged: [0])
        defer { worker.close() }
        try stage("1\t1\ta\n2\t2\tb\n", worker)
        try worker.begin()
        let error = failure { try worker.moveStaged(route: 0) }
        #expect(error?.kind == .rowConflict && error?.table == Self.table.target)
        worker.rollback()
        #expect(try file.quoted("t", ["id"]) == ["9"])
    }

    @Test("Rows that were there are set aside, and put back if the source has not their key")
    func kept() throws {
        let file = try TargetFile([Self.table])
        try file.load("1\t1\told\n2\t2\told\n", Self.table)
        try file.target.setAside(Self.table.target)
        #expect(try file.quoted("t", ["id"]).isEmpty)
        try file.load("2\t20\tnew\n", Self.table)
        let plan = try file.target.schemaPlan([Self.table], prerequisites: [])
        try file.target.run(plan.whenConsistent, tables: [])
        #expect(try file.quoted("t", ["id", "k", "a"]) == ["1|1|'old'", "2|20|'new'"])
        try file.target.setAside(Self.table.target)
        var progress = TableProgress(
            id: 1, source: Self.table.source.name, target: Self.table.target, state: .loading)
        progress.key = ["id"]
        try file.target.store(setup: TargetFile.setup, checkpoint: nil, tables: [progress])
        try file.target.drop(pipeline: "p")
        #expect(try file.quoted("t", ["id", "k", "a"]) == ["1|1|'old'", "2|20|'new'"])
    }

    @Test("A route that shares its table empties, and looks at, its own rows")
    func share() throws {
        var route = Self.table
        let share = RowShare(column: "k", value: "2")
        route.share = share
        let file = try TargetFile([route])
        let applier = try file.target.openApplier([route], label: "stream")
        defer { applier.close() }
        let truncate = batch { $0.transaction { $0.truncate() } }
        try file.load("1\t1\ttheirs\n", route)
        for way in 0..<3 {
            try file.load("2\t2\tours\n", route)
            #expect(try file.target.shape(of: route.target, share: share)?.hasRows == true)
            var counts = [ChangeCounts()]
            try applier.begin()
            if way == 0 { try applier.wipe(route: 0) }
            if way == 1 {
                try applier.apply(
                    truncate, range: 0..<1, actions: nil, routes: [0], counts: &counts)
            }
            try applier.commit(nil, durable: true)
            if way == 2 { try file.target.empty(route.target, share: share) }
            #expect(try file.quoted("t", ["id"]) == ["1"])
            #expect(try file.target.shape(of: route.target, share: share)?.hasRows == false)
        }
    }

    @Test(
        "What else makes rows unique in a table that is there",
        arguments: [
            ("id INTEGER PRIMARY KEY, k INTEGER, a TEXT", false),
            ("id INTEGER PRIMARY KEY, k INTEGER UNIQUE, a TEXT", true),
            ("id INTEGER NOT NULL UNIQUE, k INTEGER, a TEXT", false),
            ("id INTEGER NOT NULL UNIQUE, k INTEGER PRIMARY KEY, a TEXT", true),
            ("id INTEGER NOT NULL UNIQUE, k INTEGER, a TEXT PRIMARY KEY", true),
        ])
    func secondary(_ columns: String, _ isStaged: Bool) throws {
        let file = try TargetFile([], acquired: false)
        try file.target.prepare()
        try file.elsewhere("CREATE TABLE t (\(columns)) STRICT")
        let route = route(
            "t", [Column("id", .int32), Column("k", .int32), Column("a", .text)])
        let plan = try file.target.schemaPlan([route], prerequisites: [])
        #expect(plan.staged.isEmpty != isStaged)
        try file.elsewhere("CREATE UNIQUE INDEX part ON t (a) WHERE k > 0")
        #expect(try file.target.schemaPlan([route], prerequisites: []).staged == [1])
    }
}
