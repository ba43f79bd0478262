/// What to do with one change, decided by the merge of load and stream (DESIGN 6.5 to 6.7).
///
/// First rows are deleted that may or may not be there, then comes one strict step. That is how a
/// change is applied whose transaction a chunk's snapshot may have seen or not: afterwards the rows
/// are right in either case.
package struct ChangeAction: Hashable, Sendable {
    package enum Step: UInt8, Sendable {
        case nothing
        case whole
        /// Only the old side: delete the row of the old key.
        case deleteOld
        /// Only the new side: insert the after-image, which is complete.
        case insertNew
        /// An UPDATE that keeps the key and lacks values, of a row that may not be there.
        case updateIfThere
    }

    /// Keys whose rows are deleted first, if they are there; never in a table without a key.
    package var clears: ChangeSides
    package var step: Step

    package init(_ step: Step, clearing clears: ChangeSides = []) {
        self.step = step
        self.clears = clears
    }

    package static let skip = ChangeAction(.nothing)
    package static let whole = ChangeAction(.whole)
    package static let deleteOld = ChangeAction(.deleteOld)
    package static let insertNew = ChangeAction(.insertNew)

    /// The strict step is all there is: rows are where the log says they are.
    package var isStrict: Bool { clears.isEmpty && step != .updateIfThere }
    /// The change's after-image is written.
    package var writesNew: Bool {
        switch step {
        case .nothing, .deleteOld: false
        case .whole, .insertNew, .updateIfThere: true
        }
    }
}

/// Rows of a change: the one of the old key, the one of the new key.
package struct ChangeSides: OptionSet, Hashable, Sendable {
    package let rawValue: UInt8
    package init(rawValue: UInt8) { self.rawValue = rawValue }
    package static let old = ChangeSides(rawValue: 1)
    package static let new = ChangeSides(rawValue: 2)
    package static let both: ChangeSides = [.old, .new]
}

/// How a unit needs one side of a change.
enum SideNeed: Sendable {
    /// The unit has it, or will read it.
    case none
    /// The unit's snapshot did not see it.
    case strict
    /// The unit's snapshot may have seen it.
    case idempotent
}

/// What both sides of one change need together (DESIGN 6.7).
struct ChangeNeeds {
    var old: SideNeed
    var new: SideNeed
    /// The change has an after-image.
    var hasNew: Bool
    /// An UPDATE that keeps the key: both sides are one row.
    var keepsKey: Bool
    /// The after-image lacks values.
    var isIncomplete: Bool

    /// The new key's value is nowhere: not in the log, and the old row does not have it for
    /// certain. Its key becomes a key-chunk.
    var leavesKeyWithoutValue: Bool {
        new != .none && isIncomplete && !keepsKey && old != .strict
    }

    var action: ChangeAction {
        if keepsKey { return actionOnOneRow }
        var clears: ChangeSides = []
        if old == .idempotent { clears.insert(.old) }
        if new == .idempotent { clears.insert(.new) }
        if leavesKeyWithoutValue { return ChangeAction(.nothing, clearing: clears) }
        switch (old == .strict, new != .none) {
        case (true, true): return ChangeAction(.whole, clearing: clears)
        case (true, false): return hasNew ? .deleteOld : .whole
        case (false, true): return ChangeAction(.insertNew, clearing: clears)
        case (false, false): return ChangeAction(.nothing, clearing: clears)
        }
    }

    private var actionOnOneRow: ChangeAction {
        switch new {
        case .none: .skip
        case .strict: .whole
        case .idempotent:
            isIncomplete ? ChangeAction(.updateIfThere) : ChangeAction(.insertNew, clearing: .new)
        }
    }
}
