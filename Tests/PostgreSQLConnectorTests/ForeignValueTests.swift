import Foundation
import PostgreSQLConnector
import ReplicationEngine
import ReplicationModel
import Testing

/// Every type of MySQL and MariaDB: its canonical text goes in on every way into a table, and comes
/// out as it was (I8), or as docs/types.md says.
@Suite("Values of MySQL and MariaDB in PostgreSQL")
struct ForeignValueTests {
    /// The tables as the plan makes them, with state for an applier.
    private func made(_ routes: [TableRoute], on server: String) throws -> TestDatabase {
        let database = try TestDatabase(on: server)
        let target = try Fixture.acquired(database)
        defer { target.close() }
        let plan = try target.schemaPlan(routes, prerequisites: [])
        try #require(plan.problems.isEmpty, "\(plan.problems)")
        try target.run(
            plan.beforeRows + plan.keys.values.joined() + plan.whenConsistent, tables: [])
        return database
    }

    private func applier(
        _ routes: [TableRoute], on database: TestDatabase, net: Bool = true
    ) throws -> PGApplier {
        let epoch = try database.connect().run("SELECT epoch FROM martlet.pipeline").integer(0, 0)
        return try PGApplier(
            connection: try database.connect(.target),
            fence: PGFence(pipeline: "shop", epoch: epoch ?? 0), routes: routes, mayNet: net)
    }

    /// A column for every type.
    private static var everything: TableRoute {
        let columns = Foreign.kinds.enumerated().map { Foreign.column("c\($0)", $1) }
        return Foreign.table("t", [Foreign.column("id", Foreign.int, null: false)] + columns)
    }

    private static let rows = 0..<(Foreign.kinds.map(\.values.count).max() ?? 0)

    private static func values(_ row: Int) -> [String] {
        Foreign.kinds.map { $0.values[row % $0.values.count] }
    }

    private static func copyText(_ text: String) -> String {
        text.replacing("\\", with: "\\\\").replacing("\t", with: "\\t")
            .replacing("\n", with: "\\n")
    }

    private func load(_ applier: PGApplier) throws {
        try applier.begin()
        #expect(applier.rowFormats(route: 0) == [.copyText])
        try applier.beginRows(route: 0, format: .copyText)
        for row in Self.rows {
            let fields = (["\(200 + row)"] + Self.values(row)).map(Self.copyText)
            try Array((fields.joined(separator: "\t") + "\n").utf8).withUnsafeBytes {
                try applier.writeRows($0)
            }
        }
        #expect(try applier.endRows() == Int64(Self.rows.count))
        try applier.commit(nil, durable: false)
    }

    @Test(
        "A36-A39: The text that went in comes out, streamed and loaded",
        arguments: TestDatabase.servers)
    func values(server: String) throws {
        let route = Self.everything
        let database = try made([route], on: server)
        for (first, net) in [(0, true), (100, false)] {
            var builder = BatchBuilder([route])
            for row in Self.rows {
                builder.insert(0, ["\(first + row)"] + Foreign.kinds.map { _ in nil })
                builder.commit()
                builder.update(0, ["\(first + row)"] + Self.values(row))
                builder.commit()
            }
            try applier([route], on: database, net: net).run(builder.batch)
        }
        try load(try applier([route], on: database))
        for (number, kind) in Foreign.kinds.enumerated() {
            let found = try database.connect().run(
                "SELECT format('%s', c\(number)) FROM shop.t ORDER BY id"
            ).column(0)
            let wanted = Self.rows.map { Self.values($0)[number] }.map { kind.back[$0] ?? $0 }
            #expect(found == wanted + wanted + wanted, "\(kind)")
        }
        let types = try database.connect().run(
            """
            SELECT format_type(atttypid, atttypmod) FROM pg_attribute \
            WHERE attrelid = 'shop.t'::regclass AND attnum > 1 ORDER BY attnum
            """
        ).column(0)
        #expect(types == Foreign.kinds.map(\.becomes))
    }

    @Test("A row is found by a key of every type that can be one")
    func keys() throws {
        let kinds = Foreign.kinds.filter { ![.json, .geometry, .vector].contains($0.kind) }
        let routes = kinds.enumerated().map { number, kind in
            Foreign.table(
                "k\(number)", id: UInt32(number + 1), [kind.column("v", null: false)],
                key: ["v"])
        }
        let database = try made(routes, on: "pg17")
        let applier = try applier(routes, on: database)
        var builder = BatchBuilder(routes)
        var removal = BatchBuilder(routes)
        for (number, kind) in kinds.enumerated() {
            for value in kind.values { builder.insert(number, [value]) }
            for value in kind.values { removal.delete(number, [value]) }
        }
        builder.commit()
        removal.commit()
        try applier.run(builder.batch)
        try applier.run(removal.batch)
        for route in routes {
            let left = try database.connect().run("SELECT FROM \(route.target.quoted)").rowCount
            #expect(left == 0, "\(route.columns[0].type.declaration)")
        }
    }
}
