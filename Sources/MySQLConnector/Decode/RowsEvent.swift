internal import ReplicationModel

/// WRITE_ROWS, UPDATE_ROWS and DELETE_ROWS, versions 1 and 2, MariaDB's compressed ones too: the
/// part before the rows.
struct RowsEvent {
    enum Form { case write, update, delete }

    let form: Form
    /// Stands for "the statement ends here" without naming a table.
    static let dummyTable: UInt64 = 0xFF_FFFF

    let table: UInt64
    /// The last event of its statement (B16): the ids of tables are not valid behind it.
    let endsStatement: Bool
    /// NO_FOREIGN_KEY_CHECKS_F: the session's `foreign_key_checks` was off.
    let isUnchecked: Bool

    init(
        _ reader: inout EventReader, _ form: Form, version: Int
    ) throws(MalformedEvent) {
        self.form = form
        table = try reader.unsigned(6)
        let flags = try reader.uint16()
        endsStatement = flags & 1 != 0
        isUnchecked = flags & 2 != 0
        guard version == 2 else { return }
        // Extra information: of NDB, and the number of the partition. Its length counts itself.
        let extra = Int(try reader.uint16())
        guard extra >= 2 else { throw .invalid("extra information of \(extra) bytes") }
        _ = try reader.take(extra - 2)
    }
}

/// Which columns an image holds (B03), and how many.
struct ColumnBitmap {
    private let bytes: UnsafeRawBufferPointer
    private let width: Int
    let count: Int

    init(_ reader: inout EventReader, width: Int) throws(MalformedEvent) {
        bytes = try reader.take((width + 7) / 8)
        self.width = width
        var count = 0
        for byte in bytes { count += byte.nonzeroBitCount }
        // MySQL sets the bits behind the last column too, MariaDB does not.
        if width & 7 != 0, let last = bytes.last { count -= (last >> (width & 7)).nonzeroBitCount }
        self.count = count
    }

    @inline(__always)
    subscript(index: Int) -> Bool { bytes[index >> 3] >> (index & 7) & 1 == 1 }
    var isWhole: Bool { count == width }
    var columns: [Bool] { (0..<width).map { self[$0] } }
}

/// Decodes the rows of one event.
struct RowsDecoder: ~Copyable {
    private var text = RowText()
    private let converters: Converters
    /// The column that was being decoded: for errors.
    private(set) var column = 0

    init(_ converters: Converters) { self.converters = converters }

    /// - Parameter reader: at the width, behind the event's fixed part.
    mutating func decode(
        _ event: RowsEvent, _ table: TableMap, _ plan: RowPlan, _ reader: inout EventReader,
        isCompressed: Bool, allowsPartial: Bool, into builder: inout BatchBuilder
    ) throws(MalformedEvent) {
        let width = try reader.count()
        guard width == plan.forms.count else {
            throw .columnCount(described: plan.forms.count, sent: width)
        }
        let first = try ColumnBitmap(&reader, width: width)
        let second = event.form == .update ? try ColumnBitmap(&reader, width: width) : first
        let isWhole = (first: plan.isWhole(first), second: plan.isWhole(second))
        guard allowsPartial || isWhole.first && isWhole.second else { throw .partialImage }
        // Such rows take no bytes: nobody could say how many there are.
        guard first.count > 0 else { throw .unsupported("a row image without columns") }
        let isPartial = event.form != .write && !isWhole.first
        let slot = builder.slot(of: table, plan, identity: isPartial ? first.columns : nil)
        let images = Images(
            plan: plan, slot: slot, form: event.form, isUnchecked: event.isUnchecked, first: first,
            second: second, isWhole: isWhole)
        guard isCompressed else {
            try rows(images, &reader, into: &builder)
            return
        }
        let inflated = try Inflation.event(reader.rest())
        try inflated.reading { bytes throws(MalformedEvent) in
            var reader = EventReader(bytes)
            try rows(images, &reader, into: &builder)
        }
    }

    private struct Images {
        let plan: RowPlan
        let slot: Int32
        let form: RowsEvent.Form
        let isUnchecked: Bool
        let first: ColumnBitmap
        let second: ColumnBitmap
        /// Whether each holds every column that is delivered.
        let isWhole: (first: Bool, second: Bool)
    }

    private mutating func rows(
        _ images: borrowing Images, _ reader: inout EventReader, into builder: inout BatchBuilder
    ) throws(MalformedEvent) {
        while !reader.isAtEnd {
            text.clear()
            switch images.form {
            case .write:
                var change = Change(operation: .insert, table: images.slot)
                change.newRow = try image(images, images.first, &reader, &builder)
                try finish(change, &builder)
            case .delete:
                var change = Change(operation: .delete, table: images.slot)
                change.oldIsWhole = images.isWhole.first
                change.isUnchecked = images.isUnchecked
                change.oldRow = try image(images, images.first, &reader, &builder)
                try finish(change, &builder)
            case .update:
                var change = Change(operation: .update, table: images.slot)
                change.oldIsWhole = images.isWhole.first
                change.isUnchecked = images.isUnchecked
                change.oldRow = try image(images, images.first, &reader, &builder)
                change.newRow = try image(images, images.second, &reader, &builder)
                if !images.isWhole.second { fillUnchanged(change, images, &builder) }
                try finish(change, &builder)
            }
        }
    }

    @inline(__always)
    private mutating func finish(
        _ change: Change, _ builder: inout BatchBuilder
    ) throws(MalformedEvent) {
        try builder.append(text)
        builder.batch.changes.append(change)
    }

    /// Appends the values of one image and returns the index of the first.
    @inline(__always)
    private mutating func image(
        _ images: borrowing Images, _ present: ColumnBitmap, _ reader: inout EventReader,
        _ builder: inout BatchBuilder
    ) throws(MalformedEvent) -> Int32 {
        let first = builder.batch.values.count
        let base = builder.batch.bytes.count
        let nulls = try reader.take((present.count + 7) / 8)
        let isWhole = present.isWhole
        var bit = 0
        for index in 0..<images.plan.forms.count {
            let isCarried = images.plan.isCarried[index]
            guard isWhole || present[index] else {
                if isCarried { builder.batch.values.append(.unchanged) }
                continue
            }
            defer { bit &+= 1 }
            guard nulls[bit >> 3] >> (bit & 7) & 1 == 0 else {
                if isCarried { builder.batch.values.append(.null) }
                continue
            }
            column = index
            let start = text.count
            try text.value(images.plan, index, &reader, converters)
            guard isCarried else {
                text.cut(to: start)
                continue
            }
            builder.batch.values.append(
                Value(
                    offset: UInt32(truncatingIfNeeded: base &+ start),
                    length: Int32(truncatingIfNeeded: text.count &- start)))
        }
        return Int32(truncatingIfNeeded: first)
    }

    /// A column that the after-image lacks has the value of the before-image, if that has it.
    private func fillUnchanged(
        _ change: Change, _ images: borrowing Images, _ builder: inout BatchBuilder
    ) {
        for (place, index) in images.plan.carried.enumerated() where !images.second[index] {
            builder.batch.values[Int(change.newRow) + place] =
                builder.batch.values[Int(change.oldRow) + place]
        }
    }
}
