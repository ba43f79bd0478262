import Foundation

/// User and password from `~/.my.cnf`, where the server's own clients look for them.
///
/// Only these two: everything else of a connection is in its URL. The group `[martlet]` wins over
/// `[client]`. As libpq does with its password file, one that others may read is not used.
/// Source: MySQL documentation, "Using Option Files".
struct OptionFile: Equatable {
    var user: String?
    var password: String?

    private static let maxBytes = 1 << 20

    /// - Parameter home: the folder that holds the file.
    init(home: String? = ProcessInfo.processInfo.environment["HOME"]) {
        self.init(parsing: Self.text(in: home ?? "") ?? "")
    }

    private static func text(in home: String) -> String? {
        let path = home + "/.my.cnf"
        let attributes = try? FileManager.default.attributesOfItem(atPath: path)
        guard let mode = attributes?[.posixPermissions] as? Int, mode & 0o077 == 0,
            let size = attributes?[.size] as? Int, size <= maxBytes
        else { return nil }
        return try? String(contentsOfFile: path, encoding: .utf8)
    }

    init(parsing text: String) {
        var groups: [String: [String: String]] = [:]
        var group = ""
        for line in text.split(whereSeparator: \.isNewline) {
            let line = line.trimmingCharacters(in: .whitespaces)
            if line.hasPrefix("["), line.hasSuffix("]") {
                group = String(line.dropFirst().dropLast())
            } else if !line.hasPrefix("#"), !line.hasPrefix(";"),
                let equals = line.firstIndex(of: "=")
            {
                let name = line[..<equals].trimmingCharacters(in: .whitespaces)
                groups[group, default: [:]][name] = Self.value(line[line.index(after: equals)...])
            }
        }
        user = groups["martlet"]?["user"] ?? groups["client"]?["user"]
        password = groups["martlet"]?["password"] ?? groups["client"]?["password"]
    }

    /// Quotes keep what is between them; outside, ` #` begins a comment.
    private static func value(_ text: Substring) -> String {
        let text = text.trimmingCharacters(in: .whitespaces)
        if let quote = text.first, quote == "'" || quote == "\"",
            let end = text.dropFirst().lastIndex(of: quote)
        {
            return String(text[text.index(after: text.startIndex)..<end])
        }
        guard let comment = text.range(of: " #") else { return text }
        return text[..<comment.lowerBound].trimmingCharacters(in: .whitespaces)
    }
}
