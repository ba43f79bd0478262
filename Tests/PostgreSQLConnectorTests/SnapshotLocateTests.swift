import PostgreSQLConnector
import ReplicationEngine
import ReplicationModel
import Testing

@Suite(.serialized) struct SnapshotLocateTests {
    @Test("A15: 10,000 keys are placed as the server's ORDER BY does")
    func placement() throws {
        let fixture = try SnapshotReaderTests.fixture(rows: 10_000)
        for (at, keyed) in SnapshotReaderTests.keyed.enumerated() {
            try placement(fixture, try fixture.route("t\(at)"), keyed.name)
        }
    }

    private func placement(_ fixture: SourceFixture, _ route: TableRoute, _ name: String) throws {
        let names = route.keyColumns.map(\.name.quotedIdentifier).joined(separator: ", ")
        let ordered = try fixture.admin.run(
            "SELECT \(names) FROM \(route.source.name.quoted) ORDER BY \(names)")
        let keys = (0..<ordered.rowCount).map { row in
            Key(texts: route.key.indices.map { ordered.text(row, $0) ?? "" })
        }
        let cuts = stride(from: 99, to: keys.count, by: 100).map { keys[$0] }
        let shuffled = keys.indices.shuffled()
        let places = try fixture.source.locate(shuffled.map { keys[$0] }, in: route, among: cuts)
        // A chunk is closed above: the key that is a cut belongs to the chunk that it ends.
        #expect(places == shuffled.map { min($0 / 100, cuts.count) }, "\(name)")
        #expect(keys.count > 900, "\(name)")
    }

    @Test("No cuts, no keys, repeated keys")
    func edges() throws {
        let fixture = try SnapshotReaderTests.fixture(rows: 10, [SnapshotReaderTests.keyed[0]])
        let route = try fixture.route("t0")
        let key = Key(texts: ["5"])
        #expect(try fixture.source.locate([], in: route, among: [key]) == [])
        #expect(try fixture.source.locate([key, key], in: route, among: []) == [0, 0])
        let cuts = [Key(texts: ["4"]), Key(texts: ["5"]), Key(texts: ["6"])]
        let keys = ["5", "6", "4", "7", "5", "-9"].map { Key(texts: [$0]) }
        #expect(try fixture.source.locate(keys, in: route, among: cuts) == [1, 2, 0, 3, 1, 0])
    }
}
