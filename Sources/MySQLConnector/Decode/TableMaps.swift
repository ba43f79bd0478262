/// The tables that the log has described, by the server's number for each.
///
/// A number is valid for one statement (B15); the next one describes its tables again, nearly
/// always by the same bytes: then what was made of them is used again.
struct TableMaps {
    private struct Entry {
        var map: TableMap
        var statement: Int
    }

    private var entries: [UInt64: Entry] = [:]
    private var statement = 0
    private(set) var nextSerial = 0
    /// Beyond it everything is forgotten once.
    private static let limit = 4096

    mutating func endStatement() { statement += 1 }

    /// Whether this description is known; then it is valid for this statement too.
    mutating func renew(_ id: UInt64, _ body: UnsafeRawBufferPointer) -> Bool {
        guard let entry = entries[id], entry.map.source.elementsEqual(body) else { return false }
        entries[id]?.statement = statement
        return true
    }

    mutating func define(_ id: UInt64, _ map: TableMap) {
        if entries.count >= Self.limit {
            entries = entries.filter { $0.value.statement == statement }
        }
        entries[id] = Entry(map: map, statement: statement)
        nextSerial += 1
    }

    func table(_ id: UInt64) throws(MalformedEvent) -> TableMap {
        guard let entry = entries[id], entry.statement == statement else {
            throw .unknownTable(id)
        }
        return entry.map
    }
}
