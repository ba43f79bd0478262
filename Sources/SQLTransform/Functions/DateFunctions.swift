import Foundation

/// A date or time as values have it: `2024-02-29`, `2024-02-29 12:00:00.5`, with `+00:00` behind it
/// if it is a moment.
struct DateText {
    /// Since 1970-01-01.
    var days: Int64
    /// Of the day.
    var microseconds: Int64 = 0
    var isMoment = false

    static let day: Int64 = 86_400_000_000

    init(days: Int64, microseconds: Int64, isMoment: Bool) {
        (self.days, self.microseconds, self.isMoment) = (days, microseconds, isMoment)
    }

    /// Seconds since 1970, which may lie beyond the day.
    init(microseconds: Int64, isMoment: Bool) {
        let days = Int64((Double(microseconds) / Double(Self.day)).rounded(.down))
        self.init(days: days, microseconds: 0, isMoment: isMoment)
        self.microseconds = microseconds - days * Self.day
        if self.microseconds < 0 {
            (self.days, self.microseconds) = (days - 1, self.microseconds + Self.day)
        }
        if self.microseconds >= Self.day {
            (self.days, self.microseconds) = (self.days + 1, self.microseconds - Self.day)
        }
    }

    var sinceEpoch: Int64 { days * Self.day + microseconds }

    init(_ text: String) throws(FunctionFault) {
        let parts = text.wholeMatch(
            of: /(\d{4})-(\d\d)-(\d\d)(?: (\d\d):(\d\d):(\d\d)(?:\.(\d{1,6}))?(\+00(?::00)?)?)?/)
        guard let parts, let year = Int64(parts.1), let month = Int64(parts.2),
            let day = Int64(parts.3),
            let days = CivilDay.days(year: year, month: month, day: day)
        else { throw FunctionFault("the text is no date between the years 1 and 9999") }
        self.days = days
        guard let hour = parts.4, let minute = parts.5, let second = parts.6 else { return }
        let fraction = (parts.7.map(String.init) ?? "").padding(
            toLength: 6, withPad: "0", startingAt: 0)
        let seconds = [hour, minute, second].reduce(Int64(0)) { $0 * 60 + (Int64($1) ?? 0) }
        microseconds = seconds * 1_000_000 + (Int64(fraction) ?? 0)
        isMoment = parts.8 != nil
    }

    var text: String {
        let text = Moment.text(sinceEpoch)
        return isMoment ? text : String(text.dropLast(6))
    }
}

extension CivilDay {
    /// Days since 1970-01-01; nil for a day that is none.
    ///
    /// Source: as `init(_:)`, days_from_civil.
    static func days(year: Int64, month: Int64, day: Int64) -> Int64? {
        guard (1...9999).contains(year), (1...12).contains(month), day >= 1 else { return nil }
        let shifted = month <= 2 ? year - 1 : year
        let era = shifted / 400
        let ofEra = shifted - era * 400
        let ofYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
        let days = era * 146_097 + ofEra * 365 + ofEra / 4 - ofEra / 100 + ofYear - 719_468
        return CivilDay(days).day == day ? days : nil
    }
}

extension FunctionLibrary {
    static let dates: [SQLFunction] = [
        SQLFunction("date_trunc", 2...2, .timestamp) { call throws(FunctionFault) in
            .text(try truncate(try DateText(try call.text(1)), to: try call.text(0)).text)
        },
        SQLFunction("at_time_zone", 2...2, .timestamp) { call throws(FunctionFault) in
            let name = try call.text(1)
            guard let zone = TimeZone(identifier: name) else {
                throw FunctionFault("there is no such time zone")
            }
            return .text(try shift(try DateText(try call.text(0)), zone).text)
        },
        SQLFunction("to_timestamp", 1...2, .timestampWithZone) { call throws(FunctionFault) in
            guard call.count == 1 else {
                return .text(try read(try call.text(0), by: try call.text(1)).text)
            }
            guard let number = DecimalNumber(digits: try call.plainDigits(0)),
                let micro = Int64(
                    String(decoding: number.shiftedPoint(by: 6).rounded(to: 0).text, as: UTF8.self))
            else { throw FunctionFault("the argument is no number of seconds") }
            return .text(Moment.text(micro))
        },
    ]

    // MARK: date_trunc

    /// As PostgreSQL's.
    private static func truncate(_ date: DateText, to unit: String) throws(FunctionFault)
        -> DateText
    {
        let steps: [String: Int64] = [
            "microseconds": 1, "milliseconds": 1000, "second": 1_000_000, "minute": 60_000_000,
            "hour": 3_600_000_000, "day": DateText.day,
        ]
        var date = date
        if let step = steps[unit.lowercased()] {
            date.microseconds -= date.microseconds % step
            return date
        }
        let day = CivilDay(date.days)
        let first: Int64?
        switch unit.lowercased() {
        // 1970-01-01 was a Thursday.
        case "week": first = date.days - ((date.days + 3) % 7 + 7) % 7
        case "month": first = CivilDay.days(year: day.year, month: day.month, day: 1)
        case "quarter":
            first = CivilDay.days(year: day.year, month: (day.month - 1) / 3 * 3 + 1, day: 1)
        case "year": first = CivilDay.days(year: day.year, month: 1, day: 1)
        case "decade": first = CivilDay.days(year: max(1, day.year / 10 * 10), month: 1, day: 1)
        default: throw FunctionFault("the unit is none of microseconds to decade")
        }
        return DateText(days: first ?? date.days, microseconds: 0, isMoment: date.isMoment)
    }

    // MARK: at_time_zone

    /// As PostgreSQL's: an hour that is twice is the later one, one that is left out is what the
    /// clock before it would have shown.
    private static func shift(_ date: DateText, _ zone: TimeZone) throws(FunctionFault) -> DateText
    {
        func offset(_ microseconds: Int64) -> Int64 {
            let moment = Date(timeIntervalSince1970: Double(microseconds) / 1_000_000)
            return Int64(zone.secondsFromGMT(for: moment)) * 1_000_000
        }
        let time = date.sinceEpoch
        if date.isMoment {
            return DateText(microseconds: time + offset(time), isMoment: false)
        }
        let (before, after) = (offset(time - DateText.day), offset(time + DateText.day))
        let isBefore = offset(time - before) == before
        let isAfter = offset(time - after) == after
        let chosen = isAfter ? after : isBefore ? before : before
        return DateText(microseconds: time - chosen, isMoment: true)
    }

    // MARK: to_timestamp

    /// `YYYY-MM-DD HH24:MI:SS.US`, in UTC: patterns are digits of a fixed number, everything else
    /// stands as it is.
    private static func read(_ text: String, by format: String) throws(FunctionFault) -> DateText {
        let patterns = ["YYYY": 4, "HH24": 2, "MM": 2, "DD": 2, "MI": 2, "SS": 2, "MS": 3, "US": 6]
        var (rest, found) = (text[...], [String: Int64]())
        var form = format[...]
        while let next = form.first {
            let pattern = patterns.keys.filter { form.hasPrefix($0) }.max { $0.count < $1.count }
            guard let pattern, let width = patterns[pattern] else {
                guard !next.isLetter, rest.first == next else {
                    throw FunctionFault(
                        next.isLetter
                            ? "the format has other patterns than YYYY MM DD HH24 MI SS MS US"
                            : "the text has not the form of the format")
                }
                (form, rest) = (form.dropFirst(), rest.dropFirst())
                continue
            }
            guard let number = Int64(rest.prefix(width)), rest.prefix(width).count == width,
                number >= 0
            else { throw FunctionFault("the text has not the form of the format") }
            found[pattern] = number
            (form, rest) = (form.dropFirst(pattern.count), rest.dropFirst(width))
        }
        let (hour, minute) = (found["HH24"] ?? 0, found["MI"] ?? 0)
        let second = found["SS"] ?? 0
        let days = CivilDay.days(
            year: found["YYYY"] ?? 1, month: found["MM"] ?? 1, day: found["DD"] ?? 1)
        guard rest.isEmpty, let days, hour < 24, minute < 60, second < 60 else {
            throw FunctionFault("the text is no moment")
        }
        let micro = (found["US"] ?? 0) + (found["MS"] ?? 0) * 1000
        return DateText(
            days: days, microseconds: ((hour * 60 + minute) * 60 + second) * 1_000_000 + micro,
            isMoment: true)
    }
}
