/// A length of time as written in a pipeline file or an option: `10s`, `500ms`, `2m`, `1.5h`.
package struct TimeSpan: Hashable, Comparable, Sendable, CustomStringConvertible {
    package var seconds: Double

    package init(seconds: Double) { self.seconds = seconds }

    /// A unit is required, because a bare number says nothing; only `0` stands alone.
    /// nil if `text` is not a time span.
    package init?(parsing text: String) {
        let (digits, unit) = splitUnit(text)
        guard let number = Double(digits), let factor = Self.factor(unit, number) else {
            return nil
        }
        seconds = number * factor
    }

    private static func factor(_ unit: String, _ number: Double) -> Double? {
        switch unit.lowercased() {
        case "ms": 0.001
        case "s", "sec": 1
        case "m", "min": 60
        case "h": 3600
        case "d": 86400
        case "" where number == 0: 1
        default: nil
        }
    }

    package var description: String {
        if seconds >= 1 || seconds == 0 {
            return seconds == seconds.rounded() ? "\(Int(seconds))s" : "\(seconds)s"
        }
        let milliseconds = seconds * 1000
        return milliseconds == milliseconds.rounded()
            ? "\(Int(milliseconds))ms" : "\(milliseconds)ms"
    }

    package static func < (a: TimeSpan, b: TimeSpan) -> Bool { a.seconds < b.seconds }
}
