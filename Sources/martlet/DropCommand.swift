import ArgumentParser
import Configuration
import Operations

struct DropCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "drop",
        abstract: "Remove slot, publication and state of a pipeline. The target's tables stay.")

    @OptionGroup var pipeline: PipelineArguments

    @Flag(help: "Only list what would be removed.")
    var dryRun = false

    @Flag(help: "Do not ask.")
    var yes = false

    @OptionGroup var output: JSONArgument
    @OptionGroup var log: LogArguments

    func run() async throws {
        let (configuration, input) = try pipeline.configuration()
        _ = log.logger(configuration, input)
        let (dryRun, yes) = (dryRun, yes)
        let report = try await BlockingCall.run("drop") {
            try DropReport.drop(configuration, dryRun: dryRun) { lines in
                try Confirmation.ask(lines, "drop pipeline \(configuration.name)", yes: yes)
            }
        }
        try Ending.show(report, json: output.json)
    }
}
