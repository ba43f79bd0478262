/// A table's fingerprint in two parts, `shape.file`: what decides how rows are read and decoded,
/// and where they are stored. The file alone changes by TRUNCATE, VACUUM FULL, CLUSTER and by a
/// rewrite. Stored with a third, `.unproven`, once a new file was accepted without an explanation.
package struct Fingerprint: Sendable, Equatable, CustomStringConvertible {
    package var shape: Substring
    package var file: Substring
    /// Whether the target's rows are the source's is not known (`ddl: {unseen: mark}`).
    package var isUnproven = false

    package var description: String { "\(shape).\(file)" + (isUnproven ? ".unproven" : "") }

    /// After a TRUNCATE: its file is not known before somebody has looked.
    package var isOfAnyFile: Bool { file == "*" }
    package var withAnyFile: Fingerprint {
        var other = self
        other.file = "*"
        other.isUnproven = false
        return other
    }

    package init(_ text: String) {
        let parts = text.split(separator: ".", maxSplits: 2, omittingEmptySubsequences: false)
        shape = parts.first ?? ""
        file = parts.count > 1 ? parts[1] : ""
        isUnproven = parts.count > 2
    }
}
