import ArgumentParser
import Configuration
import Foundation
import Operations

struct StatusCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status",
        abstract: "Show where a pipeline is; works when run is down.")

    @OptionGroup var pipeline: PipelineArguments

    @Flag(help: "Look again every second, until interrupted.")
    var watch = false

    @Option(help: ArgumentHelp("End with code 8 if the lag is above this.", valueName: "time"))
    var maxLag: TimeSpan?

    @OptionGroup var output: JSONArgument
    @OptionGroup var log: LogArguments

    func validate() throws {
        guard !watch || maxLag == nil else {
            throw ValidationError("--max-lag is for one look; leave out --watch")
        }
    }

    func run() async throws {
        let (configuration, input) = try pipeline.configuration()
        _ = log.logger(configuration, input)
        let (json, maxLag, watch) = (output.json, maxLag, watch)
        let report = try await BlockingCall.run("status") {
            let look = try StatusLook(configuration, maxLag: maxLag)
            if watch { look.watch(json: json) }
            return try look.take()
        }
        try Ending.show(report, json: json)
    }
}
