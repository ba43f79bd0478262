import ReplicationModel
import Testing

@testable import ReplicationEngine

@Suite("Heartbeats that are positions")
struct PositionBeatTests {
    private static func at(_ offset: Int) -> LogPosition {
        LogPosition(file: 1, offset: offset) ?? .zero
    }

    @Test("The newest one passed gives the time, once")
    func passed() {
        var beats = PositionBeats()
        for second in 1...5 { beats.add(Self.at(second * 10), Int64(second)) }
        #expect(beats.pass(Self.at(9)) == nil)
        #expect(beats.pass(Self.at(30)) == 3)
        #expect(beats.pass(Self.at(30)) == nil)
        #expect(beats.pass(Self.at(99)) == 5)
    }

    @Test("An idle log: several beats at one position, the newest counts")
    func idle() {
        var beats = PositionBeats()
        for second in 1...3 { beats.add(Self.at(10), Int64(second)) }
        #expect(beats.pass(Self.at(10)) == 3)
    }

    @Test("I6: a backlog of days keeps a bounded number, which still tell the time")
    func bounded() {
        var beats = PositionBeats()
        for second in 1...100_000 { beats.add(Self.at(second), Int64(second)) }
        #expect(beats.count <= 1000)
        let time = beats.pass(Self.at(50_000))
        #expect((49_000...50_000).contains(time ?? 0))
    }
}
