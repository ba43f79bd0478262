import ReplicationModel
import Testing

/// A schedule too rare for chance: a key-chunk whose own closing makes it pending again.
@Suite("Merge of load and stream, schedules by hand")
struct MergeDirectedTests {
    private static let script: [[SourceChange]] = {
        func row(_ value: String, _ key: Int) -> ModelRow {
            ModelRow(value: value, large: "l\(key)")
        }
        func move(_ old: Int, _ before: ModelRow, _ new: Int, _ after: ModelRow) -> [SourceChange] {
            [
                SourceChange(
                    table: 0, operation: .update, old: old, new: new, oldRow: before,
                    newRow: after, isIncomplete: true)
            ]
        }
        return [
            move(7, row("first", 7), 9, row("x1", 7)),
            [SourceChange(table: 0, operation: .delete, old: 9, oldRow: row("x1", 7))],
            move(10, row("first", 10), 9, row("x3", 10)),
        ]
    }()

    /// Chunk 1 up to 7 is claimed; chunk 2 is copied; the first change makes key-chunk 9; chunk 1
    /// is copied; key-chunk 9 is read; the other two changes park with it; it closes and commits.
    private static let schedule: [(ModelStep, Int)] = [
        (.worker(0), 3), (.worker(1), 10),
        (.commit, 1), (.show(ModelSource.firstXID), 1), (.receive(1), 1), (.stream, 5),
        (.worker(0), 7), (.worker(1), 4),
        (.commit, 1), (.show(ModelSource.firstXID + 1), 1),
        (.commit, 1), (.show(ModelSource.firstXID + 2), 1), (.receive(2), 1), (.stream, 6),
        (.worker(1), 3), (.kill, 1),
    ]

    private func outcome(_ options: ModelOptions) throws -> String? {
        var world = try #require(SmallScripts.world(Self.script, before: 0, options))
        world.trace = Trace()
        for (step, times) in Self.schedule {
            for _ in 0..<times {
                let done = try world.perform(step)
                #expect(done, "\(step) was not possible\n\(world.trace?.lines.suffix(12) ?? [])")
            }
        }
        do {
            try MergeSchedules.drain(&world)
            try world.checkOutcome()
            return nil
        } catch { return "\(error)" }
    }

    @Test("A key-chunk that closes and becomes pending in one transaction is copied again")
    func keyChunkTwice() throws {
        let options = ModelOptions(hasToast: true)
        #expect(try outcome(options) == nil)
        #expect(try outcome(options.without(.recordOverPending)) != nil)
    }
}
