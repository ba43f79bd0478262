public import ArgumentParser
import Configuration
public import Logging
import Operations

extension Logger.Level: @retroactive ExpressibleByArgument {}
extension LogOutput.Format: ExpressibleByArgument {}
extension ProgressReporter.Style: ExpressibleByArgument {}
extension RunOptions.Snapshot: ExpressibleByArgument {}

extension TimeSpan: ExpressibleByArgument {
    /// `10s`, `500ms`, `2m`.
    public init?(argument: String) { self.init(parsing: argument) }
}

/// Where log lines go and which: standard error, always.
struct LogArguments: ParsableArguments {
    @Option(help: "Form of log lines.")
    var logFormat = LogOutput.Format.text

    @Option(help: "Least level of log lines.")
    var logLevel = Logger.Level.info

    /// To be called once: from then on the loggers that connectors make for themselves write the
    /// same lines to the same place.
    func logger(_ label: String) -> Logger {
        LoggingSystem.bootstrap { [logLevel, logFormat] label in
            LogOutput(label: label, level: logLevel, format: logFormat) {
                Screen.standardError.scroll($0)
            }
        }
        return Logger(label: label)
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
