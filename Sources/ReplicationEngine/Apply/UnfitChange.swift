package import ReplicationModel

/// A change that cannot be netted, or that a table cannot hold; thrown before anything is sent.
package struct UnfitChange: Error {
    /// Index into the batch's changes.
    package var change: Int
    package var kind: ReplicationError.Kind
    package var why: String

    package init(change: Int, kind: ReplicationError.Kind, why: String) {
        self.change = change
        self.kind = kind
        self.why = why
    }
}
