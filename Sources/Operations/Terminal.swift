import Foundation

/// What is known of a file descriptor that people may look at.
package struct Terminal: Sendable {
    package var isTerminal: Bool
    package var columns: Int
    package var rows: Int
    package var hasColour: Bool

    package init(isTerminal: Bool, columns: Int = 80, rows: Int = 24, hasColour: Bool = false) {
        self.isTerminal = isTerminal
        self.columns = columns
        self.rows = rows
        self.hasColour = hasColour
    }

    /// Asks the kernel; `NO_COLOR` set to anything turns colours off (no-color.org).
    package init(descriptor: Int32, environment: [String: String]) {
        let isCapable = environment["TERM"].map { $0 != "dumb" } ?? false
        isTerminal = isatty(descriptor) == 1 && isCapable
        hasColour = isTerminal && (environment["NO_COLOR"] ?? "").isEmpty
        var size = winsize()
        let isKnown = ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0 && size.ws_col > 0
        columns = isKnown ? Int(size.ws_col) : 80
        rows = isKnown ? max(4, Int(size.ws_row)) : 24
    }
}
