import Testing

/// Shows that the model can fail: with one rule taken away some schedule goes wrong.
@Suite("Merge of load and stream without one of its rules")
struct MergeMutationTests {
    static let plain = ModelOptions()
    static let toast = ModelOptions(hasToast: true)
    static let truncate = ModelOptions(hasTruncate: true)
    static let unique = ModelOptions(hasUnique: true)
    static let parts = ModelOptions(hasToast: true, hasParts: true, workers: 3)

    static let late = ModelOptions(hasParts: true, hasLateKey: true)

    static let window = ModelOptions(hasToast: true, source: .window)
    static let standby = ModelOptions(hasToast: true, source: .standby)
    static let keyless = ModelOptions(hasTruncate: true, hasKeyless: true)
    static let windowParts = ModelOptions(hasParts: true, source: .window, workers: 3)

    static let broken: [ModelOptions] = [
        plain.without(.visibilityCheck), plain.without(.waitForClosing), plain.without(.closedAt),
        plain.without(.firstUnseen), plain.without(.storedUnseen), plain.without(.journalWithRows),
        plain.without(.livePosition), plain.without(.liveClosedAt),
        plain.without(.judgedPosition), plain.without(.mergePassed),
        toast.without(.keyChunkJournal), toast.without(.keyChunks),
        truncate.without(.void), truncate.without(.hold),
        truncate.without(.tableLock), truncate.without(.journalWithWipe),
        unique.without(.stagedClosing), unique.without(.stagedPosition),
        unique.without(.stagedStill), unique.without(.staging),
        window.without(.visibilityCheck), window.without(.keyChunks), window.without(.mergePassed),
        window.without(.lowVisible),
        window.without(.lowFirst), window.without(.highLast), window.without(.idempotence),
        window.without(.missingUpdate), window.without(.highPassed),
        windowParts.without(.partStreamed), standby.without(.visibilityCheck),
        standby.without(.highGreater), standby.without(.highLast), standby.without(.lowFirst),
        late.without(.keyFirst), late.without(.keyVoid), late.without(.keyStill),
        keyless.without(.oneSnapshot), keyless.without(.partsEmptied),
        keyless.without(.partsWaited),
        parts.without(.wholeTransactions), ModelOptions(asksSource: true).without(.frozenCuts),
    ]

    @Test("Every rule has a case here")
    func everyRule() {
        // That one needs four changes of one key: MergeDirectedTests.
        let others = Set(Rule.allCases).subtracting([.recordOverPending])
        let broken = Self.broken + MergeCascadeTests.broken
        #expect(Set(broken.compactMap(\.takenAway)) == others)
    }

    /// Where to look for what is rare, so that the test is quick; any other start finds it too.
    private static let starts: [Rule: UInt64] = [
        .liveClosedAt: 7900, .journalWithWipe: 14_100,
    ]

    @Test("Some schedule goes wrong", arguments: broken)
    func goesWrong(_ options: ModelOptions) throws {
        let start = try Self.starts[#require(options.takenAway)] ?? 0
        let wrong = MergeSchedules.firstWrong(options, from: start, count: 100_000)
        #expect(wrong != nil, "none of 100,000 schedules")
    }
}
