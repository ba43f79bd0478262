import Testing

/// Rows of the first table change with a table that they refer to, and the log does not say so.
@Suite("Merge of load and stream with foreign keys whose actions are not in the log")
struct MergeCascadeTests {
    static let configurations: [ModelOptions] = [
        ModelOptions(cascades: .follows, source: .exact),
        ModelOptions(hasTruncate: true, hasParts: true, cascades: .follows, source: .exact),
        ModelOptions(asksSource: true, cascades: .sets, source: .exact, workers: 3),
        ModelOptions(hasParts: true, hasUnique: true, cascades: .follows, source: .exact),
        ModelOptions(isMoveHeavy: true, cascades: .follows, source: .exact),
        ModelOptions(hasTruncate: true, hasParts: true, cascades: .deletes, source: .window),
        ModelOptions(hasParts: true, cascades: .sets, source: .window, workers: 3),
        ModelOptions(hasUnique: true, cascades: .deletes, source: .window),
        ModelOptions(hasParts: true, cascades: .follows, source: .window),
        ModelOptions(isMoveHeavy: true, hasUnique: true, cascades: .follows, source: .window),
    ]

    @Test("Every schedule ends with the source's rows at the target", arguments: configurations)
    func everySchedule(_ options: ModelOptions) {
        let count = MergeSchedules.runs ?? 10_000
        let (wrong, total) = MergeSchedules.shortestWrong(options, count: count)
        #expect(wrong == nil, "\(total) of \(count) wrong")
    }

    static let plain = ModelOptions(cascades: .follows, source: .exact)

    static let broken: [ModelOptions] = [
        plain.without(.cascadeParked), plain.without(.cascadeOwnRows),
        plain.without(.cascadeJudged), plain.without(.cascadeClosing),
        plain.without(.cascadeOrder),
    ]

    @Test("Some schedule goes wrong without a rule", arguments: broken)
    func goesWrong(_ options: ModelOptions) {
        let wrong = MergeSchedules.firstWrong(options, from: 0, count: 100_000)
        #expect(wrong != nil, "none of 100,000 schedules")
    }
}
