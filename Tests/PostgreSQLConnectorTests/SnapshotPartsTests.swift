import Foundation
import PostgreSQLConnector
import ReplicationEngine
import ReplicationModel
import Testing

/// Tables without a key in parts under one snapshot (DESIGN 6.9).
@Suite(.serialized) struct SnapshotPartsTests {
    private static let table = """
        CREATE TABLE plain (a int, b text);
        INSERT INTO plain SELECT i, repeat('x', i % 300) FROM generate_series(1, 20000) i;
        """

    private func lines(
        _ reader: any TableReader, _ route: TableRoute, _ range: KeyRange
    ) throws -> [String] {
        var rows = Rows()
        _ = try reader.copy(route, range, format: .copyText) { rows.take($0) }
        return rows.lines
    }

    @Test(
        "All parts together are the rows of the snapshot, whatever happens between two of them",
        arguments: ["pg15", "pg17", "pg18"])
    func parts(_ server: String) throws {
        let fixture = try SourceFixture(on: server, Self.table)
        let route = try fixture.route("plain")
        let (leader, helper) = (
            try fixture.source.openReader(label: "load-1"),
            try fixture.source.openReader(label: "load-2")
        )
        let expected = try fixture.admin.query("SELECT a || E'\\t' || b FROM plain", []).column(0)
        _ = try leader.begin(route)
        let shared = try #require(try leader.share(route, rows: 3000))
        #expect(shared.count > 5)
        var found: [String] = []
        for part in 0..<shared.count {
            // Rows move to other pages, go away and come; the table grows.
            try fixture.admin.run(
                """
                UPDATE plain SET b = b || 'y' WHERE a % 7 = \(part % 7);
                DELETE FROM plain WHERE a % 11 = \(part % 11);
                INSERT INTO plain SELECT i, 'new' FROM generate_series(1, 2000) i;
                """)
            if part % 2 == 0 {
                found += try lines(leader, route, shared.range(part))
            } else {
                try helper.join(shared.snapshot, route)
                found += try lines(helper, route, shared.range(part))
                try helper.finish()
            }
        }
        try leader.finish()
        #expect(found.count == 20_000)
        #expect(found.sorted() == expected.sorted())
    }

    @Test("A snapshot that has ended cannot be joined, and the reader stays usable")
    func ended() throws {
        let fixture = try SourceFixture(Self.table)
        let route = try fixture.route("plain")
        let leader = try fixture.source.openReader(label: "load-1")
        let helper = try fixture.source.openReader(label: "load-2")
        _ = try leader.begin(route)
        let shared = try #require(try leader.share(route, rows: 3000))
        try leader.finish()
        let error = #expect(throws: ReplicationError.self) {
            try helper.join(shared.snapshot, route)
        }
        #expect(error?.kind == .snapshotGone)
        try helper.finish()
        _ = try helper.begin(route)
        #expect(try lines(helper, route, .everything).count == 20_000)
    }

    @Test("Small tables and partitioned ones are read as a whole")
    func whole() throws {
        let fixture = try SourceFixture(
            Self.table + """
                CREATE TABLE root (a int) PARTITION BY RANGE (a);
                CREATE TABLE leaf PARTITION OF root FOR VALUES FROM (0) TO (100000);
                INSERT INTO root SELECT i FROM generate_series(1, 20000) i;
                """)
        let reader = try fixture.source.openReader(label: "load-1")
        for (name, rows) in [("root", 100), ("plain", 1_000_000)] {
            let route = try fixture.route(name)
            _ = try reader.begin(route)
            #expect(try reader.share(route, rows: rows) == nil, "\(name)")
            try reader.finish()
        }
    }

    @Test("A table that inherits is cut without its children, whose pages have the same numbers")
    func inheritance() throws {
        let fixture = try SourceFixture(
            Self.table + """
                CREATE TABLE child () INHERITS (plain);
                INSERT INTO child SELECT i, 'child' FROM generate_series(1, 5000) i;
                """)
        let route = try fixture.route("plain")
        let reader = try fixture.source.openReader(label: "load-1")
        _ = try reader.begin(route)
        let shared = try #require(try reader.share(route, rows: 3000))
        let found = try (0..<shared.count).flatMap { try lines(reader, route, shared.range($0)) }
        #expect(found.count == 20_000)
    }

    @Test("While a snapshot is shared, its rows cannot be moved")
    func locked() throws {
        let fixture = try SourceFixture(Self.table)
        let route = try fixture.route("plain")
        let reader = try fixture.source.openReader(label: "load-1")
        _ = try reader.begin(route)
        _ = try #require(try reader.share(route, rows: 3000))
        try fixture.admin.run("SET lock_timeout = '100ms'")
        for statement in ["VACUUM FULL plain", "TRUNCATE plain"] {
            #expect(throws: PGError.Server.self) { try fixture.admin.run(statement) }
        }
    }
}
