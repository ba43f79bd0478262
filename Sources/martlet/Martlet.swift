import ArgumentParser
import Foundation
import ReplicationModel

@main
struct Martlet: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "martlet",
        abstract: "Copies a live PostgreSQL database into another one and keeps it there.",
        discussion: """
            PIPELINE is a YAML file, or --from URL --to URL [--table PATTERN]... [--name NAME].
            Exit codes: 0 ok, 1 unexpected error, 2 usage or configuration, 3 preflight failed, \
            6 stopped by policy, 8 threshold exceeded, 75 temporary, 130/143 second signal.
            """,
        version: "martlet 0.1.0",
        subcommands: [
            CheckCommand.self, PlanCommand.self, RunCommand.self, StatusCommand.self,
            EventsCommand.self, TransformCommand.self, DropCommand.self,
        ])

    static func main() async {
        do {
            var command = try parseAsRoot()
            if var asynchronous = command as? any AsyncParsableCommand {
                try await asynchronous.run()
            } else {
                try command.run()
            }
            // Threads that still wait for a server must not keep the process.
            Foundation.exit(0)
        } catch {
            Foundation.exit(Ending.report(error))
        }
    }
}
