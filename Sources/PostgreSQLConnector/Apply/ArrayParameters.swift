internal import ReplicationModel

/// Array parameters of one statement in the server's binary form, one per column, filled row by
/// row.
///
/// Binary needs no escaping: text is copied as it lies in the batch. Integers become numbers here,
/// once, instead of text that the server parses; every other type goes as `text[]` and is read by
/// its own input function.
///
/// Source: `array_recv` in PostgreSQL's `src/backend/utils/adt/arrayfuncs.c`: dimensions, NULL
/// flag, element type, then per dimension length and lower bound, then length and bytes per
/// element.
final class ArrayParameters {
    /// A value is not what its column's type promises.
    struct UnfitValue: Error {}

    private var columns: [OutputBytes] = []
    private var lanes: [AppliedColumn.Lane] = []
    private(set) var rows: Int32 = 0
    private var pointers: [UnsafePointer<CChar>?] = []
    private var lengths: [Int32] = []
    private var formats: [Int32] = []

    private static let nullFlagOffset = 4
    private static let countOffset = 12

    func begin(_ lanes: [AppliedColumn.Lane]) {
        self.lanes = lanes
        rows = 0
        while columns.count < lanes.count { columns.append(OutputBytes()) }
        for (index, lane) in lanes.enumerated() { writeHeader(columns[index], lane) }
    }

    private func writeHeader(_ column: OutputBytes, _ lane: AppliedColumn.Lane) {
        column.reset()
        column.append(bigEndian: Int32(1))
        column.append(bigEndian: Int32(0))
        column.append(bigEndian: lane.elementType)
        column.append(bigEndian: Int32(0))
        column.append(bigEndian: Int32(1))
    }

    var byteCount: Int { (0..<lanes.count).reduce(0) { $0 + columns[$1].count } }

    @inline(__always)
    func endRow() { rows += 1 }

    /// Appends the next element of a column. The caller appends to every column, then `endRow`.
    @inline(__always)
    func append(_ value: Value, to index: Int, in batch: BatchView) throws(UnfitValue) {
        let column = columns[index]
        guard value.length >= 0 else { return try appendNull(value, to: column) }
        let start = batch.start(of: value)
        let length = Int(value.length)
        switch lanes[index] {
        case .text, .cast:
            column.append(bigEndian: value.length)
            column.append(start, count: length)
        case .int32:
            column.append(bigEndian: Int32(4))
            column.append(bigEndian: try Self.integer(start, length) as Int32)
        case .int64:
            column.append(bigEndian: Int32(8))
            column.append(bigEndian: try Self.integer(start, length) as Int64)
        case .int16:
            column.append(bigEndian: Int32(2))
            column.append(bigEndian: try Self.integer(start, length) as Int16)
        }
    }

    private func appendNull(_ value: Value, to column: OutputBytes) throws(UnfitValue) {
        guard value.length == -1 else { throw UnfitValue() }
        column.append(bigEndian: Int32(-1))
        column.overwrite(at: Self.nullFlagOffset, bigEndian: 1)
    }

    @inline(__always)
    private static func integer<Number: FixedWidthInteger>(
        _ start: UnsafeRawPointer, _ length: Int
    ) throws(UnfitValue) -> Number {
        var at = 0
        let isNegative = length > 0 && start.load(as: UInt8.self) == UInt8(ascii: "-")
        if isNegative { at = 1 }
        // 18 digits always fit; the longest that a 64-bit number has is 19.
        guard at < length, length - at <= 19 else { throw UnfitValue() }
        var magnitude: UInt64 = 0
        while at < length {
            let digit = start.load(fromByteOffset: at, as: UInt8.self) &- UInt8(ascii: "0")
            guard digit < 10 else { throw UnfitValue() }
            magnitude = magnitude &* 10 &+ UInt64(digit)
            at += 1
        }
        let signed: Number? =
            isNegative
            ? Number(exactly: 0 &- Int64(bitPattern: magnitude))
            : Number(exactly: magnitude)
        let mayBeNegative = magnitude <= UInt64(Int64.max) + 1
        guard let signed, !isNegative || mayBeNegative else { throw UnfitValue() }
        return signed
    }

    /// Ends the arrays and calls `body` with what libpq takes.
    func withParameters<Result>(
        _ body: (
            UnsafePointer<UnsafePointer<CChar>?>?, UnsafePointer<Int32>?, UnsafePointer<Int32>?
        ) throws -> Result
    ) rethrows -> Result {
        pointers.removeAll(keepingCapacity: true)
        lengths.removeAll(keepingCapacity: true)
        formats.removeAll(keepingCapacity: true)
        for index in lanes.indices {
            let column = columns[index]
            column.overwrite(at: Self.countOffset, bigEndian: rows)
            pointers.append(UnsafePointer(column.start.assumingMemoryBound(to: CChar.self)))
            lengths.append(Int32(column.count))
            formats.append(1)
        }
        return try pointers.withUnsafeBufferPointer { values in
            try lengths.withUnsafeBufferPointer { lengths in
                try formats.withUnsafeBufferPointer { formats in
                    try body(values.baseAddress, lengths.baseAddress, formats.baseAddress)
                }
            }
        }
    }
}
