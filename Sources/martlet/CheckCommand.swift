import ArgumentParser
import Operations

struct CheckCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract:
            "Look at both ends: privileges, settings, schema, values. Changes nothing by itself.")

    @OptionGroup var pipeline: PipelineArguments

    @Flag(help: "Create what capture needs at the source, then look.")
    var install = false

    @Flag(help: "Only print the SQL that --install would run.")
    var print = false

    @Flag(help: "Only print the least privileges both roles need.")
    var printGrants = false

    @Flag(help: "Read every row of large tables too, to look at its values.")
    var fullScan = false

    @OptionGroup var output: JSONArgument
    @OptionGroup var log: LogArguments

    func validate() throws {
        guard [install, print, printGrants].count(where: \.self) <= 1 else {
            throw ValidationError("give one of --install, --print, --print-grants")
        }
    }

    func run() async throws {
        let (configuration, input) = try pipeline.configuration()
        _ = log.logger(configuration, input)
        let (install, print, grants, fullScan) = (install, print, printGrants, fullScan)
        let report: any Report & Sendable = try await BlockingCall.run("check") {
            try PipelineScope.with(configuration) { scope in
                if print { return try StatementReport.installation(scope) }
                if grants { return try StatementReport.grants(scope) }
                return try CheckReport(scope, install: install, fullScan: fullScan)
            }
        }
        try Ending.show(report, json: output.json)
    }
}
