internal import Foundation
internal import ReplicationEngine
internal import ReplicationModel

/// Values of MySQL and MariaDB that no type of PostgreSQL's takes, and what the configuration wants
/// done with them: the one place where a value is changed on its way.
///
/// Handed: a table's columns and, one by one, values in canonical text. Hands on: that the value
/// fits, what to write instead, or an error that names the column and the key of the configuration.
/// A source whose values all fit (PostgreSQL) has no rules and costs nothing.
struct ForeignValues {
    enum Rule { case date, timestamp, timestampWithZone, text }

    enum Verdict: Equatable {
        case fits
        case null(LossyConversions.Kind)
        case bytes([UInt8], LossyConversions.Kind)
    }

    /// The columns that have a rule, by index.
    let rules: [(column: Int, rule: Rule)]
    private let route: TableRoute
    private let lossy: LossyConversions

    /// nil if every value fits.
    init?(_ route: TableRoute, _ lossy: LossyConversions) {
        guard route.source.dialect != .postgresql else { return nil }
        rules = route.columns.enumerated().compactMap { index, column in
            Self.rule(column.type.kind).map { (index, $0) }
        }
        guard !rules.isEmpty else { return nil }
        self.route = route
        self.lossy = lossy
    }

    static func rule(_ kind: ValueKind) -> Rule? {
        switch kind {
        case .date: .date
        case .timestamp: .timestamp
        case .timestampWithZone: .timestampWithZone
        case .text, .fixedText, .caseInsensitiveText, .enumeration, .labelSet, .json, .other: .text
        default: nil
        }
    }

    func judge(
        _ bytes: UnsafeRawBufferPointer, _ rule: Rule, column: Int
    ) throws(ReplicationError) -> Verdict {
        switch rule {
        case .text:
            guard let start = bytes.baseAddress, memchr(start, 0, bytes.count) != nil else {
                return .fits
            }
            guard lossy.nulByte == .strip else { throw refusal(column, .nulByte) }
            return .bytes(bytes.filter { $0 != 0 }, .nulByte)
        case .date, .timestamp, .timestampWithZone:
            return Self.isDay(bytes) ? .fits : try zeroDate(rule, column)
        }
    }

    private func zeroDate(_ rule: Rule, _ column: Int) throws(ReplicationError) -> Verdict {
        switch lossy.zeroDate {
        case .epoch: return .bytes(Array(Self.epoch(rule).utf8), .zeroDate)
        case .null where !route.key.contains(column): return .null(.zeroDate)
        case .null, nil: throw refusal(column, .zeroDate)
        }
    }

    private static func epoch(_ rule: Rule) -> String {
        switch rule {
        case .timestamp: "1970-01-01 00:00:00"
        case .timestampWithZone: "1970-01-01 00:00:00+00"
        case .date, .text: "1970-01-01"
        }
    }

    private func refusal(_ column: Int, _ kind: LossyConversions.Kind) -> ReplicationError {
        let why =
            switch kind {
            case .nulByte: "a text holds a NUL byte, which PostgreSQL has no place for"
            case .zeroDate: "a date is no day, such as 0000-00-00, which PostgreSQL does not take"
            }
        return ReplicationError(
            .invalidValue, "write a row", table: route.target, column: route.columns[column].name,
            why: why, try: kind.remedy(inKey: route.key.contains(column)))
    }

    /// Whether `YYYY-MM-DD`, and what follows it, is a day of the calendar. Other forms are left to
    /// the server.
    static func isDay(_ bytes: UnsafeRawBufferPointer) -> Bool {
        guard bytes.count >= 10, bytes[4] == UInt8(ascii: "-"), bytes[7] == UInt8(ascii: "-")
        else { return true }
        func number(_ range: Range<Int>) -> Int {
            range.reduce(0) { 10 * $0 + Int(bytes[$1]) - 48 }
        }
        let (year, month, day) = (number(0..<4), number(5..<7), number(8..<10))
        guard year >= 1, day >= 1 else { return false }
        switch month {
        case 1, 3, 5, 7, 8, 10, 12: return day <= 31
        case 4, 6, 9, 11: return day <= 30
        case 2:
            let isLeap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
            return day <= (isLeap ? 29 : 28)
        default: return false
        }
    }
}

extension ForeignValues.Verdict {
    var kind: LossyConversions.Kind? {
        switch self {
        case .fits: nil
        case .null(let kind), .bytes(_, let kind): kind
        }
    }
}
