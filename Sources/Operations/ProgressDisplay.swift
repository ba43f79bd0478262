import ReplicationEngine
import ReplicationModel

/// Lines that show a run: one per table and a footer. A value that is fed frames and remembers only
/// what the rates need.
package struct ProgressDisplay: Sendable {
    /// Weight of the newest rate: half of what is shown is from the last 3 s or so at two frames
    /// a second.
    private static let smoothing = 0.2

    private var before: [String: (rows: Int64, at: Double)] = [:]
    private var rates: [String: Double] = [:]
    private let hasColour: Bool
    private let width: Int

    package init(width: Int = 80, hasColour: Bool) {
        self.width = width
        self.hasColour = hasColour
    }

    /// - Parameters:
    ///   - now: seconds on any clock that only goes forward.
    ///   - height: at most so many lines; tables that are not live come first.
    package mutating func lines(_ frame: RunProgress, now: Double, height: Int) -> [String] {
        measure(frame, now)
        let room = max(1, height - 2)
        let order =
            frame.tables.filter { $0.state != .live } + frame.tables.filter { $0.state == .live }
        var lines = order.prefix(room).map(line)
        if order.count > room { lines.append("... and \(order.count - room) more tables") }
        return lines + [footer(frame).cut(to: width)]
    }

    /// For where nothing can be redrawn.
    package mutating func footer(_ frame: RunProgress, now: Double) -> String {
        measure(frame, now)
        return footer(frame)
    }

    private mutating func measure(_ frame: RunProgress, _ now: Double) {
        for table in frame.tables {
            let last = before[table.name]
            if let last, now > last.at {
                let rate = max(0, Double(table.rows - last.rows) / (now - last.at))
                let old = rates[table.name] ?? rate
                rates[table.name] = old + (rate - old) * Self.smoothing
            }
            before[table.name] = (table.rows, now)
        }
    }

    private func line(_ table: RunProgress.Table) -> String {
        var text = table.name.padded(to: 24)
        text += Units.count(table.rows).rightAligned(in: 13)
        text += (table.estimated > 0 ? "~" + Units.count(table.estimated) : "")
            .rightAligned(in: 15)
        let isMoving = table.state == .loading
        let rate = rates[table.name] ?? 0
        text += (isMoving ? "\(Units.count(Int64(rate)))/s" : "").rightAligned(in: 11)
        text += (isMoving ? eta(table.estimated - table.rows, rate) ?? "" : "").rightAligned(in: 6)
        return coloured((text + " " + table.state.rawValue).cut(to: width), table.state)
    }

    private func eta(_ left: Int64, _ rate: Double) -> String? {
        left > 0 && rate > 0 ? Units.span(Double(left) / rate) : nil
    }

    private func coloured(_ text: String, _ state: TableProgress.State) -> String {
        guard hasColour else { return text }
        let code =
            switch state {
            case .pending: 2
            case .loading: 33
            case .catchingUp: 36
            case .live: 32
            }
        return "\u{1B}[\(code)m\(text)\u{1B}[0m"
    }

    private func footer(_ frame: RunProgress) -> String {
        guard frame.received != nil || frame.applied != nil else {
            return "preparing" + (frame.waiting.map { " | waiting: \($0)" } ?? "")
        }
        var parts = copy(frame).map { [$0] } ?? []
        parts.append("recv \(frame.received?.description ?? "-")")
        parts.append("applied \(frame.applied?.description ?? "-")")
        parts.append("lag " + (frame.lag.map(Units.span) ?? "-"))
        if let waiting = frame.waiting { parts.append("waiting: \(waiting)") }
        return parts.joined(separator: " | ")
    }

    /// `copy 41% eta 12m` while tables load; the estimate can be too low, the share is not above
    /// 99.
    private func copy(_ frame: RunProgress) -> String? {
        let loading = frame.tables.filter { $0.state == .pending || $0.state == .loading }
        guard !loading.isEmpty else { return nil }
        let rows = frame.tables.reduce(0) { $0 + Double($1.rows) }
        let total = frame.tables.reduce(0) { $0 + Double(max($1.estimated, $1.rows)) }
        let percent = total > 0 ? min(99, Int(rows / total * 100)) : 0
        let rate = loading.reduce(0) { $0 + (rates[$1.name] ?? 0) }
        return "copy \(percent)%" + (eta(Int64(total - rows), rate).map { " eta \($0)" } ?? "")
    }
}
