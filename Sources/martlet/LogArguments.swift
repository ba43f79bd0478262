public import ArgumentParser
import Configuration
public import Logging
import Operations

extension Logger.Level: @retroactive ExpressibleByArgument {}
extension LogOutput.Format: ExpressibleByArgument {}
extension ProgressReporter.Style: ExpressibleByArgument {}
extension RunOptions.Snapshot: ExpressibleByArgument {}

extension TimeSpan: ExpressibleByArgument {
    public init?(argument: String) { self.init(parsing: argument) }
}

/// Where log lines go and which: standard error, always.
struct LogArguments: ParsableArguments {
    @Option(help: "Form of log lines.")
    var logFormat = LogOutput.Format.text

    @Option(help: "Least level of log lines.")
    var logLevel = Logger.Level.info

    func logger(_ label: String) -> Logger {
        Logger(label: label) { label in
            LogOutput(label: label, level: logLevel, format: logFormat) {
                Screen.standardError.scroll($0)
            }
        }
    }

    /// A logger for a pipeline; says at once which variables look like keys and are none.
    func logger(_ pipeline: PipelineConfiguration, _ input: PipelineInput) -> Logger {
        var logger = logger("martlet")
        logger[metadataKey: "pipeline"] = "\(pipeline.name)"
        for stray in input.strayVariables {
            logger.warning("\(stray.name) is no key's variable; did you mean \(stray.meant)?")
        }
        return logger
    }
}

struct JSONArgument: ParsableArguments {
    @Flag(help: "Print the result as one JSON object.")
    var json = false
}
