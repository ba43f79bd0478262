/// Parts of a batch, for those who build one.
extension ChangeBatch {
    /// How much a batch holds, and so a place in it: what comes later lies behind.
    package struct Extent: Sendable {
        package var bytes = 0, values = 0, changes = 0, messages = 0, definitions = 0

        package init() {}

        package static func - (left: Extent, right: Extent) -> Extent {
            var rest = left
            rest.bytes -= right.bytes
            rest.values -= right.values
            rest.changes -= right.changes
            rest.messages -= right.messages
            rest.definitions -= right.definitions
            return rest
        }

        /// Memory of what is held, in bytes.
        package var footprint: Int {
            bytes + values * MemoryLayout<Value>.stride + changes * MemoryLayout<Change>.stride
        }
    }

    package var extent: Extent {
        var extent = Extent()
        (extent.bytes, extent.values, extent.changes) = (bytes.count, values.count, changes.count)
        (extent.messages, extent.definitions) = (messages.count, definitions.count)
        return extent
    }

    /// Forgets what lies behind `end`; transactions and tables stay.
    package mutating func cut(to end: Extent) {
        bytes.removeSubrange(end.bytes...)
        values.removeSubrange(end.values...)
        changes.removeSubrange(end.changes...)
        messages.removeSubrange(end.messages...)
        definitions.removeSubrange(end.definitions...)
    }

    /// Copies what `other` holds behind `first` to the end, into the transaction that is open. Both
    /// have the same tables.
    package mutating func append(_ other: ChangeBatch, from first: Extent) {
        let move = (
            bytes: bytes.count - first.bytes, values: Int32(values.count - first.values)
        )
        for var value in other.values[first.values...] {
            if value.isPresent { value.offset = UInt32(Int(value.offset) + move.bytes) }
            values.append(value)
        }
        for var change in other.changes[first.changes...] {
            if change.oldRow >= 0 { change.oldRow += move.values }
            if change.newRow >= 0 { change.newRow += move.values }
            changes.append(change)
        }
        for var message in other.messages[first.messages...] {
            message.transaction = transactions.count
            messages.append(message)
        }
        for var definition in other.definitions[first.definitions...] {
            definition.transaction = transactions.count
            definitions.append(definition)
        }
        bytes.append(contentsOf: other.bytes[first.bytes...])
    }
}
