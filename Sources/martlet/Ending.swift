import ArgumentParser
import Foundation
import Operations
import ReplicationModel

/// How a command ends: output, the error's four lines, the exit code of the contract.
enum Ending {
    /// Writes a report to standard output; ends with its exit code if that is not 0.
    static func show(_ report: any Report, json: Bool) throws {
        FileHandle.standardOutput.write(Data(report.output(json: json).utf8))
        if report.exitCode != 0 { throw ExitCode(report.exitCode) }
    }

    /// Tells what is to be told and returns the exit code.
    static func report(_ error: any Error) -> Int32 {
        if let error = error as? ReplicationError {
            tell(error.description)
            return error.exitCode
        }
        let code = Martlet.exitCode(for: error)
        let message = Martlet.message(for: error)
        switch code {
        case .success:
            FileHandle.standardOutput.write(Data((Martlet.fullMessage(for: error) + "\n").utf8))
            return 0
        case .validationFailure:
            // The parser's own code is 64; the contract's is 2.
            tell(
                ReplicationError(
                    .usage, "read the command line", why: message, try: help
                ).description)
            return 2
        default:
            if !(error is ExitCode) { tell("error: unexpected\nwhy: \(message)") }
            return code.rawValue
        }
    }

    /// The help page of the sub-command that was meant.
    private static var help: String {
        let names = Martlet.configuration.subcommands.compactMap { $0.configuration.commandName }
        let meant = CommandLine.arguments.dropFirst().first { names.contains($0) }
        return "martlet help" + (meant.map { " \($0)" } ?? "")
    }

    static func tell(_ text: String) { Screen.standardError.scroll(text) }
}
