import ReplicationEngine
import ReplicationModel

/// What a transform makes of a change's two rows: each is a row of the target's, or nothing.
struct Images: Equatable {
    var old: Int32?
    var new: Int32?

    /// What happens at the target; nil for nothing.
    ///
    /// A row that is not at the target need not be cleared: it was not there before this change,
    /// and what a later change puts there, that change clears.
    func verdict(
        _ action: ChangeAction, keepsKey: Bool
    ) -> (Change.Operation, ChangeAction)? {
        switch (old, new) {
        case (nil, nil): nil
        case (_?, _?): (.update, action)
        case (_?, nil): leaving(action, keepsKey: keepsKey).map { (.delete, $0) }
        case (nil, _?): entering(action).map { (.insert, $0) }
        }
    }

    /// A DELETE, or an UPDATE whose new row does not pass.
    private func leaving(_ action: ChangeAction, keepsKey: Bool) -> ChangeAction? {
        var clears = action.clears.intersection(.old)
        if keepsKey, action.clears.contains(.new) { clears.insert(.old) }
        switch action.step {
        case .whole, .deleteOld: return ChangeAction(.whole, clearing: clears)
        case .updateIfThere: return ChangeAction(.nothing, clearing: .old)
        case .nothing, .insertNew:
            return clears.isEmpty ? nil : ChangeAction(.nothing, clearing: clears)
        }
    }

    /// An INSERT, or an UPDATE whose old row did not pass.
    private func entering(_ action: ChangeAction) -> ChangeAction? {
        let clears = action.clears.intersection(.new)
        switch action.step {
        case .whole, .insertNew:
            return ChangeAction(clears.isEmpty ? .whole : .insertNew, clearing: clears)
        case .updateIfThere: return ChangeAction(.insertNew, clearing: .new)
        case .nothing, .deleteOld:
            return clears.isEmpty ? nil : ChangeAction(.nothing, clearing: clears)
        }
    }
}

/// Why a row cannot be transformed.
struct RowRefusal: Error {
    /// The output; nil for the filter.
    var output: String?
    var why: ValueRefusal
    /// The log lacks what only another setting of the source brings.
    var lacksImage = false

    init(_ output: String?, _ why: ValueRefusal) {
        self.output = output
        self.why = why
    }

    static var noBeforeImage: RowRefusal {
        var refusal = RowRefusal(
            nil, ValueRefusal("its filter needs values of the old row that the log does not carry"))
        refusal.lacksImage = true
        return refusal
    }

    func failure(_ transform: Transform, _ position: LogPosition?) -> ReplicationError {
        let table = transform.source.source.name
        let key = transform.source.keyColumns.map(\.name).joined(separator: ", ")
        return ReplicationError(
            lacksImage ? .unsupported : .invalidValue, "transform a row", position: position,
            table: table, column: output,
            why: why.why + (key.isEmpty ? "" : " (key: \(key))"),
            try: lacksImage ? Self.fullImage(transform.source.source) : why.remedy)
    }

    static func fullImage(_ table: TableSchema) -> String {
        table.dialect.isMySQLFamily
            ? "SET GLOBAL binlog_row_image = 'FULL'"
            : "ALTER TABLE \(table.name.quoted) REPLICA IDENTITY FULL"
    }
}

extension ValueRefusal {
    static var mixesUnchanged: ValueRefusal {
        ValueRefusal(
            "it is made of a value that the log did not repeat and of another one",
            try: "REPLICA IDENTITY FULL on the table brings both")
    }
}
