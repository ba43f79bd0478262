import ReplicationEngine
import ReplicationModel
import Testing

@testable import PostgreSQLConnector

@Suite("I5: values of MySQL and MariaDB that PostgreSQL cannot hold")
struct ForeignLossyTests {
    private static let date = Foreign.Kind("date", .date, "")
    private static let moment = Foreign.Kind("timestamp", .timestampWithZone, "", scale: 0)

    private static var route: TableRoute {
        Foreign.table(
            "t",
            [
                Foreign.column("id", Foreign.int, null: false),
                Foreign.column("day", date, null: false),
                Foreign.column("at", moment), Foreign.column("word", Foreign.varchar),
            ])
    }

    private static func lossy(
        _ zeroDate: LossyConversions.ZeroDate?, _ nulByte: LossyConversions.NULByte? = nil
    ) -> LossyConversions {
        var lossy = LossyConversions()
        (lossy.zeroDate, lossy.nulByte) = (zeroDate, nulByte)
        return lossy
    }

    /// A database with the table, and a target that has acquired it.
    private func made(_ lossy: LossyConversions) throws -> (TestDatabase, PostgreSQLTarget) {
        let database = try TestDatabase()
        let target = PostgreSQLTarget(url: database.url, password: nil, lossy: lossy)
        try target.prepare()
        _ = try target.acquire(
            pipeline: "shop", setup: Fixture.setup, holder: Fixture.holder("a"), lease: 30)
        let plan = try target.schemaPlan([Self.route], prerequisites: [])
        try target.run(plan.beforeRows + plan.keys.values.joined(), tables: [])
        return (database, target)
    }

    private func applier(
        _ database: TestDatabase, _ lossy: LossyConversions, net: Bool = true
    ) throws -> PGApplier {
        let epoch = try database.connect().run("SELECT epoch FROM martlet.pipeline").integer(0, 0)
        return try PGApplier(
            connection: try database.connect(.target),
            fence: PGFence(pipeline: "shop", epoch: epoch ?? 0), routes: [Self.route], mayNet: net,
            lossy: lossy)
    }

    private func inserting(_ rows: TestRow...) -> ChangeBatch {
        var builder = BatchBuilder([Self.route])
        for row in rows { builder.insert(0, row) }
        builder.commit()
        return builder.batch
    }

    private func load(_ text: String, _ applier: PGApplier) throws {
        try applier.begin()
        do {
            try applier.beginRows(route: 0, format: .copyText)
            try Array(text.utf8).withUnsafeBytes { try applier.writeRows($0) }
            _ = try applier.endRows()
            try applier.commit(nil, durable: false)
        } catch {
            applier.rollback()
            throw error
        }
    }

    private func rows(_ database: TestDatabase) throws -> [String] {
        try database.connect().run("SELECT t::text FROM shop.t ORDER BY id").column(0)
    }

    static let refused: [(TestRow, String, String)] = [
        (["1", "0000-00-00", nil, nil], "day", "zero_date"),
        (["1", "2024-02-30", nil, nil], "day", "zero_date"),
        (["1", "2024-01-01", "0000-00-00 00:00:00+00", nil], "at", "zero_date"),
        (["1", "2024-01-01", nil, "a\0b"], "word", "nul_byte"),
    ]

    @Test(
        "A34, A37: Without being asked for, nothing is lossy: refused by name, streamed and loaded",
        arguments: refused, [true, false])
    func refuses(_ sample: (TestRow, String, String), net: Bool) throws {
        let (row, column, key) = sample
        let (database, target) = try made(LossyConversions())
        defer { target.close() }
        let applier = try applier(database, LossyConversions(), net: net)
        let streamed = failure { try applier.run(inserting(row)) }
        #expect(streamed?.position == LogPosition(rawValue: 0x1000))
        let text = row.map { $0 ?? "\\N" }.joined(separator: "\t") + "\n"
        let loaded = failure { try load(text, applier) }
        for error in [streamed, loaded] {
            #expect(error?.kind == .invalidValue && error?.column == column)
            #expect(error?.table == Self.route.target)
            #expect(
                error?.remedy?.contains("lossy: {\(key): ") == true, "\(String(describing: error))")
        }
        #expect(try rows(database).isEmpty)
        #expect(try target.load(pipeline: "shop")?.lossy == [:])
    }

    @Test("What is asked for is done, and counted in the transaction that does it (I1)")
    func converts() throws {
        let lossy = Self.lossy(.null, .strip)
        let (database, target) = try made(lossy)
        defer { target.close() }
        let applier = try applier(database, lossy)
        try applier.run(
            inserting(
                ["1", "0000-00-00", "2024-00-00 10:00:00+00", "a\0b\0"],
                ["2", "2024-02-29", "2024-01-01 10:00:00+00", "\\x"]))
        var change = BatchBuilder([Self.route])
        change.update(
            0, old: ["1", "0000-00-00", nil, "a\0b\0"], whole: true,
            ["1", "2023-02-29", nil, "c"])
        change.commit()
        try applier.run(change.batch)
        try load(
            "3\t0000-00-00\t\\N\tx\\ty\n4\t2024-01-01\t0000-00-00 00:00:00+00\t\0\n", applier)
        #expect(
            try rows(database) == [
                "(1,,,c)", "(2,2024-02-29,\"2024-01-01 10:00:00+00\",\"\\\\x\")",
                "(3,,,\"x\ty\")", "(4,2024-01-01,,\"\")",
            ])
        #expect(
            try target.load(pipeline: "shop")?.lossy == [.zeroDate: 5, .nulByte: 2])
        // Rolled back: not counted.
        #expect(throws: (any Error).self) {
            try applier.run(
                inserting(["5", "0000-00-00", nil, nil], ["5", "0000-00-00", nil, nil]))
        }
        #expect(try target.load(pipeline: "shop")?.lossy[.zeroDate] == 5)
        try target.drop(pipeline: "shop")
    }

    @Test("With 'epoch' a zero date is 1970, and NOT NULL stays")
    func epoch() throws {
        let lossy = Self.lossy(.epoch)
        let (database, target) = try made(lossy)
        defer { target.close() }
        let applier = try applier(database, lossy, net: false)
        try applier.run(inserting(["1", "0000-00-00", "0000-00-00 00:00:00+00", nil]))
        #expect(try rows(database) == ["(1,1970-01-01,\"1970-01-01 00:00:00+00\",)"])
        let plan = try target.schemaPlan([Self.route], prerequisites: [])
        #expect(plan.problems.isEmpty)
    }

    @Test("Only days of the calendar are days")
    func days() {
        let wrong = [
            "0000-00-00", "2024-00-10", "2024-13-01", "2024-04-31", "2023-02-29", "1900-02-29",
            "0000-01-01", "2024-01-00", "2024-01-32", "0000-00-00 00:00:00.5",
        ]
        let right = [
            "2024-02-29", "2000-02-29", "0001-01-01", "9999-12-31 23:59:59.9", "\\N", "",
            "infinity",
        ]
        for text in wrong + right {
            let isDay = Array(text.utf8).withUnsafeBytes { ForeignValues.isDay($0) }
            #expect(isDay == right.contains(text), "\(text)")
        }
    }
}
