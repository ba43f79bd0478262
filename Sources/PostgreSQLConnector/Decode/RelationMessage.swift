internal import ReplicationModel

/// Message `R`: what a table looks like for the rows that follow. The last word on names, columns
/// and identity (P09, P49): by relation id, never by name (P48).
enum RelationMessage {
    static func table(_ reader: inout MessageReader) throws(MalformedMessage) -> LoggedTable {
        let id = try reader.uint32()
        let schema = try reader.string()
        let name = try reader.string()
        let identity = try reader.uint8()
        let count = Int(try reader.uint16())
        var columns: [LoggedTable.Column] = []
        columns.reserveCapacity(min(count, 1_664))
        for _ in 0..<count { columns.append(try column(&reader)) }
        try reader.finish()
        return LoggedTable(
            id: id,
            // The catalogue's own schema is sent as an empty name.
            name: TableName(schema: schema.isEmpty ? "pg_catalog" : schema, name: name),
            columns: columns, isFull: identity == UInt8(ascii: "f"))
    }

    private static func column(
        _ reader: inout MessageReader
    ) throws(MalformedMessage) -> LoggedTable.Column {
        let flags = try reader.uint8()
        let name = try reader.string()
        let type = try reader.uint32()
        let modifier = Int32(bitPattern: try reader.uint32())
        return LoggedTable.Column(
            name: name, typeID: type, modifier: modifier, isIdentity: flags & 1 == 1)
    }
}

/// Message `Y`: the name of a type that is not built in. Read and passed over: the catalogue knows
/// more (P56).
enum TypeMessage {
    static func pass(_ reader: inout MessageReader) throws(MalformedMessage) {
        _ = try reader.uint32()
        _ = try reader.string()
        _ = try reader.string()
        try reader.finish()
    }
}
