import Foundation
import ReplicationEngine
import ReplicationModel
import Testing

@testable import SQLiteConnector

@Suite("Load")
struct LoadRateTests {
    static let table = route(
        "t",
        [
            Column("id", .int64), Column("a", .text), Column("b", .int32), Column("c", .numeric),
            Column("d", .timestampWithZone), Column("e", .boolean), Column("f", .float64),
            Column("g", .text),
        ])

    static func block(_ first: Int, _ count: Int) -> [UInt8] {
        var text = ""
        for id in first..<first + count {
            text +=
                "\(id)\tname of \(id)\t\(id % 1000)\t\(id).50\t2024-03-04 10:36:07.123456+00\tt\t"
                + "0.5\t\\N\n"
        }
        return Array(text.utf8)
    }

    @Test("A load stores every row it was given, block by block")
    func everyRow() throws {
        #if DEBUG
            let blocks = 20
        #else
            let blocks = 1000
        #endif
        let file = try TargetFile([Self.table])
        let applier = try file.target.openApplier([Self.table], label: "load")
        defer { applier.close() }
        let all = (0..<blocks).map { Self.block($0 * 1000, 1000) }
        let start = ContinuousClock.now
        try applier.begin()
        try applier.beginRows(route: 0, format: .copyText)
        for block in all { try block.withUnsafeBytes { try applier.writeRows($0) } }
        #expect(try applier.endRows() == Int64(blocks * 1000))
        try applier.commit(nil, durable: true)
        let seconds = (ContinuousClock.now - start) / .seconds(1)
        #if !DEBUG
            // Far below what was measured, so that a busy machine does not fail it.
            #expect(Double(blocks * 1000) / seconds > 60_000)
        #endif
        let rate = Int(Double(blocks * 1000) / seconds)
        #expect(rate > 0, "\(rate) rows/s")
        if let path = ProcessInfo.processInfo.environment["MARTLET_RATES"] {
            try "\(rate) rows/s\n".write(toFile: path, atomically: true, encoding: .utf8)
        }
        #expect(
            try file.rows("SELECT count(*) || ' ' || sum(id) || ' ' || max(a) FROM t")
                == [
                    "\(blocks * 1000) \(blocks * 1000 * (blocks * 1000 - 1) / 2) "
                        + "name of \(Self.largestByText(blocks * 1000))"
                ])
    }

    /// The greatest of 0 ..< count as text.
    static func largestByText(_ count: Int) -> String {
        (0..<count).map { String($0) }.max() ?? ""
    }
}
