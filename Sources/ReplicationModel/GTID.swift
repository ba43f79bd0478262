/// A global transaction id: what MySQL and MariaDB call a transaction on every server that has it.
///
/// Source: MySQL Reference Manual, "GTID Format and Storage"; MariaDB Knowledge Base, "Global
/// Transaction ID".
package enum GTID: Hashable, Sendable {
    /// `source[:tag]:number`. Numbers of one source and tag are given once, not always in order.
    case mysql(GTIDLane, number: UInt64)
    /// `domain-server-number`. Numbers grow along the log of one domain.
    case mariadb(domain: UInt32, server: UInt32, number: UInt64)
}

/// What MySQL counts transactions by: the server that committed first, and the tag (8.3 and later).
package struct GTIDLane: Hashable, Comparable, Sendable {
    package var source: ServerUUID
    /// Lower case; empty without a tag.
    package var tag: String

    package init(source: ServerUUID, tag: String = "") {
        self.source = source
        self.tag = tag
    }

    package static func < (a: GTIDLane, b: GTIDLane) -> Bool {
        (a.source, a.tag) < (b.source, b.tag)
    }

    /// Letters, digits and underscores, no digit first, at most 32; nil if `text` is no tag.
    static func tag(parsing text: some StringProtocol) -> String? {
        let tag = text.lowercased()
        let isTag = tag.utf8.enumerated().allSatisfy { index, byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "_"): true
            case UInt8(ascii: "0")...UInt8(ascii: "9"): index > 0
            default: false
            }
        }
        return isTag && (1...32).contains(tag.utf8.count) ? tag : nil
    }
}

extension GTID: CustomStringConvertible {
    /// Parses either form; nil if `text` is neither.
    package init?(parsing text: some StringProtocol) {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count > 1 else {
            self.init(parsingMariaDB: text)
            return
        }
        guard parts.count <= 3, let source = ServerUUID(parsing: parts[0]),
            let number = GTIDSet.number(parts[parts.count - 1])
        else { return nil }
        var lane = GTIDLane(source: source)
        if parts.count == 3 {
            guard let tag = GTIDLane.tag(parsing: parts[1]) else { return nil }
            lane.tag = tag
        }
        self = .mysql(lane, number: number)
    }

    private init?(parsingMariaDB text: some StringProtocol) {
        let parts = text.split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count == 3, parts.allSatisfy({ $0.first?.isNumber == true }),
            let domain = UInt32(parts[0]), let server = UInt32(parts[1]),
            let number = UInt64(parts[2])
        else { return nil }
        self = .mariadb(domain: domain, server: server, number: number)
    }

    package var description: String {
        switch self {
        case .mysql(let lane, let number):
            lane.tag.isEmpty
                ? "\(lane.source):\(number)" : "\(lane.source):\(lane.tag):\(number)"
        case .mariadb(let domain, let server, let number): "\(domain)-\(server)-\(number)"
        }
    }
}
