import ReplicationModel

/// Typed values of single keys; nil when the key is not given.
extension ConfigurationReader {
    func text(_ path: String) throws -> String? {
        guard let node = values[path] else { return nil }
        guard case .text(let text) = node.content else {
            throw failure(path, "the value must be a text, not a \(node.shape)")
        }
        return text
    }

    func url(_ path: String) throws -> ConnectionURL? {
        guard let text = try text(path) else { return nil }
        do {
            return try ConnectionURL(parsing: text)
        } catch let error as ReplicationError {
            throw failure(path, error.why, try: error.remedy)
        }
    }

    func choice(_ path: String) throws -> String? {
        guard let text = try text(path),
            case .choice(let known)? = ConfigurationKey.named(path)?.form
        else { return nil }
        guard known.contains(text) else {
            let meant = Suggestion.nearest(to: text, among: known).map { "did you mean '\($0)'? " }
            throw failure(
                path, "'\(text)' is not a value of this key",
                try: (meant ?? "") + "values: " + known.joined(separator: ", "))
        }
        return text
    }

    func count(_ path: String) throws -> Int? {
        guard let text = try text(path),
            case .count(let range)? = ConfigurationKey.named(path)?.form
        else { return nil }
        guard let number = Int(text), range.contains(number) else {
            throw failure(
                path,
                "'\(text)' is not a whole number from \(range.lowerBound) to"
                    + " \(range.upperBound)")
        }
        return number
    }

    func size(_ path: String) throws -> ByteSize? {
        guard let text = try text(path), case .size(let least)? = ConfigurationKey.named(path)?.form
        else { return nil }
        guard let size = ByteSize(parsing: text) else {
            throw failure(path, "'\(text)' is not a size", try: "256MB, 10GB, 512kB")
        }
        guard size >= least else { throw failure(path, "\(size) is less than \(least)") }
        return size
    }

    func span(_ path: String) throws -> TimeSpan? {
        guard let text = try text(path), case .span(let range)? = ConfigurationKey.named(path)?.form
        else { return nil }
        guard let span = TimeSpan(parsing: text) else {
            throw failure(path, "'\(text)' is not a time with a unit", try: "10s, 500ms, 2m")
        }
        guard range.contains(span.seconds) else {
            let (low, high) = (range.lowerBound, range.upperBound)
            throw failure(
                path,
                "\(span) is not between \(TimeSpan(seconds: low)) and"
                    + " \(TimeSpan(seconds: high))")
        }
        return span
    }

    /// A single text counts as a list of one.
    func patterns(_ path: String) throws -> [TablePattern] {
        guard let node = values[path] else { return [] }
        var items = [node]
        if case .list(let list) = node.content { items = list }
        guard !items.isEmpty else {
            throw failure(path, "the list is empty", try: "remove the key to mean the default")
        }
        return try items.map { item in
            guard case .text(let text) = item.content else {
                throw failure(path, "a pattern is a text, not a \(item.shape)", at: item)
            }
            do {
                return try TablePattern(parsing: text)
            } catch let error as ReplicationError {
                throw failure(path, "'\(text)': \(error.why)", at: item, try: error.remedy)
            }
        }
    }

    func map(_ path: String) throws -> [(from: String, to: String)] {
        guard let node = values[path] else { return [] }
        guard case .map(let entries) = node.content else {
            throw failure(path, "the value must be a map, not a \(node.shape)", try: "{from: to}")
        }
        return try entries.map { entry in
            guard case .text(let text) = entry.value.content else {
                throw failure(
                    path, "the value of \(entry.key) must be a text", at: entry.value)
            }
            return (entry.key, text)
        }
    }

    /// An error at a key, or at one item below it.
    func failure(
        _ path: String, _ why: String, at item: ConfigurationNode? = nil,
        try remedy: String? = nil
    ) -> ReplicationError {
        let origin = (item ?? values[path])?.place
        return ReplicationError(
            .configuration, "read the configuration",
            place: (origin.map { "\($0), " } ?? "") + "key \(path)", why: why, try: remedy)
    }
}

extension ConfigurationNode {
    var isEmpty: Bool {
        switch content {
        case .text(let text): text.isEmpty
        case .list(let items): items.isEmpty
        case .map(let entries): entries.isEmpty
        }
    }

    var shape: String {
        switch content {
        case .text: "text"
        case .list: "list"
        case .map: "map"
        }
    }
}
