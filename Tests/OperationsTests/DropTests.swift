import Configuration
import Foundation
import Operations
import ReplicationEngine
import ReplicationModel
import Testing

@Suite("drop")
struct DropTests {
    private let slot = SlotState(
        confirmed: LogPosition(rawValue: 9), isActive: false, activePID: nil,
        walStatus: "reserved", plugin: "pgoutput", database: "shop", isTwoPhase: false,
        invalidationReason: nil)

    @Test("Slot, publication, state go in this order, by the stored names")
    func order() throws {
        let (source, target) = (FakeSource([]), FakeTarget())
        source.set(\.slot, slot)
        target.set(\.stored, stored(valid: false))
        var report = try DropReport(try configuration(), source: source, target: target)
        #expect(source.calls.isEmpty)
        #expect(target.calls.isEmpty)
        #expect(report.items.map(\.name) == ["s1", "p1", "shop"])
        #expect(report.lines[0] == "would drop slot s1 (confirmed 0/9, not in use)")
        try report.drop(source: source, target: target)
        #expect(source.calls == ["drop slot s1", "drop publication p1"])
        #expect(target.calls == ["drop shop"])
        #expect(report.lines[0].hasPrefix("dropped slot s1"))
    }

    @Test("A publication made by somebody else stays; without state the configured names count")
    func given() throws {
        let (source, target) = (FakeSource([]), FakeTarget())
        let configuration = try configuration { $0.publication = "theirs" }
        var report = try DropReport(configuration, source: source, target: target)
        #expect(report.lines[0] == "left publication theirs (made by somebody else)")
        try report.drop(source: source, target: target)
        #expect(source.calls.isEmpty)
    }

    @Test("A pipeline that runs is not dropped")
    func running() throws {
        let (source, target) = (FakeSource([]), FakeTarget())
        source.set(\.slot, slot)
        target.set(\.stored, stored())
        var report = try DropReport(try configuration(), source: source, target: target)
        let error = #expect(throws: ReplicationError.self) {
            try report.drop(source: source, target: target)
        }
        #expect(error?.exitCode == 75)
        #expect(source.calls.isEmpty)
        #expect(target.calls.isEmpty)
    }

    @Test("A lease that a dead process of this machine left behind does not hinder")
    func deadHolder() throws {
        let (source, target) = (FakeSource([]), FakeTarget())
        let process = Process()
        process.executableURL = URL(filePath: "/bin/true")
        try process.run()
        process.waitUntilExit()
        let dead = Holder(
            host: ProcessInfo.processInfo.hostName, pid: process.processIdentifier, instance: "x")
        target.set(\.stored, stored { $0.holder = dead })
        var report = try DropReport(try configuration(), source: source, target: target)
        try report.drop(source: source, target: target)
        #expect(target.calls == ["drop shop"])
    }
}
