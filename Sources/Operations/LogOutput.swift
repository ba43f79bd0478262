import Foundation
package import Logging

/// Log lines on standard error, as text or as one JSON object per line.
package struct LogOutput: LogHandler {
    package enum Format: String, Sendable, CaseIterable { case text, json }

    package var logLevel: Logger.Level
    package var metadata: Logger.Metadata = [:]
    package var metadataProvider: Logger.MetadataProvider?
    private let label: String
    private let format: Format
    private let write: @Sendable (String) -> Void

    /// - Parameter write: takes a line without its break; called from any thread.
    package init(
        label: String, level: Logger.Level, format: Format,
        write: @escaping @Sendable (String) -> Void
    ) {
        self.label = label
        logLevel = level
        self.format = format
        self.write = write
    }

    package subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    package func log(event: LogEvent) {
        let now = Int64(Date().timeIntervalSince1970 * 1_000_000)
        let values = metadata.merging(event.metadata ?? [:]) { $1 }.sorted { $0.key < $1.key }
            .map { ($0.key, "\($0.value)") }
        write(line(now, event.level, "\(event.message)", values))
    }

    func line(
        _ time: Int64, _ level: Logger.Level, _ message: String, _ values: [(String, String)]
    ) -> String {
        switch format {
        case .text:
            let tail = values.map { " \($0)=\(Self.quoted($1))" }.joined()
            return "\(Units.time(microseconds: time)) \(level.rawValue.padded(to: 7)) "
                + message.replacing("\n", with: "; ") + tail
        case .json:
            let head: [(String, JSONValue)] = [
                ("time", .string(Units.time(microseconds: time))),
                ("level", .string(level.rawValue)), ("label", .string(label)),
                ("message", .string(message)),
            ]
            return JSONValue.object(head + values.map { ($0, .string($1)) }).compact
        }
    }

    private static func quoted(_ value: String) -> String {
        let needsQuotes = value.isEmpty || value.contains { " \"=\n".contains($0) }
        return needsQuotes ? JSONValue.string(value).compact : value
    }
}
