import Testing

/// Two rows in two chunks, one worker, one kill or failure at any moment: every order of steps.
/// With MARTLET_MODEL_RUNS the worlds are larger: two transactions, both after the slot.
@Suite("Merge of load and stream, every schedule of small worlds")
struct MergeSearchTests {
    private static let options = ModelOptions(hasToast: true, hasTruncate: true, workers: 1)
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
        _ scripts: [[[SourceChange]]], before: Int, faults: Int, atLeast least: Int
    ) throws {
        var states = 0
        for script in scripts {
            let search = try search(script, before: before, faults: faults, Self.options)
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

    @Test("Two transactions", .enabled(if: MergeSchedules.runs != nil))
    func twoTransactions() throws {
        try searchAll(SmallScripts.all(Self.options), before: 0, faults: 0, atLeast: 1_000_000)
    }

    @Test("The search finds what a broken rule does", arguments: [Rule.visibilityCheck, .closedAt])
    func findsBrokenRule(_ rule: Rule) throws {
        let options = Self.options.without(rule)
        let found = try SmallScripts.single(options).contains {
            try search($0, before: 0, faults: 1, options).wrong != nil
        }
        #expect(found)
    }
}
