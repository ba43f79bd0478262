/// What the target's table keeps of a row's changes.
package enum TableMode: String, Sendable, CaseIterable {
    /// Deleted rows stay, with the time of it.
    case softDelete = "soft_delete"
    /// One row per change.
    case append
    /// One row per version of a row.
    case history
}
