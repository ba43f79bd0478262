import ReplicationEngine
import ReplicationModel

/// What a mode makes of one change: the matrix of
/// docs/decisions/why-transforms-run-on-the-source-row, "Modes".
struct ModeStep {
    /// One change of the target's table.
    enum Edit: Equatable {
        /// The row, before and after, with the merge's verdict.
        case update(ChangeAction)
        /// The old row gets the time of its end, and may be missing where that is not sure.
        case bury(isSure: Bool)
        /// The new row, in the place of a buried one if there is one.
        case revive
        case clearNew
        /// An entry of the log, of the new row or of the old one.
        case log(String, ofOld: Bool)
        case close, open
    }

    let mode: TableMode
    let transform: Transform
    let mark: TransactionMark
    private let ordinals: ChangeOrdinals

    init(
        _ mode: TableMode, _ transform: Transform, _ mark: TransactionMark,
        _ ordinals: ChangeOrdinals
    ) {
        (self.mode, self.transform, self.mark, self.ordinals) = (mode, transform, mark, ordinals)
    }

    var time: String { String(Moment.text(mark.commitTime).dropLast(3)) }
    var position: String { mark.commitPosition.sortable }
    func nextOrdinal() -> Int64 { ordinals.next(mark.commitPosition) }

    func index(_ name: String) -> Int? {
        transform.outputs.lastIndex { $0.column.name == name }
    }

    // MARK: The matrix

    func edits(_ images: Images, _ action: ChangeAction, keepsKey: Bool) throws -> [Edit] {
        let isOneRow = images.old != nil && images.new != nil && keepsKey
        switch mode {
        case .softDelete where isOneRow: return [.update(action)]
        case .softDelete: return softDelete(Sides(images, action, keepsKey))
        // Without a key nobody could tell which row an entry replaces.
        case .append where isOneRow && !transform.source.isKeyless:
            return [.log("update", ofOld: false)]
        case .append: return append(Sides(images, action, keepsKey))
        case .history:
            guard action.isStrict else { throw Self.unseen(transform) }
            let sides = Sides(images, action, keepsKey)
            return (sides.old == .strict ? [.close] : []) + (sides.new == .strict ? [.open] : [])
        }
    }

    private func softDelete(_ sides: Sides) -> [Edit] {
        var edits: [Edit] = []
        if sides.old != .nothing { edits.append(.bury(isSure: sides.old == .strict)) }
        switch sides.new {
        case .strict: edits.append(.revive)
        case .cleared: edits.append(.clearNew)
        case .nothing: break
        }
        return edits
    }

    /// Whatever may be in a loaded row already is in the log, too.
    private func append(_ sides: Sides) -> [Edit] {
        (sides.old == .nothing ? [] : [.log("delete", ofOld: true)])
            + (sides.new == .nothing ? [] : [.log("insert", ofOld: false)])
    }

    /// What the verdict says of each side that there is.
    private struct Sides {
        enum Need { case nothing, cleared, strict }
        var old = Need.nothing
        var new = Need.nothing

        init(_ images: Images, _ action: ChangeAction, _ keepsKey: Bool) {
            if images.old != nil {
                // An UPDATE that keeps the key clears and writes as if there were a new side only.
                let isOneRow = keepsKey && action.clears.contains(.new)
                switch action.step {
                case .whole, .deleteOld: old = .strict
                case .updateIfThere: old = .cleared
                case .nothing, .insertNew:
                    if isOneRow || action.clears.contains(.old) { old = .cleared }
                }
                if action.clears.contains(.old) { old = .cleared }
            }
            if images.new != nil {
                switch action.step {
                case .whole, .insertNew, .updateIfThere: new = .strict
                case .nothing, .deleteOld: if action.clears.contains(.new) { new = .cleared }
                }
            }
        }
    }

    static func unseen(_ transform: Transform) -> ReplicationError {
        ReplicationError(
            .unsupported, "write a version of a row", table: transform.source.source.name,
            why: "the row may have been loaded with this change already, so that its version has "
                + "no beginning", try: "mode: append")
    }
}

/// The places of changes in their transactions, as far as one connection writes them.
final class ChangeOrdinals {
    private var position: LogPosition?
    private var last: Int64 = 0

    func next(_ position: LogPosition) -> Int64 {
        if self.position != position { (self.position, last) = (position, 0) }
        last += 1
        return last
    }

    /// A target transaction begins: what was counted of another one is committed, or comes again.
    func forget() { position = nil }
}

extension LogPosition {
    /// Text in the order of the log: `00000000/016B3748`, or generation, file and offset of a
    /// binlog.
    var sortable: String {
        func padded(_ number: UInt64, _ width: Int, radix: Int = 10) -> String {
            let digits = String(number, radix: radix, uppercase: true)
            return String(repeating: "0", count: max(0, width - digits.count)) + digits
        }
        switch form {
        case .lsn:
            return padded(rawValue >> 32, 8, radix: 16) + "/"
                + padded(rawValue & 0xFFFF_FFFF, 8, radix: 16)
        case .binlog:
            return padded(UInt64(generation), 2) + "." + padded(UInt64(file), 7) + ":"
                + padded(UInt64(offset), 11)
        }
    }
}
