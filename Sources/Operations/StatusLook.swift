package import Configuration
import Foundation
import ReplicationEngine
import ReplicationModel

/// `status`, once or again and again over the same connections. Used by one thread.
package final class StatusLook {
    private let configuration: PipelineConfiguration
    private let maxLag: TimeSpan?
    private let target: any ReplicationTarget
    private var source: (any ReplicationSource)?

    package init(_ configuration: PipelineConfiguration, maxLag: TimeSpan?) throws {
        self.configuration = configuration
        self.maxLag = maxLag
        target = try Connectors.target(configuration)
    }

    package func take() throws -> StatusReport {
        let report = try StatusReport.take(
            configuration, target: target, source: openSource, maxLag: maxLag)
        if case .failure = report.source { source = nil }
        return report
    }

    private func openSource() throws -> any ReplicationSource {
        if let source { return source }
        let opened = try Connectors.source(configuration)
        source = opened
        return opened
    }

    /// Looks every second for ever; an end that does not answer is shown, not fatal.
    package func watch(json: Bool) -> Never {
        let terminal = Terminal(descriptor: 1, environment: ProcessInfo.processInfo.environment)
        let screen = Screen { FileHandle.standardOutput.write(Data($0.utf8)) }
        while true {
            switch Result(catching: take) {
            case .success(let report) where json: screen.scroll(report.json.compact)
            case .success(let report): Self.show(report.lines, screen, terminal)
            case .failure(let error):
                let lines = ReplicationError(wrapping: error, "look at the pipeline").description
                    .split(separator: "\n").map(String.init)
                if json {
                    Screen.standardError.scroll(lines.joined(separator: "\n"))
                } else {
                    Self.show(lines, screen, terminal)
                }
            }
            Thread.sleep(forTimeInterval: 1)
        }
    }

    private static func show(_ lines: [String], _ screen: Screen, _ terminal: Terminal) {
        guard terminal.isTerminal else {
            return screen.scroll((lines + [""]).joined(separator: "\n"))
        }
        screen.redraw(lines.prefix(terminal.rows - 1).map { $0.cut(to: terminal.columns) })
    }
}
