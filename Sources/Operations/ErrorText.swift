/// The four lines of an error, taken apart again for JSON.
package struct ErrorText: Sendable, Equatable {
    private static let labels = ["error", "where", "why", "try"]

    /// By label; nil where the error has no such line.
    private var parts = [String?](repeating: nil, count: Self.labels.count)

    /// Lines without a label belong to the one before.
    package init(_ text: String) {
        var current = 0
        for line in text.split(separator: "\n") {
            var rest = line[...]
            if let index = Self.labels.firstIndex(where: { line.hasPrefix("\($0): ") }) {
                current = index
                rest = line.dropFirst(Self.labels[index].count + 2)
            }
            parts[current] = (parts[current].map { "\($0)\n" } ?? "") + rest
        }
    }

    package var json: JSONValue {
        .object(zip(Self.labels, parts).map { ($0, .optional($1)) })
    }

    package var lines: [String] {
        zip(Self.labels, parts).compactMap { label, part in part.map { "\(label): \($0)" } }
    }
}
