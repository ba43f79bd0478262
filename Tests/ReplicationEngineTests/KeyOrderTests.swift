import Foundation
import ReplicationEngine
import ReplicationModel
import Testing

@Suite("Order of keys")
struct KeyOrderTests {
    static func column(_ kind: ValueKind, collation: String? = nil) -> Column {
        let type = ColumnType(
            declaration: kind.rawValue, castName: kind.rawValue, id: 0, modifier: -1, kind: kind)
        return Column(name: "k", type: type, collation: collation)
    }

    static func isOrderedHere(_ columns: [Column]) -> Bool {
        if case .here = KeyOrder(columns) { true } else { false }
    }

    @Test("Only kinds whose order was compared with the server's are ordered here")
    func kinds() {
        let here: Set<ValueKind> = [.int16, .int32, .int64, .oid, .uuid, .bytes]
        for kind in ValueKind.allCases {
            #expect(Self.isOrderedHere([Self.column(kind)]) == here.contains(kind), "\(kind)")
        }
    }

    @Test("Text is ordered here only under collation C")
    func collations() {
        for name in ["pg_catalog.\"C\"", "\"C\"", "pg_catalog.\"POSIX\""] {
            #expect(Self.isOrderedHere([Self.column(.text, collation: name)]), "\(name)")
        }
        for name in [
            "\"de_DE\"", "public.\"C\"", "pg_catalog.\"ucs_basic\"", "pg_catalog.\"C.utf8\"",
        ] {
            #expect(!Self.isOrderedHere([Self.column(.text, collation: name)]), "\(name)")
        }
    }

    @Test("What MySQL or MariaDB order in their own way is not ordered here")
    func dialects() {
        for kind in [ValueKind.uuid, .bytes] {
            if case .here = KeyOrder([Self.column(kind)], .mariadb) { Issue.record("\(kind)") }
        }
        guard case .here = KeyOrder([Self.column(.int64)], .mysql) else {
            Issue.record("integers are ordered here")
            return
        }
    }

    @Test("One column that is not ordered here makes the whole key the source's")
    func mixed() {
        #expect(!Self.isOrderedHere([Self.column(.int32), Self.column(.numeric)]))
    }

    @Test("Integers compare by value, over all of 64 bits")
    func integers() throws {
        let order = KeyOrder([Self.column(.int64)])
        let numbers: [Int64] = [
            .min, .min + 1, -256, -255, -10, -9, -1, 0, 1, 9, 10, 255, 256, .max,
        ]
        let keys = try numbers.map { try #require(order.sortable(Key(texts: [String($0)]))) }
        for (low, high) in zip(keys, keys.dropFirst()) {
            #expect(low.precedes(high))
            #expect(!high.precedes(low))
        }
    }

    @Test("A text ends before any longer one, also in front of another column")
    func prefixes() throws {
        let order = KeyOrder([Self.column(.text, collation: "\"C\""), Self.column(.int32)])
        let keys = try [("", 5), ("a", 9), ("a", 10), ("a\u{1}", -1), ("aa", 1), ("b", 0)].map {
            try #require(order.sortable(Key(texts: [$0.0, String($0.1)])))
        }
        for (low, high) in zip(keys, keys.dropFirst()) { #expect(low.precedes(high)) }
    }

    @Test("Bytes: a prefix comes first, also in front of another column")
    func bytes() throws {
        let order = KeyOrder([Self.column(.bytes), Self.column(.int32)])
        let keys = try [("\\x", 1), ("\\x00", 0), ("\\x0000", 0), ("\\x01", 0), ("\\xff", 0)].map {
            try #require(order.sortable(Key(texts: [$0.0, String($0.1)])))
        }
        for (low, high) in zip(keys, keys.dropFirst()) { #expect(low.precedes(high)) }
    }

    @Test("A value that is not of its kind has no order")
    func invalid() {
        #expect(KeyOrder([Self.column(.int32)]).sortable(Key(texts: ["1.0"])) == nil)
        #expect(KeyOrder([Self.column(.int32)]).sortable(Key(texts: [""])) == nil)
        #expect(KeyOrder([Self.column(.uuid)]).sortable(Key(texts: ["abc"])) == nil)
        #expect(KeyOrder([Self.column(.bytes)]).sortable(Key(texts: ["\\"])) == nil)
        #expect(KeyOrder([Self.column(.int32)]).sortable(Key(texts: ["1", "2"])) == nil)
        #expect(KeyOrder([Self.column(.numeric)]).sortable(Key(texts: ["1"])) == nil)
    }
}
