/// Which transactions a read of the source saw: PostgreSQL's `pg_current_snapshot()`.
///
/// Source: the "Snapshot Components" table of PostgreSQL's "System Information Functions" page.
package struct SourceSnapshot: Hashable, Sendable, CustomStringConvertible {
    /// Every id below has ended.
    package var xmin: TransactionID
    /// Every id at or above had not ended: invisible.
    package var xmax: TransactionID
    /// Ids in `xmin ..< xmax` that were still running: invisible.
    package var running: Set<TransactionID>

    package init(xmin: TransactionID, xmax: TransactionID, running: Set<TransactionID>) {
        self.xmin = xmin
        self.xmax = xmax
        self.running = running
    }

    /// Parses `xmin:xmax:xip,xip`; nil if `text` is not one.
    package init?(parsing text: some StringProtocol) {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 3, let low = UInt64(parts[0]), let high = UInt64(parts[1]) else {
            return nil
        }
        var running: Set<TransactionID> = []
        for part in parts[2].split(separator: ",") {
            guard let id = UInt64(part) else { return nil }
            running.insert(TransactionID(rawValue: id))
        }
        self.init(
            xmin: TransactionID(rawValue: low), xmax: TransactionID(rawValue: high),
            running: running)
    }

    package var description: String {
        "\(xmin):\(xmax):" + running.sorted().map(\.description).joined(separator: ",")
    }

    /// Whether the rows of a committed transaction are visible in this snapshot. Not being listed
    /// as running is not enough: ids at or above `xmax` are invisible too.
    package func sees(_ id: TransactionID) -> Bool { id < xmax && !running.contains(id) }

    /// The same for a 32-bit xid from the log.
    package func sees(_ xid: UInt32) -> Bool { sees(TransactionID(widening: xid, near: xmax)) }
}
