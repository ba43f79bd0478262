import PostgreSQLConnector
import ReplicationEngine
import ReplicationModel
import Testing

/// Changes of rows that a chunk may have or not (DESIGN 6.6), net and one by one.
@Suite("Applying changes that a chunk may contain already")
struct ApplyIdempotentTests {
    static let modes = [true, false]
    private static let unchanged = BatchBuilder.unchanged
    private static let upsert = ChangeAction(.insertNew, clearing: .new)
    private static let remove = ChangeAction(.nothing, clearing: .old)

    private func fixture() throws -> (ApplyFixture, TableRoute) {
        let fixture = try ApplyFixture()
        try fixture.connection.run(
            """
            CREATE SCHEMA s; CREATE TABLE s.t (id int PRIMARY KEY, v text, big text);
            INSERT INTO s.t SELECT n, 'old', 'B' || n FROM generate_series(1, 5) n
            """)
        return (fixture, try fixture.route("t", from: "s", to: "s", key: ["id"]))
    }

    private static func apply(
        _ changes: [(ChangeAction, (inout BatchBuilder) -> Void)], net: Bool, _ route: TableRoute,
        _ fixture: ApplyFixture
    ) throws -> PGApplier {
        let applier = try fixture.applier([route], net: net)
        var builder = BatchBuilder([route])
        for (_, add) in changes { add(&builder) }
        builder.commit()
        try applier.run(builder.batch, actions: changes.map(\.0))
        return applier
    }

    @Test("Rows that are there and rows that are not end alike", arguments: modes)
    func eitherWay(net: Bool) throws {
        let (fixture, route) = try fixture()
        let both: ChangeSides = .both
        let applier = try Self.apply(
            [
                (.whole, { $0.update(0, ["3", "first", Self.unchanged]) }),
                (Self.upsert, { $0.insert(0, ["1", "put", "b"]) }),
                (Self.upsert, { $0.insert(0, ["10", "put", "b"]) }),
                (Self.upsert, { $0.update(0, ["11", "set", "b"]) }),
                (Self.remove, { $0.delete(0, ["2", nil, nil]) }),
                (Self.remove, { $0.delete(0, ["20", nil, nil]) }),
                (ChangeAction(.updateIfThere), { $0.update(0, ["3", "kept", Self.unchanged]) }),
                (ChangeAction(.updateIfThere), { $0.update(0, ["30", "none", Self.unchanged]) }),
                (
                    ChangeAction(.insertNew, clearing: both),
                    { $0.update(0, old: ["40", nil, nil], ["4", "moved", "b"]) }
                ),
                (
                    ChangeAction(.nothing, clearing: both),
                    { $0.update(0, old: ["10", nil, nil], ["5", "x", Self.unchanged]) }
                ),
                (.whole, { $0.insert(0, ["5", "strict", "b"]) }),
                (.whole, { $0.delete(0, ["11", nil, nil]) }),
            ], net: net, route, fixture)
        #expect(
            try fixture.content("s", ["t"]) == [
                "t": "(1,put,b)\n(3,kept,B3)\n(4,moved,b)\n(5,strict,b)"
            ])
        #expect(applier.fallbacks == 0)
    }

    @Test(
        "A move out of a strict row keeps its value over a row that may be there", arguments: modes)
    func moveOver(net: Bool) throws {
        let (fixture, route) = try fixture()
        let over = ChangeAction(.whole, clearing: .new)
        _ = try Self.apply(
            [
                (over, { $0.update(0, old: ["1", nil, nil], ["2", "x", Self.unchanged]) }),
                (over, { $0.update(0, old: ["3", nil, nil], ["9", "y", Self.unchanged]) }),
            ], net: net, route, fixture)
        #expect(
            try fixture.content("s", ["t"]) == [
                "t": "(2,x,B1)\n(4,old,B4)\n(5,old,B5)\n(9,y,B3)"
            ])
    }

    @Test("What is strict in an action stays strict", arguments: modes)
    func strict(net: Bool) throws {
        let (fixture, route) = try fixture()
        let cases: [(ChangeAction, (inout BatchBuilder) -> Void)] = [
            (
                ChangeAction(.whole, clearing: .new),
                { $0.update(0, old: ["8", nil, nil], ["1", "x", "y"]) }
            ),
            (
                ChangeAction(.insertNew, clearing: .old),
                { $0.update(0, old: ["8", nil, nil], ["1", "x", "y"]) }
            ),
        ]
        for one in cases {
            #expect(throws: ReplicationError.self) {
                _ = try Self.apply([one], net: net, route, fixture)
            }
        }
    }

    /// Only the net change meets the unique value twice, and falls back.
    @Test("A key made since the applier opened is found before the first change", arguments: modes)
    func lateKey(net: Bool) throws {
        let fixture = try ApplyFixture()
        try fixture.connection.run(
            "CREATE SCHEMA s; CREATE TABLE s.t (id int NOT NULL, k int UNIQUE); "
                + "INSERT INTO s.t VALUES (1, 1), (2, 2)")
        let route = try fixture.route("t", from: "s", to: "s", key: ["id"])
        let applier = try fixture.applier([route], net: net)
        var skipped = BatchBuilder([route])
        skipped.update(0, ["5", "5"])
        skipped.commit()
        try applier.run(skipped.batch, actions: [.skip])
        try fixture.connection.run("ALTER TABLE s.t ADD PRIMARY KEY (id)")
        try applier.run(BatchBuilder.swappingUniqueValues(of: route))
        #expect(try fixture.content("s", ["t"]) == ["t": "(1,2)\n(2,1)"])
        #expect(applier.fallbacks == (net ? 1 : 0))
    }
}
