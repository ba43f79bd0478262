import ArgumentParser
import Configuration
import Foundation
import Logging
import Operations
import ReplicationModel

struct RunCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run",
        abstract: "Copy the tables, then follow; goes on by itself where it stopped.")

    @OptionGroup var pipeline: PipelineArguments

    @Flag(help: "Apply what was committed before the start, then end.")
    var untilCaughtUp = false

    @Option(help: ArgumentHelp("Apply what commits up to here, then end.", valueName: "position"))
    var until: String?

    @Option(help: "Copy and follow, only copy, or only follow.")
    var snapshot = RunOptions.Snapshot.initial

    @Option(
        help: ArgumentHelp(
            "Follow from lsn:, gtid: or binlog:; what is before is at the target.",
            valueName: "position"))
    var startAt: String?

    @Flag(help: "Forget slot, publication and state, and begin again.")
    var fresh = false

    @Flag(help: "Do not ask.")
    var yes = false

    @Option(help: "Progress on standard error: redrawn, a line every 10 s, or none.")
    var progress = ProgressReporter.Style.auto

    @Option(
        help: ArgumentHelp("Time to commit what is received when asked to stop.", valueName: "time")
    )
    var drain = TimeSpan(seconds: 8)

    @OptionGroup var output: JSONArgument
    @OptionGroup var log: LogArguments

    func validate() throws {
        guard !(untilCaughtUp && until != nil) else {
            throw ValidationError("give one of --until-caught-up and --until")
        }
        guard startAt == nil || snapshot == .never else {
            throw ValidationError("--start-at goes with --snapshot never")
        }
        guard !(fresh && startAt != nil) else {
            throw ValidationError("--fresh makes a slot; --start-at needs one that exists")
        }
    }

    private func options() throws -> RunOptions {
        var options = RunOptions()
        options.snapshot = snapshot
        options.fresh = fresh
        options.drain = drain
        options.startAt = try startAt.map {
            try RunOptions.start(parsing: $0, option: "--start-at")
        }
        if untilCaughtUp { options.goal = .caughtUp }
        if let until {
            options.goal = .position(try RunOptions.position(parsing: until, option: "--until"))
        }
        return options
    }

    func run() async throws {
        let options = try options()
        let (configuration, input) = try pipeline.configuration()
        let logger = log.logger(configuration, input)
        if fresh {
            try Confirmation.ask(
                [
                    "slot, publication and state of the pipeline are dropped, "
                        + "everything is copied again"
                ],
                "begin pipeline \(configuration.name) again", yes: yes)
        }
        let operation = RunOperation(configuration, options: options, logger: logger)
        let report = try await supervise(operation, logger)
        try Ending.show(report, json: output.json)
    }

    private func supervise(_ operation: RunOperation, _ logger: Logger) async throws
        -> RunReportOnExit
    {
        let environment = ProcessInfo.processInfo.environment
        let reporter = ProgressReporter(
            progress, screen: .standardError,
            terminal: Terminal(descriptor: 2, environment: environment))
        reporter.start { operation.progress }
        defer { reporter.stop() }
        return try await Stoppable.run(logger) { deliver in
            operation.stop(deliver: deliver)
        } body: {
            try operation.run()
        }
    }
}
