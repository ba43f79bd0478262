import ReplicationModel

/// Every function beside SQLite's own; docs/transforms.md describes them.
enum FunctionLibrary {
    static let all: [SQLFunction] = hashes + texts + decimals + dates + changes

    static func named(_ name: String) -> SQLFunction? { byName[name.lowercased()] }

    private static let byName = Dictionary(uniqueKeysWithValues: all.map { ($0.name, $0) })

    /// Functions that speak of the change, not of the row.
    static let aboutChange = Set(all.filter(\.isAboutChange).map(\.name))

    private static let changes: [SQLFunction] = [
        SQLFunction("source_name", 0...0, .text) { call throws(FunctionFault) in
            .text(call.context.sourceName)
        },
        SQLFunction("operation", 0...0, .text, isAboutChange: true) {
            call throws(FunctionFault) in .text(call.context.operation)
        },
        SQLFunction("commit_position", 0...0, .text, isAboutChange: true) {
            call throws(FunctionFault) in
            call.context.mark.map { .text($0.committedAt.description) } ?? .null
        },
        SQLFunction("commit_time", 0...0, .timestampWithZone, isAboutChange: true) {
            call throws(FunctionFault) in
            call.context.mark.map { .text(Moment.text($0.commitTime)) } ?? .null
        },
        SQLFunction("key", 1...1, .bytes) { call throws(FunctionFault) in
            let name = try call.text(0)
            guard let key = call.context.keys[name] else {
                throw FunctionFault("there is no such key")
            }
            return .blob(key)
        },
    ]
}

/// Moments as SQLite's date functions read them.
enum Moment {
    /// `2024-01-31 12:00:00.5+00:00` of microseconds since 1970.
    static func text(_ microseconds: Int64) -> String {
        let (seconds, fraction) = microseconds.flooredDivision(by: 1_000_000)
        let (days, rest) = seconds.flooredDivision(by: 86400)
        var text = "\(CivilDay(days)) \(two(rest / 3600)):\(two(rest / 60 % 60)):\(two(rest % 60))"
        if fraction > 0 {
            var digits = String(fraction + 1_000_000).dropFirst()
            while digits.last == "0" { digits.removeLast() }
            text += "." + digits
        }
        return text + "+00:00"
    }

    private static func two(_ number: Int64) -> String { number < 10 ? "0\(number)" : "\(number)" }
}

extension Int64 {
    fileprivate func flooredDivision(by divisor: Int64) -> (quotient: Int64, remainder: Int64) {
        let (quotient, remainder) = quotientAndRemainder(dividingBy: divisor)
        return remainder < 0 ? (quotient - 1, remainder + divisor) : (quotient, remainder)
    }
}

/// A day of the proleptic Gregorian calendar.
///
/// Source: Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", civil_from_days.
struct CivilDay: CustomStringConvertible {
    var year: Int64
    var month: Int64
    var day: Int64

    /// Days since 1970-01-01.
    init(_ days: Int64) {
        let shifted = days + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let ofEra = shifted - era * 146_097
        let years = (ofEra - ofEra / 1460 + ofEra / 36524 - ofEra / 146_096) / 365
        let ofYear = ofEra - (365 * years + years / 4 - years / 100)
        let shiftedMonth = (5 * ofYear + 2) / 153
        day = ofYear - (153 * shiftedMonth + 2) / 5 + 1
        month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        year = years + era * 400 + (month <= 2 ? 1 : 0)
    }

    var description: String {
        func padded(_ number: Int64, _ width: Int) -> String {
            String(repeating: "0", count: max(0, width - String(number).count)) + String(number)
        }
        return "\(padded(year, 4))-\(padded(month, 2))-\(padded(day, 2))"
    }
}
