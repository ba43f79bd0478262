import Foundation
import ReplicationModel
import Testing

@testable import MySQLConnector

/// Every type against what the server itself says of the same rows.
@Suite("Values of the binlog")
struct ValueTests {
    struct Expected: Decodable {
        var version: String
        var tables: [String: Table]

        struct Table: Decodable {
            /// Name, type, declaration.
            var columns: [[String]]
            var rows: [[String?]]
        }
    }

    static func expected(_ server: String) throws -> Expected {
        try JSONDecoder().decode(
            Expected.self, from: Data(try Recording.data("\(server)-values.json")))
    }

    /// The catalogue's word on what is bytes to the log (B57).
    static func hints(_ expected: Expected) -> FollowedTables {
        let hints = expected.tables.map { name, table in
            let columns = table.columns.map {
                TableHint.Column(name: $0[0], special: special($0[1]))
            }
            return (
                TableName(schema: "martlet_recording", name: name),
                TableHint(id: 77, columns: columns)
            )
        }
        return FollowedTables(Dictionary(uniqueKeysWithValues: hints))
    }

    private static func special(_ type: String) -> TableHint.Special? {
        switch type {
        case "uuid": .uuid
        case "inet6": .inet6
        case "inet4": .inet4
        default: nil
        }
    }

    @Test("The text of every value is the server's", arguments: Recording.servers)
    func values(_ server: String) throws {
        let expected = try Self.expected(server)
        let batch = try Feeder.decode("\(server)-values", Self.hints(expected))
        var found: [String: [[String?]]] = [:]
        for change in batch.changes {
            let table = batch.tables[Int(change.table)]
            let row = (0..<table.columns.count).map {
                batch.text(of: batch.values[Int(change.newRow) + $0])
            }
            found[table.name.name, default: []].append(row)
        }
        #expect(found.keys.sorted() == expected.tables.keys.sorted())
        for (name, table) in expected.tables.sorted(by: { $0.key < $1.key }) {
            let rows = found[name] ?? []
            #expect(rows.count == table.rows.count, "\(name)")
            for (row, wanted) in zip(rows, table.rows) {
                for (column, (value, want)) in zip(table.columns, zip(row, wanted)) {
                    #expect(
                        value == want, "\(server) \(name).\(column[0]) id \(wanted[0] ?? "")")
                }
            }
        }
    }

    @Test("Names, keys and types come from the log", arguments: Recording.servers)
    func descriptions(_ server: String) throws {
        let expected = try Self.expected(server)
        let batch = try Feeder.decode("\(server)-values", Self.hints(expected))
        for table in batch.tables {
            let columns = try #require(expected.tables[table.name.name]).columns
            #expect(table.columns.map(\.name) == columns.map { $0[0] })
            #expect(table.columns.map(\.isIdentity) == columns.map { $0[0] == "id" })
            #expect(table.isFull)
        }
    }
}
