import ArgumentParser
import Configuration
import Foundation
import Operations
import ReplicationModel

struct EventsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "events",
        abstract: "Write a source's transactions to standard output as JSON lines; no target.",
        discussion: """
            Makes a slot and a publication of its own and drops them at the end. With --slot the \
            slot is kept, and the next call goes on behind what was written.
            """)

    @Argument(help: "URL of the source, or a pipeline file.")
    var source: String

    @Option(help: ArgumentHelp("Table to watch: schema.name with * and ?.", valueName: "pattern"))
    var table: [String] = []

    @Option(help: "Slot to make if it is not there, and to keep.")
    var slot: String?

    @Option(help: "Publication to use; it is not dropped.")
    var publication: String?

    @Option(help: ArgumentHelp("End after so many transactions.", valueName: "count"))
    var limit: Int?

    @OptionGroup var log: LogArguments

    func validate() throws {
        if let limit, limit < 1 { throw ValidationError("--limit is at least 1") }
    }

    func run() async throws {
        // A reader that went away must be an error of write, not the end of the process: the slot
        // has to be dropped.
        signal(SIGPIPE, SIG_IGN)
        let configuration = try EventSource.configuration(
            source, tables: table, ProcessInfo.processInfo.environment)
        let logger = log.logger("martlet")
        var options = EventTap.Options()
        options.tables = configuration.tables
        (options.slot, options.publication, options.limit) = (slot, publication, limit)
        let source = try await BlockingCall.run("events") { [options] in
            EventTap(try Connectors.source(configuration), options: options, logger: logger)
        }
        try await Stoppable.run(logger, stop: { _ in source.stop() }) {
            try source.run(write: LineOutput.write)
        }
    }
}
