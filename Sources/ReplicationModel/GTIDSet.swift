/// The transactions that a server has, or that were applied: MySQL's sets of intervals, MariaDB's
/// last transaction of each domain. One set is of one flavour; the empty one is of both.
///
///     3e11fa47-71ca-11e1-9e33-c80aa9429562:1-36:taga:1,4f...:7        0-1-5,1-2-70
///
/// `init(parsing:)` and `description` round-trip, and the text is the servers' own.
package struct GTIDSet: Hashable, Sendable {
    /// MySQL: sorted, apart from each other.
    private var intervals: [GTIDLane: [ClosedRange<UInt64>]] = [:]
    /// MariaDB: a domain's transactions up to this one are in the set.
    private var domains: [UInt32: Last] = [:]

    private struct Last: Hashable, Sendable {
        var server: UInt32
        var number: UInt64
    }

    package init() {}

    /// MySQL's intervals, sorted; what the set is sent as.
    package var lanes: [(lane: GTIDLane, ranges: [ClosedRange<UInt64>])] {
        intervals.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
    }

    package var isEmpty: Bool { intervals.isEmpty && domains.isEmpty }

    /// Adds a transaction. In MariaDB's form that adds every earlier one of its domain (B25).
    ///
    /// - Returns: whether it was new.
    @discardableResult
    package mutating func insert(_ gtid: GTID) -> Bool {
        guard !contains(gtid) else { return false }
        switch gtid {
        case .mysql(let lane, let number):
            Self.insert(number...number, into: &intervals[lane, default: []])
        case .mariadb(let domain, let server, let number):
            domains[domain] = Last(server: server, number: number)
        }
        return true
    }

    package func contains(_ gtid: GTID) -> Bool {
        switch gtid {
        case .mysql(let lane, let number):
            guard let list = intervals[lane] else { return false }
            let index = Self.index(of: number, in: list)
            return index < list.count && list[index].contains(number)
        case .mariadb(let domain, _, let number):
            return domains[domain].map { number <= $0.number } ?? false
        }
    }

    /// MariaDB: the transaction that stands for this one's domain.
    package func last(inDomainOf gtid: GTID) -> GTID? {
        guard case .mariadb(let domain, _, _) = gtid, let last = domains[domain] else { return nil }
        return .mariadb(domain: domain, server: last.server, number: last.number)
    }

    /// MariaDB: leaves out this one's domain.
    package mutating func removeDomain(of gtid: GTID) {
        if case .mariadb(let domain, _, _) = gtid { domains[domain] = nil }
    }

    /// Memory held, in bytes, roughly.
    package var footprint: Int {
        intervals.values.reduce(64 * (intervals.count + domains.count)) { $0 + 16 * $1.count }
    }

    package func isSubset(of other: GTIDSet) -> Bool { subtracting(other).isEmpty }

    /// What is in this set and not in `other` (`GTID_SUBTRACT`). In MariaDB's form: the domains in
    /// which this set is ahead.
    package func subtracting(_ other: GTIDSet) -> GTIDSet {
        var rest = GTIDSet()
        for (lane, list) in intervals {
            let left = Self.subtract(other.intervals[lane] ?? [], from: list)
            if !left.isEmpty { rest.intervals[lane] = left }
        }
        for (domain, last) in domains where last.number > other.domains[domain]?.number ?? 0 {
            rest.domains[domain] = last
        }
        return rest
    }

    package mutating func formUnion(_ other: GTIDSet) {
        for (lane, list) in other.intervals {
            for range in list { Self.insert(range, into: &intervals[lane, default: []]) }
        }
        for (domain, last) in other.domains {
            insert(.mariadb(domain: domain, server: last.server, number: last.number))
        }
    }
}

// MARK: Intervals

extension GTIDSet {
    /// The first interval that does not end before `number`.
    private static func index(of number: UInt64, in list: [ClosedRange<UInt64>]) -> Int {
        // Nearly always the next number of the last interval.
        if let last = list.last, last.upperBound < number { return list.count }
        var (low, high) = (0, list.count)
        while low < high {
            let middle = (low + high) / 2
            if list[middle].upperBound < number { low = middle + 1 } else { high = middle }
        }
        return low
    }

    /// Joins `range` with every interval that it overlaps or touches.
    private static func insert(
        _ range: ClosedRange<UInt64>, into list: inout [ClosedRange<UInt64>]
    ) {
        // Numbers begin at 1, and `largest` leaves room for one more.
        let first = index(of: range.lowerBound - 1, in: list)
        var end = first
        var joined = range
        while end < list.count, list[end].lowerBound <= range.upperBound + 1 {
            joined =
                min(
                    joined.lowerBound, list[end].lowerBound)...max(
                    joined.upperBound, list[end].upperBound)
            end += 1
        }
        list.replaceSubrange(first..<end, with: CollectionOfOne(joined))
    }

    private static func subtract(
        _ holes: [ClosedRange<UInt64>], from list: [ClosedRange<UInt64>]
    ) -> [ClosedRange<UInt64>] {
        var left: [ClosedRange<UInt64>] = []
        for range in list {
            var low = range.lowerBound
            for hole in holes[index(of: low, in: holes)...] where low <= range.upperBound {
                guard hole.lowerBound <= range.upperBound else { break }
                if hole.lowerBound > low { left.append(low...hole.lowerBound - 1) }
                low = hole.upperBound + 1
            }
            if low <= range.upperBound { left.append(low...range.upperBound) }
        }
        return left
    }
}

// MARK: Text

extension GTIDSet: CustomStringConvertible {
    /// The servers' own limit of a number.
    static let largest = UInt64(Int64.max) - 1

    static func number(_ text: some StringProtocol) -> UInt64? {
        guard text.first?.isNumber == true, let number = UInt64(text),
            (1...largest).contains(number)
        else { return nil }
        return number
    }

    /// Parses `@@gtid_executed` and the like (MySQL), `@@gtid_binlog_pos` and the like (MariaDB);
    /// nil if `text` is neither.
    package init?(parsing text: some StringProtocol) {
        for element in text.split(separator: ",", omittingEmptySubsequences: false) {
            let element = String(element).filter { !$0.isWhitespace }
            // Both servers print nothing for an empty set, and read empty elements.
            if element.isEmpty { continue }
            let isTaken =
                element.contains(":")
                ? parseIntervals(element) : parseDomain(element)
            guard isTaken else { return nil }
        }
        guard intervals.isEmpty || domains.isEmpty else { return nil }
    }

    private mutating func parseDomain(_ text: String) -> Bool {
        guard case .mariadb(let domain, let server, let number) = GTID(parsing: text),
            // Two of one domain are a `gtid_binlog_state`, whose order says which is the last.
            domains[domain] == nil
        else { return false }
        domains[domain] = Last(server: server, number: number)
        return true
    }

    private mutating func parseIntervals(_ text: String) -> Bool {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard let source = ServerUUID(parsing: parts[0]) else { return false }
        var lane = GTIDLane(source: source)
        for part in parts.dropFirst() {
            if let range = Self.range(part) {
                Self.insert(range, into: &intervals[lane, default: []])
            } else if let tag = GTIDLane.tag(parsing: part) {
                lane.tag = tag
            } else {
                return false
            }
        }
        return intervals[lane] != nil
    }

    private static func range(_ text: Substring) -> ClosedRange<UInt64>? {
        let bounds = text.split(separator: "-", omittingEmptySubsequences: false)
        guard (1...2).contains(bounds.count), let low = number(bounds[0]),
            let high = number(bounds[bounds.count - 1]), low <= high
        else { return nil }
        return low...high
    }

    package var description: String {
        if intervals.isEmpty {
            return domains.sorted { $0.key < $1.key }
                .map { "\($0.key)-\($0.value.server)-\($0.value.number)" }
                .joined(separator: ",")
        }
        var text = ""
        var source: ServerUUID?
        for (lane, list) in intervals.sorted(by: { $0.key < $1.key }) {
            if lane.source != source {
                text += (source == nil ? "" : ",") + lane.source.description
                source = lane.source
            }
            if !lane.tag.isEmpty { text += ":" + lane.tag }
            for range in list {
                text += ":\(range.lowerBound)"
                if range.count > 1 { text += "-\(range.upperBound)" }
            }
        }
        return text
    }
}
