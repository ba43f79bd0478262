import Foundation
import Synchronization

/// Standard error as a terminal: log lines scroll above an area that is drawn again and again.
///
/// Log lines and the area come from different threads; one lock keeps them apart.
package final class Screen: Sendable {
    private struct Area {
        var lines: [String] = []
    }

    private let area = Mutex(Area())
    private let write: @Sendable (String) -> Void

    package init(write: @escaping @Sendable (String) -> Void) { self.write = write }

    /// Writes to the file descriptor whatever it is; an error there has nowhere to be told.
    package static let standardError = Screen { text in
        text.utf8.withContiguousStorageIfAvailable { bytes in
            var sent = 0
            while sent < bytes.count {
                let count = Foundation.write(
                    2, bytes.baseAddress?.advanced(by: sent), bytes.count - sent)
                if count <= 0 { return }
                sent += count
            }
        }
    }

    /// One line above the area.
    package func scroll(_ line: String) {
        area.withLock { area in
            let text = Self.erase(area.lines) + line + "\n" + Self.draw(area.lines)
            write(text)
        }
    }

    package func redraw(_ lines: [String]) {
        area.withLock { area in
            let text = Self.erase(area.lines) + Self.draw(lines)
            area.lines = lines
            write(text)
        }
    }

    /// Leaves the last drawing where it is; what follows scrolls below it.
    package func finish() { area.withLock { $0.lines = [] } }

    /// To the first column of the first line, and clear down to the end of the screen.
    private static func erase(_ lines: [String]) -> String {
        lines.isEmpty ? "" : "\u{1B}[\(lines.count)A\r\u{1B}[J"
    }

    private static func draw(_ lines: [String]) -> String {
        lines.map { $0 + "\n" }.joined()
    }
}
