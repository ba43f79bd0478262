internal import ReplicationModel

/// TupleData: the part of `I`, `U` and `D` that holds a row's values.
extension BatchBuilder {
    /// Appends a row's values and returns the index of the first.
    ///
    /// - Parameter base: where the copy of the message starts in the batch.
    @inline(__always)
    mutating func row(
        _ reader: inout MessageReader, base: Int, slot: Int32
    ) throws(MalformedMessage) -> Int32 {
        let count = Int(try reader.uint16())
        let first = batch.values.count
        guard count == lastColumnCount else {
            let table = batch.tables[Int(slot)]
            throw .columnCount(table: table.name, described: table.columns.count, sent: count)
        }
        for _ in 0..<count {
            switch try reader.uint8() {
            case UInt8(ascii: "t"):
                let length = Int(try reader.uint32())
                let start = try reader.skip(length)
                batch.values.append(
                    Value(
                        offset: UInt32(truncatingIfNeeded: base + start),
                        length: Int32(truncatingIfNeeded: length)))
            case UInt8(ascii: "n"): batch.values.append(.null)
            case UInt8(ascii: "u"): batch.values.append(.unchanged)
            case UInt8(ascii: "b"): throw .binaryValue
            case let kind: throw .unknownColumnKind(kind)
            }
        }
        return Int32(truncatingIfNeeded: first)
    }

    /// Under FULL the new row still lacks unchanged out-of-line values; the old row has them (P04).
    /// The same holds for the identity's columns when only these were sent of the old row. Both
    /// rows then name the same bytes.
    mutating func fillUnchanged(old: Int32, new: Int32, whole: Bool, slot: Int32) {
        let count = batch.tables[Int(slot)].columns.count
        for index in 0..<count where batch.values[Int(new) + index].isUnchanged {
            let value = batch.values[Int(old) + index]
            if whole || batch.tables[Int(slot)].columns[index].isIdentity {
                batch.values[Int(new) + index] = value
            }
        }
    }
}
