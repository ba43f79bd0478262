internal import ReplicationModel

/// Message `I`.
extension BatchBuilder {
    mutating func insert(
        _ reader: inout MessageReader, _ relations: borrowing RelationCache
    ) throws(MalformedMessage) {
        let base = try copy(reader.bytes)
        let slot = try slot(of: try reader.uint32(), in: relations)
        let kind = try reader.uint8()
        guard kind == UInt8(ascii: "N") else { throw .unknownTupleKind(kind) }
        var change = Change(operation: .insert, table: slot)
        change.newRow = try row(&reader, base: base, slot: slot)
        try reader.finish()
        batch.changes.append(change)
    }
}

/// Message `U`: the old row is sent only if the identity changed (`K`, its columns alone) or is
/// FULL (`O`).
extension BatchBuilder {
    mutating func update(
        _ reader: inout MessageReader, _ relations: borrowing RelationCache
    ) throws(MalformedMessage) {
        let base = try copy(reader.bytes)
        let slot = try slot(of: try reader.uint32(), in: relations)
        var change = Change(operation: .update, table: slot)
        var kind = try reader.uint8()
        if kind == UInt8(ascii: "K") || kind == UInt8(ascii: "O") {
            change.oldIsWhole = kind == UInt8(ascii: "O")
            change.oldRow = try row(&reader, base: base, slot: slot)
            kind = try reader.uint8()
        }
        guard kind == UInt8(ascii: "N") else { throw .unknownTupleKind(kind) }
        change.newRow = try row(&reader, base: base, slot: slot)
        try reader.finish()
        if change.oldRow >= 0 {
            fillUnchanged(
                old: change.oldRow, new: change.newRow, whole: change.oldIsWhole, slot: slot)
        }
        batch.changes.append(change)
    }
}

/// Message `D`.
extension BatchBuilder {
    mutating func delete(
        _ reader: inout MessageReader, _ relations: borrowing RelationCache
    ) throws(MalformedMessage) {
        let base = try copy(reader.bytes)
        let slot = try slot(of: try reader.uint32(), in: relations)
        let kind = try reader.uint8()
        guard kind == UInt8(ascii: "K") || kind == UInt8(ascii: "O") else {
            throw .unknownTupleKind(kind)
        }
        var change = Change(operation: .delete, table: slot)
        change.oldIsWhole = kind == UInt8(ascii: "O")
        change.oldRow = try row(&reader, base: base, slot: slot)
        try reader.finish()
        batch.changes.append(change)
    }
}

/// Message `T`: one statement, one change for each table that it empties (P52).
extension BatchBuilder {
    mutating func truncate(
        _ reader: inout MessageReader, _ relations: borrowing RelationCache
    ) throws(MalformedMessage) {
        let count = Int(try reader.uint32())
        let flags = try reader.uint8()
        guard reader.bytes.count - reader.offset == 4 * count else {
            let left = reader.bytes.count - reader.offset
            throw left > 4 * count
                ? .trailing(bytes: left - 4 * count) : .truncated(needs: 4 * count, has: left)
        }
        let statement = nextStatement()
        for _ in 0..<count {
            let slot = try slot(of: try reader.uint32(), in: relations)
            var change = Change(operation: .truncate, table: slot)
            change.statement = statement
            change.cascades = flags & 1 != 0
            change.restartsIdentity = flags & 2 != 0
            batch.changes.append(change)
        }
    }
}
