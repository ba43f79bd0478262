internal import ReplicationModel

/// Which groups were applied before: those between the place that the log is read from and the one
/// that is applied, which come again because an XA transaction was prepared in front of them (B20).
///
/// By GTIDs, not by positions, so that it is the same at another server that took over.
struct PassedGroups {
    /// Of what comes, applied already. MariaDB: a domain until its last one came.
    private var again: GTIDSet
    /// Everything before the group that came last; nil without GTIDs.
    private(set) var before: GTIDSet?
    private var last: GTID?

    /// - Parameters:
    ///   - applied: nil without GTIDs.
    ///   - start: what the server was asked to leave out.
    init(applied: GTIDSet?, start: GTIDSet?) {
        again = start.flatMap { applied?.subtracting($0) } ?? GTIDSet()
        before = start
    }

    /// A group begins. Returns whether it is applied.
    mutating func pass(_ gtid: GTID) throws(MalformedEvent) -> Bool {
        if let last { before?.insert(last) }
        last = gtid
        guard !again.isEmpty else { return false }
        guard case .mariadb(_, _, let number) = gtid else { return again.contains(gtid) }
        guard let end = again.last(inDomainOf: gtid) else { return false }
        if gtid == end {
            again.removeDomain(of: gtid)
        } else if case .mariadb(_, _, let last) = end, number >= last {
            // A server of another history: another transaction is in its place, or none.
            throw .lost(end)
        }
        return true
    }
}
