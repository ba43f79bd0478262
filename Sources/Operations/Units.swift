import Foundation

/// Amounts as people read them.
package enum Units {
    /// `512 B`, `1.2 kB`, `10 GB`: powers of 1024.
    package static func bytes(_ count: Int64) -> String {
        var value = Double(count)
        var unit = "B"
        for next in ["kB", "MB", "GB", "TB", "PB"] where abs(value) >= 1024 {
            (value, unit) = (value / 1024, next)
        }
        return unit == "B" || value >= 100
            ? String(format: "%.0f %@", value, unit) : String(format: "%.1f %@", value, unit)
    }

    /// `0.4s`, `12s`, `12m`, `3h`, `2d`.
    package static func span(_ seconds: Double) -> String {
        switch seconds {
        case ..<10: String(format: "%.1fs", max(0, seconds))
        case ..<100: String(format: "%.0fs", seconds)
        case ..<6000: String(format: "%.0fm", seconds / 60)
        case ..<172_800: String(format: "%.0fh", seconds / 3600)
        default: String(format: "%.0fd", seconds / 86400)
        }
    }

    /// `1,234,567`; from ten thousand million on `12345 M`, so that columns keep their width.
    package static func count(_ number: Int64) -> String {
        guard number < 10_000_000_000 else { return "\(number / 1_000_000) M" }
        var text = ""
        for (index, digit) in String(number).enumerated() {
            let left = String(number).count - index
            if index > 0, left % 3 == 0 { text += "," }
            text.append(digit)
        }
        return text
    }

    /// RFC 3339 in UTC from microseconds since 1970.
    package static func time(microseconds: Int64) -> String {
        var seconds = time_t(microseconds / 1_000_000)
        var fraction = microseconds % 1_000_000
        if fraction < 0 { (seconds, fraction) = (seconds - 1, fraction + 1_000_000) }
        var parts = tm()
        gmtime_r(&seconds, &parts)
        return String(
            format: "%04d-%02d-%02dT%02d:%02d:%02d.%06dZ", Int(parts.tm_year) + 1900,
            Int(parts.tm_mon) + 1, Int(parts.tm_mday), Int(parts.tm_hour), Int(parts.tm_min),
            Int(parts.tm_sec), Int(fraction))
    }
}

extension String {
    /// Exactly `width` characters: blanks behind, or cut with an ellipsis.
    package func padded(to width: Int) -> String {
        count <= width ? self + String(repeating: " ", count: width - count) : cut(to: width)
    }

    /// At least `width` characters: blanks in front.
    package func rightAligned(in width: Int) -> String {
        String(repeating: " ", count: max(0, width - count)) + self
    }

    package func cut(to width: Int) -> String {
        count <= width ? self : prefix(max(0, width - 1)) + "\u{2026}"
    }
}
