import ArgumentParser
import Operations

struct PlanCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "plan",
        abstract: "Show what run would do: tables, keys, chunks, types, statements.")

    @OptionGroup var pipeline: PipelineArguments
    @OptionGroup var output: JSONArgument
    @OptionGroup var log: LogArguments

    func run() async throws {
        let (configuration, input) = try pipeline.configuration()
        _ = log.logger(configuration, input)
        let report = try await BlockingCall.run("plan") {
            try PipelineScope.with(configuration) { try PlanReport($0) }
        }
        try Ending.show(report, json: output.json)
    }
}
