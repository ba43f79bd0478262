import ReplicationModel
import Testing

@testable import MySQLConnector

/// What comes of the transactions of Recordings/groups.sql.
@Suite("Transactions of the binlog")
struct GroupTests {
    /// Its DDL, and `operation table old -> new` of each change of a transaction.
    static func lines(_ batch: ChangeBatch) -> [[String]] {
        batch.transactions.indices.map { index in
            let mark = batch.transactions[index]
            let definitions = batch.definitions.filter { $0.transaction == index }
            return definitions.map { "\($0.what) \($0.name.name)" }
                + mark.changes.map { line(batch, batch.changes[$0]) }
        }
    }

    static func line(_ batch: ChangeBatch, _ change: Change) -> String {
        let table = batch.tables[Int(change.table)]
        func row(_ first: Int32) -> String {
            guard first >= 0 else { return "" }
            return " "
                + table.columns.indices.map {
                    let value = batch.values[Int(first) + $0]
                    return value.isUnchanged ? "?" : batch.text(of: value) ?? "NULL"
                }.joined(separator: ",")
        }
        let arrow = change.operation == .update ? " ->" : ""
        return "\(change.operation) \(table.name.name)\(row(change.oldRow))\(arrow)"
            + row(change.newRow)
    }

    static let common: [[String]] = [
        ["CREATE TABLE inn"], ["CREATE TABLE mis"],
        ["insert inn 1,one", "insert inn 2,two"], ["update inn 1,one -> 1,uno"],
        ["update inn 2,two -> 3,two"], ["delete inn 3,two"], ["insert mis 1,m"],
        ["insert inn 10,a", "insert inn 12,c"], ["insert inn 31,in front of DDL"],
        ["CREATE TABLE ddl"], ["insert inn 32,behind"],
        [
            "CREATE TABLE ctas", "insert ctas 1,uno", "insert ctas 10,a",
            "insert ctas 12,c", "insert ctas 31,in front of DDL", "insert ctas 32,behind",
        ], ["insert inn 40,xa"], ["truncate ddl"], ["CREATE TABLE par"],
        ["insert par 1"],
    ]

    @Test("Groups of both flavours give the same transactions", arguments: Recording.servers)
    func groups(_ server: String) throws {
        let batch = try Feeder.decode("\(server)-groups", partial: true)
        let found = Self.lines(batch).filter { !$0.isEmpty }
        #expect(Array(found.prefix(Self.common.count)) == Self.common)
        let both = ["update inn 1,uno -> 1,both", "update par 1 -> 2"]
        #expect(found.contains { Set($0) == Set(both) })
        #expect(found.contains { $0.count == 900 && $0[899] == "insert inn 1000,\(x20)" })
    }

    private let x20 = String(repeating: "x", count: 20)

    @Test(
        "B03: columns that the log left out are unchanged, not NULL", arguments: Recording.servers)
    func partial(_ server: String) throws {
        let found = Self.lines(try Feeder.decode("\(server)-groups", partial: true))
        let insert = found.filter { $0.first?.hasPrefix("insert mini") == true }
        let update = found.filter { $0.first?.hasPrefix("update mini") == true }
        #expect(insert == [["insert mini 1,2,?,?"]])
        #expect(update == [["update mini 1,?,?,? -> 1,?,?,5"]])
        #expect(found.contains(["delete mini 1,?,?,?"]))
        #expect(throws: MalformedEvent.partialImage) {
            _ = try Feeder.decode("\(server)-groups")
        }
    }

    @Test("B07: compressed rows and statements", arguments: ["mariadb1011", "mariadb118"])
    func compressed(_ server: String) throws {
        let found = Self.lines(try Feeder.decode("\(server)-groups", partial: true))
        let (w, y, z) = ("wwwwwwwwwwwwwwwwwwww", "yyyyyyyyyyyyyyyyyyyy", "zzzzzzzzzzzzzzzzzzzz")
        #expect(
            found.contains([
                "insert inn 2000,\(z)", "insert inn 2001,\(y)", "insert inn 2002,\(z)",
            ]))
        #expect(found.contains { $0.first == "update inn 2000,\(z) -> 2000,\(w)" })
        #expect(found.contains { $0.first == "delete inn 2000,\(w)" && $0.count == 3 })
        let long = "compressed_statement_with_a_long_name_so_that_it_pays"
        #expect(found.contains(["CREATE TABLE \(long)"]))
    }

    @Test(
        "B18: what was rolled back to a savepoint is gone",
        arguments: ["mariadb1011", "mariadb118"])
    func savepoint(_ server: String) throws {
        let found = Self.lines(try Feeder.decode("\(server)-groups", partial: true))
        #expect(found.contains(["insert inn 20,a", "insert inn 22,c"]))
        #expect(found.contains(["insert mis 21,stays"]))
        #expect(!found.joined().contains { $0.contains("gone") || $0.contains("never") })
    }

    @Test("B23: an ALTER in two phases is one statement", arguments: ["mariadb1011", "mariadb118"])
    func alter(_ server: String) throws {
        let found = Self.lines(try Feeder.decode("\(server)-groups", partial: true))
        #expect(found.count { $0.first == "ALTER TABLE inn" } == 1)
        #expect(found.contains(["insert inn 4000,altered,1"]))
    }

    @Test("B02: changes marked to be skipped, as the option says", arguments: ["mariadb118"])
    func skipped(_ server: String) throws {
        let all = Self.lines(try Feeder.decode("\(server)-groups", partial: true))
        #expect(all.contains(["insert inn 3001,skip"]))
        let rest = Self.lines(try Feeder.decode("\(server)-groups", partial: true, skipped: true))
        #expect(!rest.contains(["insert inn 3001,skip"]))
        #expect(rest.count == all.count)
    }

    @Test("B06, B24: a compressed transaction, and one with a tagged GTID")
    func mysql() throws {
        let batch = try Feeder.decode("mysql97-groups", partial: true)
        let found = Self.lines(batch)
        let z = String(repeating: "z", count: 20)
        let y = String(repeating: "y", count: 20)
        #expect(
            found.contains([
                "insert inn 2000,\(z)", "insert inn 2001,\(y)", "update inn 2000,\(z) -> 2000,w",
            ]))
        let tagged = try #require(found.firstIndex(of: ["insert inn 3000,tagged"]))
        guard case .mysql(let lane, let number) = batch.transactions[tagged].gtid else {
            Issue.record("no GTID")
            return
        }
        #expect(lane.tag == "taga" && number > 0)
        #expect(found.contains(["insert inn 3001,query"]))
        #expect(abs(batch.transactions[tagged].commitTime - 1_795_000_000_000_000) < 1 << 55)
    }

    @Test("Every transaction has a GTID, and they grow along the log", arguments: Recording.servers)
    func gtids(_ server: String) throws {
        let batch = try Feeder.decode("\(server)-groups", partial: true)
        var set = GTIDSet()
        for mark in batch.transactions where mark.xid != 0 {
            let isNew = set.insert(try #require(mark.gtid))
            #expect(isNew)
        }
        if server.hasPrefix("mysql") {
            let lanes = set.description.split(separator: ":taga:")
            #expect(lanes.count == 2)
        } else {
            #expect(set.description.contains(",7-"))
        }
    }

    @Test(
        "B10, B12: positions are the file's own, with and without the server's word on them",
        arguments: Recording.servers, [0, UInt32(1), 2])
    func positions(_ server: String, _ how: UInt32) throws {
        var feeder = Feeder(partial: true)
        // Beyond 4 GB what the server says has wrapped.
        let base: UInt64 = how == 2 ? 1 << 32 + 1_000 : 4
        var starts: Set<UInt64> = []
        try feeder.feed(Recording.rotation(offset: base))
        var at = base
        for event in try Recording.events("\(server)-groups") {
            let isDescription = event[4] == EventType.formatDescription.rawValue
            if isDescription, how == 2 {
                try feeder.feed(Repack.event(event, next: 0))
                continue
            }
            if event[4] == EventType.rotate.rawValue { break }
            at += UInt64(event.count)
            starts.insert(at)
            let next = how == 0 ? UInt32(truncatingIfNeeded: at) : 0
            // MariaDB 11.4 leaves it out inside transactions only.
            let isReal = how != 1 || isDescription || event[4] == EventType.gtidList.rawValue
            try feeder.feed(
                Repack.event(event, next: isReal ? UInt32(truncatingIfNeeded: at) : next))
        }
        let batch = feeder.finish()[0]
        var last = LogPosition.zero
        for mark in batch.transactions {
            #expect(mark.commitPosition < mark.endPosition)
            #expect(mark.commitPosition >= last)
            #expect(starts.contains(UInt64(mark.endPosition.offset)))
            last = mark.endPosition
        }
        #expect(UInt64(last.offset) == at)
    }

    @Test("Parts of a large transaction add up to it", arguments: Recording.servers)
    func parts(_ server: String) throws {
        let whole = Self.lines(try Feeder.decode("\(server)-groups", partial: true)).joined()
        var feeder = Feeder(partial: true, changes: 100)
        try feeder.feed(Recording.rotation())
        for event in try Recording.events("\(server)-groups") { try feeder.feed(event) }
        let batches = feeder.finish()
        #expect(batches.count > 3)
        #expect(Array(batches.map(Self.lines).joined().joined()) == Array(whole))
        var isOpen = false
        for mark in batches.flatMap(\.transactions) {
            #expect(mark.isFirstPart != isOpen)
            isOpen = !mark.isLastPart
        }
        #expect(!isOpen)
    }

    @Test("Tables that are nobody's cost no decoding, and no error")
    func passed() throws {
        let batch = try Feeder.decode("mysql97-groups", FollowedTables([:]))
        #expect(batch.changes.isEmpty && batch.tables.isEmpty)
        #expect(batch.transactions.count > 20)
    }
}
