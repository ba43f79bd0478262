import ReplicationModel
import Testing

private let a = "3e11fa47-71ca-11e1-9e33-c80aa9429562"
private let b = "00000000-0000-0000-0000-00000000000b"

@Suite("GTIDs")
struct GTIDTests {
    @Test(
        "Text and value round-trip",
        arguments: [
            "\(a):1", "\(b):9223372036854775806", "\(a):taga:7", "\(a):_t1:7", "0-1-5", "0-0-0",
            "4294967295-4294967295-18446744073709551615",
        ])
    func roundTrip(_ text: String) throws {
        #expect(try #require(GTID(parsing: text)).description == text)
    }

    @Test(
        "Everything else is refused",
        arguments: [
            "", a, "\(a):", "\(a):0", "\(a):-1", "\(a):+1", "\(a):9223372036854775807",
            "\(a):1-2", "\(a):1t:1", "\(a):t-1:1", "\(a):t:", "\(a)::1", "x:1", "0-1", "0-1-5-6",
            "0--1-5", "+0-1-5", "4294967296-1-1", "\(a):\(String(repeating: "t", count: 33)):1",
        ])
    func refused(_ text: String) {
        #expect(GTID(parsing: text) == nil)
    }

    @Test("The server's UUID is read in capitals and without dashes")
    func serverUUID() throws {
        let plain = try #require(ServerUUID(parsing: a))
        #expect(ServerUUID(parsing: a.uppercased()) == plain)
        #expect(ServerUUID(parsing: a.filter { $0 != "-" }) == plain)
        #expect(ServerUUID(parsing: a.dropLast()) == nil)
        #expect(ServerUUID(parsing: "+" + a.dropFirst()) == nil)
        #expect(plain.rawValue >> 120 == 0x3e)
    }
}

@Suite("GTID sets")
struct GTIDSetTests {
    @Test(
        "Text and value round-trip",
        arguments: [
            "", "\(a):1", "\(a):1-36:38", "\(b):5,\(a):1-36:taga:1", "\(a):taga:1:3-4:tagb:2",
            "0-1-5", "0-1-5,1-2-70",
        ])
    func roundTrip(_ text: String) throws {
        let set = try #require(GTIDSet(parsing: text))
        #expect(set.description == text)
        #expect(set.isEmpty == text.isEmpty)
    }

    @Test("Order, white space, capitals and overlaps come out in the servers' form")
    func normal() throws {
        let text = " \(a.uppercased()):7-9:1-2:3 : TagA:1,\n\(b):1,\(a):taga:2,"
        #expect(GTIDSet(parsing: text)?.description == "\(b):1,\(a):1-3:7-9:taga:1-2")
        #expect(GTIDSet(parsing: "5-1-1,0-3-2")?.description == "0-3-2,5-1-1")
    }

    @Test(
        "Everything else is refused",
        arguments: [
            a, "\(a):", "\(a):2-1", "\(a):0-3", "\(a):1-2-3", "\(a):taga", "\(a):1,0-1-5",
            "0-1-5,0-2-7", "0-1", "\(a):1:t-x:2",
        ])
    func refused(_ text: String) {
        #expect(GTIDSet(parsing: text) == nil)
    }

    @Test("B25: one transaction of a domain stands for all before it")
    func domains() throws {
        var set = try #require(GTIDSet(parsing: "0-1-5"))
        #expect(set.contains(.mariadb(domain: 0, server: 9, number: 4)))
        #expect(!set.contains(.mariadb(domain: 1, server: 1, number: 1)))
        let isNew = [(0, 5), (0, 8), (7, 1)].map { domain, number in
            set.insert(.mariadb(domain: domain, server: 2, number: number))
        }
        #expect(isNew == [false, true, true])
        #expect(set.description == "0-2-8,7-2-1")
        let older = try #require(GTIDSet(parsing: "0-1-6,7-2-1"))
        #expect(older.isSubset(of: set))
        #expect(set.subtracting(older).description == "0-2-8")
    }

    /// Against sets of numbers, with a generator that repeats itself.
    @Test("Insert, contains, union and subtraction agree with sets of numbers", arguments: 1...200)
    func model(_ seed: UInt64) throws {
        var state = seed &* 0x9E37_79B9_7F4A_7C15
        func next(_ limit: UInt64) -> UInt64 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return (state >> 33) % limit
        }
        let lanes = try ["\(a):1", "\(a):t:1", "\(b):1"].map {
            guard case .mysql(let lane, _) = try #require(GTID(parsing: $0)) else {
                throw CancellationError()
            }
            return lane
        }
        func random() -> (GTIDSet, Set<GTID>) {
            var (set, model) = (GTIDSet(), Set<GTID>())
            for _ in 0..<next(40) {
                let gtid = GTID.mysql(lanes[Int(next(3))], number: next(30) + 1)
                let (isNew, isNewThere) = (set.insert(gtid), model.insert(gtid).inserted)
                #expect(isNew == isNewThere)
            }
            return (set, model)
        }
        let (left, leftModel) = random()
        let (right, rightModel) = random()
        let rest = left.subtracting(right)
        var both = left
        both.formUnion(right)
        for lane in lanes {
            for number in 1...UInt64(32) {
                let gtid = GTID.mysql(lane, number: number)
                #expect(left.contains(gtid) == leftModel.contains(gtid))
                #expect(rest.contains(gtid) == leftModel.subtracting(rightModel).contains(gtid))
                #expect(both.contains(gtid) == leftModel.union(rightModel).contains(gtid))
            }
        }
        #expect(left.isSubset(of: right) == leftModel.isSubset(of: rightModel))
        #expect(left.isSubset(of: both) && rest.isSubset(of: left))
        #expect(GTIDSet(parsing: both.description) == both)
    }
}
