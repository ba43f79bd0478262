/// What a read of the source saw, and the question that the merge of load and stream asks of it.
///
/// Two forms, by what the source can tell. Some read under a snapshot that names its transactions.
/// Others only know two positions of the log, one before and one after the moment of reading: what
/// commits between them may be in the rows or not, and is applied so that either is right.
package enum SourceSnapshot: Hashable, Sendable, CustomStringConvertible {
    /// Exact: PostgreSQL's primary.
    case visibility(Visibility)
    /// Everything that commits at or before `low` was seen, nothing that commits after `high` was.
    /// `low` equals `high` where the position of the snapshot itself is known.
    case window(low: LogPosition, high: LogPosition)

    /// Where a committed transaction stands to the snapshot.
    package enum Judgement: Sendable {
        case seen
        /// Seen or not; only a window answers so.
        case between
        case after
    }

    /// - Parameter commitPosition: what transactions are ordered by, in the terms of `low` and
    ///   `high`: a transaction whose commit position is `low` was seen.
    package func judge(_ xid: UInt32, at commitPosition: LogPosition) -> Judgement {
        switch self {
        case .visibility(let visible): visible.sees(xid) ? .seen : .after
        case .window(let low, let high):
            commitPosition <= low ? .seen : commitPosition <= high ? .between : .after
        }
    }

    /// Positions of windows hold no space, snapshots neither; so a space tells them apart.
    package init?(parsing text: some StringProtocol) {
        let ends = text.split(separator: " ", omittingEmptySubsequences: false)
        if ends.count == 2 {
            guard let low = LogPosition(parsing: ends[0]), let high = LogPosition(parsing: ends[1])
            else { return nil }
            self = .window(low: low, high: high)
        } else {
            guard let visible = Visibility(parsing: text) else { return nil }
            self = .visibility(visible)
        }
    }

    package var description: String {
        switch self {
        case .visibility(let visible): visible.description
        case .window(let low, let high): "\(low) \(high)"
        }
    }
}

/// Which transactions are visible: PostgreSQL's `pg_current_snapshot()`.
///
/// Source: the "Snapshot Components" table of PostgreSQL's "System Information Functions" page.
package struct Visibility: Hashable, Sendable, CustomStringConvertible {
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
