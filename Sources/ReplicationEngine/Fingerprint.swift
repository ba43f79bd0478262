/// A table's fingerprint in two parts, `shape.file`: what decides how rows are read and decoded,
/// and where they are stored. The file alone changes by TRUNCATE, VACUUM FULL, CLUSTER and by a
/// rewrite.
package struct Fingerprint: Sendable, Equatable, CustomStringConvertible {
    package var shape: Substring
    package var file: Substring

    package var description: String { "\(shape).\(file)" }

    /// After a TRUNCATE: its file is not known before somebody has looked.
    package var isOfAnyFile: Bool { file == "*" }
    package var withAnyFile: Fingerprint {
        var other = self
        other.file = "*"
        return other
    }

    package init(_ text: String) {
        let parts = text.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
        shape = parts.first ?? ""
        file = parts.count > 1 ? parts[1] : ""
    }
}
