import ReplicationEngine
import ReplicationModel

/// Changes of a table that has a mode.
extension ChangeTransform {
    mutating func make(
        _ edit: ModeStep.Edit, _ images: Images, _ change: Change, _ step: ModeStep
    ) throws {
        switch edit {
        case .update(let action):
            add(.update, action, images.old, images.new, change)
        case .bury(let isSure):
            guard let old = images.old else { return }
            let row = ended(old, step, [ModeColumns.deletedAt: step.time])
            add(.update, ChangeAction(isSure ? .whole : .updateIfThere), old, row, change)
        case .revive:
            try insert(images.new, ChangeAction(.insertNew, clearing: .new), change, step)
        case .clearNew:
            add(.insert, ChangeAction(.nothing, clearing: .new), nil, images.new, change)
        case .log(let word, let isOld):
            guard let row = isOld ? images.old : images.new else { return }
            log(word, row, step)
            try insert(row, .whole, change, step)
        case .close:
            guard let old = images.old else { return }
            let row = ended(
                old, step,
                [
                    ModeColumns.validTo: step.time, ModeColumns.toPosition: step.position,
                    ModeColumns.ordinal: String(step.nextOrdinal()),
                ])
            add(.update, .whole, old, row, change)
        case .open:
            guard let row = images.new else { return }
            set(ModeColumns.validFrom, step.time, row, step)
            set(ModeColumns.fromPosition, step.position, row, step)
            try insert(row, .whole, change, step)
        }
    }

    /// TRUNCATE is an entry of a log; other modes would have to keep every row of the table.
    mutating func truncate(_ change: Change, _ step: ModeStep) throws {
        guard step.mode == .append else {
            throw ReplicationError(
                .unsupported, "apply TRUNCATE", position: step.mark.committedAt,
                table: step.transform.source.source.name,
                why: "mode \(step.mode.rawValue) keeps the rows that are no more, and marking all "
                    + "rows of a table at once is not carried",
                try: "martlet run --fresh, which loads again and forgets them; DELETE instead of "
                    + "TRUNCATE from then on")
        }
        let row = Int32(batch.values.count)
        batch.values += step.transform.outputs.map { _ in .null }
        for (index, output) in step.transform.outputs.enumerated() {
            guard let text = step.transform.constant(index) else { continue }
            set(output.column.name, text, row, step)
        }
        log("truncate", row, step)
        add(.insert, .whole, nil, row, change)
    }

    // MARK: Rows

    private mutating func add(
        _ operation: Change.Operation, _ action: ChangeAction, _ old: Int32?, _ new: Int32?,
        _ change: Change
    ) {
        var copy = Change(operation: operation, table: change.table)
        copy.isUnchecked = change.isUnchecked
        emit(copy.with(old: old ?? -1, new: new), action)
    }

    private mutating func insert(
        _ row: Int32?, _ action: ChangeAction, _ change: Change, _ step: ModeStep
    ) throws {
        guard let row else { return }
        try requireWhole(row, step.transform)
        add(.insert, action, nil, row, change)
    }

    private mutating func log(_ word: String, _ row: Int32, _ step: ModeStep) {
        set(ModeColumns.operation, word, row, step)
        set(ModeColumns.committedAt, step.time, row, step)
        set(ModeColumns.position, step.position, row, step)
        set(ModeColumns.ordinal, String(step.nextOrdinal()), row, step)
    }

    private mutating func set(_ name: String, _ text: String, _ row: Int32, _ step: ModeStep) {
        guard let column = step.index(name) else { return }
        batch.values[Int(row) + column] = Array(text.utf8).withUnsafeBytes { batch.append($0) }
    }

    /// The row of the old key, unchanged but for some columns of the mode's own.
    private mutating func ended(
        _ old: Int32, _ step: ModeStep, _ values: [String: String]
    ) -> Int32 {
        let row = Int32(batch.values.count)
        let key = Set(step.transform.target.key)
        for index in step.transform.outputs.indices {
            batch.values.append(
                key.contains(index) ? batch.values[Int(old) + index] : .unchanged)
        }
        for (name, text) in values { set(name, text, row, step) }
        return row
    }
}
