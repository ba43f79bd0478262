import Testing

/// Two rows in two chunks, one worker, one kill or failure at any moment: every order of steps.
/// With MARTLET_MODEL_RUNS the worlds are larger: two transactions, both after the slot.
@Suite("Merge of load and stream, every schedule of small worlds")
struct MergeSearchTests {
    private static let options = ModelOptions(hasToast: true, hasTruncate: true, workers: 1)
    private static let window = ModelOptions(
        hasToast: true, hasTruncate: true, source: .window, workers: 1)
    private static let limit = 2_000_000

    private func search(
        _ script: [[SourceChange]], before: Int, faults: Int, _ options: ModelOptions
    ) throws -> MergeSearch {
        var search = MergeSearch(limit: Self.limit)
        let world = try #require(SmallScripts.world(script, before: before, options))
        search.explore(world, faults: faults)
        return search
    }

    private func searchAll(
        _ scripts: [[[SourceChange]]], before: Int, faults: Int, atLeast least: Int,
        _ options: ModelOptions = options
    ) throws {
        var states = 0
        for script in scripts {
            let search = try search(script, before: before, faults: faults, options)
            states += search.states
            #expect(search.wrong == nil, "\(script)")
            #expect(search.isComplete)
            #expect(search.ends > 0)
        }
        #expect(states >= least, "\(states) states")
    }

    @Test("One transaction beside the load, with a fault at any moment")
    func oneTransaction() throws {
        try searchAll(SmallScripts.single(Self.options), before: 0, faults: 1, atLeast: 80_000)
    }

    @Test("One transaction that the slot does not see yet, one after it")
    func hiddenBeforeSlot() throws {
        let scripts = SmallScripts.all(Self.options).enumerated().filter { $0.offset % 9 == 0 }
        try searchAll(scripts.map(\.element), before: 1, faults: 0, atLeast: 30_000)
    }

    @Test("One transaction beside a load by windows, with a fault at any moment")
    func oneTransactionByWindow() throws {
        try searchAll(
            SmallScripts.single(Self.window), before: 0, faults: 1, atLeast: 60_000, Self.window)
    }

    @Test("Windows: one transaction that is not yet visible at the start, one after it")
    func hiddenBeforeWindow() throws {
        let scripts = SmallScripts.all(Self.window).enumerated().filter { $0.offset % 9 == 0 }
        try searchAll(
            scripts.map(\.element), before: 1, faults: 0, atLeast: 30_000, Self.window)
    }

    @Test("Two transactions", .enabled(if: MergeSchedules.runs != nil))
    func twoTransactions() throws {
        try searchAll(SmallScripts.all(Self.options), before: 0, faults: 0, atLeast: 1_000_000)
        try searchAll(
            SmallScripts.all(Self.window), before: 0, faults: 0, atLeast: 1_000_000, Self.window)
    }

    @Test(
        "The search finds what a broken rule does",
        arguments: [
            options.without(.visibilityCheck), options.without(.closedAt),
            window.without(.visibilityCheck), window.without(.lowVisible),
            window.without(.highLast), window.without(.idempotence),
        ])
    func findsBrokenRule(_ options: ModelOptions) throws {
        let found = try SmallScripts.single(options).contains {
            try search($0, before: 0, faults: 1, options).wrong != nil
        }
        #expect(found)
    }
}
