import ArgumentParser
import Configuration
import Foundation
import Operations

struct TransformCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "transform",
        abstract: "Try a table's transform on rows of the source; nothing is written.")

    @Argument(help: "Pipeline file (YAML).")
    var pipeline: String

    @Option(help: ArgumentHelp("Table whose transform is tried.", valueName: "schema.name"))
    var table: String

    @Option(help: ArgumentHelp("Rows to read.", valueName: "count"))
    var limit = 20

    @Flag(help: "Print values also where nobody looks at a terminal.")
    var showValues = false

    @OptionGroup var output: JSONArgument
    @OptionGroup var log: LogArguments

    func validate() throws {
        guard (1...10_000).contains(limit) else {
            throw ValidationError("--limit is a number from 1 to 10000")
        }
    }

    func run() async throws {
        let input = PipelineInput(
            file: pipeline, options: [], environment: ProcessInfo.processInfo.environment)
        let configuration = try input.configuration()
        _ = log.logger(configuration, input)
        let isTerminal = Terminal(
            descriptor: STDOUT_FILENO, environment: ProcessInfo.processInfo.environment
        ).isTerminal
        let report = try await BlockingCall.run("transform") { [table, limit, showValues] in
            try PipelineScope.with(configuration) {
                try TransformReport(
                    $0, table: table, limit: limit, showsValues: showValues || isTerminal)
            }
        }
        try Ending.show(report, json: output.json)
    }
}
