import Foundation
import Synchronization

/// Shows a run while it lasts, from a thread of its own.
package final class ProgressReporter: Sendable {
    package enum Style: String, Sendable, CaseIterable { case auto, plain, none }

    /// Twice a second is as fast as people read.
    private static let drawSeconds = 0.5
    private static let plainSeconds = 10.0

    private let style: Style
    private let screen: Screen
    private let terminal: Terminal
    private let isStopping = Atomic(false)

    package init(_ style: Style, screen: Screen, terminal: Terminal) {
        self.style = style
        self.screen = screen
        self.terminal = terminal
    }

    /// - Parameter frame: nil while there is nothing to show.
    package func start(_ frame: @escaping @Sendable () -> RunProgress?) {
        guard style != .none else { return }
        let redraws = style == .auto && terminal.isTerminal
        BlockingCall.start("progress") {
            if redraws { self.redraw(frame) } else { self.scroll(frame) }
        }
    }

    package func stop() {
        isStopping.store(true, ordering: .releasing)
        screen.finish()
    }

    private func redraw(_ frame: () -> RunProgress?) {
        var display = ProgressDisplay(
            width: min(80, terminal.columns), hasColour: terminal.hasColour)
        while pause(Self.drawSeconds) {
            guard let frame = frame() else { continue }
            screen.redraw(display.lines(frame, now: Self.now, height: terminal.rows - 1))
        }
    }

    private func scroll(_ frame: () -> RunProgress?) {
        var display = ProgressDisplay(hasColour: false)
        while pause(Self.plainSeconds) {
            guard let frame = frame() else { continue }
            screen.scroll(display.footer(frame, now: Self.now))
        }
    }

    /// - Returns: whether to go on.
    private func pause(_ seconds: Double) -> Bool {
        let end = Self.now + seconds
        while Self.now < end {
            if isStopping.load(ordering: .acquiring) { return false }
            Thread.sleep(forTimeInterval: 0.05)
        }
        return !isStopping.load(ordering: .acquiring)
    }

    private static var now: Double { ProcessInfo.processInfo.systemUptime }
}
