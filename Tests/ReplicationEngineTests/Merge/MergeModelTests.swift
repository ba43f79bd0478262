import Testing

@Suite("Merge of load and stream, random schedules over the real ledger")
struct MergeModelTests {
    static let configurations: [ModelOptions] = [
        ModelOptions(),
        ModelOptions(hasToast: true),
        ModelOptions(hasToast: true, isMoveHeavy: true),
        ModelOptions(hasTruncate: true),
        ModelOptions(hasToast: true, hasTruncate: true, hasKeyless: true, hasParts: true),
        ModelOptions(hasToast: true, hasParts: true, workers: 3),
        ModelOptions(hasToast: true, hasTruncate: true, hasKeyless: true, asksSource: true),
        ModelOptions(hasUnique: true),
        ModelOptions(
            hasToast: true, hasTruncate: true, hasKeyless: true, hasParts: true, hasUnique: true,
            workers: 3),
        ModelOptions(hasToast: true, isMoveHeavy: true, hasUnique: true),
        ModelOptions(hasToast: true, hasUnique: true, source: .window),
        ModelOptions(hasToast: true, source: .window),
        ModelOptions(hasToast: true, isMoveHeavy: true, source: .window),
        ModelOptions(
            hasToast: true, hasTruncate: true, hasParts: true, source: .window, workers: 3),
        ModelOptions(hasTruncate: true, hasUnique: true, source: .window),
        ModelOptions(hasToast: true, hasTruncate: true, hasKeyless: true, source: .exact),
        ModelOptions(hasToast: true, isMoveHeavy: true, source: .standby),
        ModelOptions(hasToast: true, hasTruncate: true, hasParts: true, source: .standby),
        ModelOptions(hasLateKey: true),
        ModelOptions(
            hasToast: true, hasTruncate: true, hasKeyless: true, hasParts: true, hasLateKey: true,
            workers: 3),
        ModelOptions(hasToast: true, isMoveHeavy: true, hasParts: true, hasLateKey: true),
        ModelOptions(
            hasTruncate: true, hasParts: true, asksSource: true, hasLateKey: true, source: .window,
            workers: 3),
        ModelOptions(hasToast: true, hasParts: true, hasLateKey: true, source: .exact),
    ]

    @Test("Every schedule ends with the source's rows at the target", arguments: configurations)
    func everySchedule(_ options: ModelOptions) {
        let count = MergeSchedules.runs ?? 10_000
        let (wrong, total) = MergeSchedules.shortestWrong(options, count: count)
        #expect(wrong == nil, "\(total) of \(count) wrong")
    }

    /// Chunks that closed ahead of the stream's commit; a kill; the table live too early.
    @Test(
        "Seeds that once went wrong",
        arguments: zip([configurations[0], configurations[4]], [38980, 63403] as [UInt64]))
    func seeds(_ options: ModelOptions, _ seed: UInt64) {
        #expect(MergeSchedules.run(options, seed: seed) == nil)
        #expect(MergeSchedules.run(options.without(.liveClosedAt), seed: seed) != nil)
    }
}
