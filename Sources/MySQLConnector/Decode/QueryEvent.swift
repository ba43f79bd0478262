/// QUERY_EVENT: a statement. In a log of rows: BEGIN and what else frames transactions, DDL, and
/// administration.
struct QueryEvent {
    var schema: String
    /// In the character set of the client that sent it (B44).
    var text: UnsafeRawBufferPointer
    /// The client's, by the number of a collation of it.
    private(set) var clientCollation: UInt64?
    private(set) var mode: SQLMode = []

    init(_ reader: inout EventReader) throws(MalformedEvent) {
        _ = try reader.uint32()  // session
        _ = try reader.uint32()  // seconds it took
        let schemaLength = Int(try reader.uint8())
        _ = try reader.uint16()  // error code
        var status = EventReader(try reader.take(Int(try reader.uint16())))
        schema = try reader.terminatedText(schemaLength)
        text = reader.rest()
        try readVariables(&status)
    }

    /// The variables come in the order of their numbers, nearly; these are among the first, so
    /// the lengths of later ones need not be known.
    ///
    /// Source: MySQL, libs/mysql/binlog/event/statement_events.h, `Query_event_status_vars`.
    private mutating func readVariables(_ status: inout EventReader) throws(MalformedEvent) {
        while !status.isAtEnd {
            switch try status.uint8() {
            case 0, 3: _ = try status.uint32()  // flags; auto_increment
            case 1: mode = SQLMode(rawValue: try status.uint64())
            case 2: _ = try status.take(Int(try status.uint8()) + 1)  // catalogue
            case 6: _ = try status.take(Int(try status.uint8()))  // catalogue
            case 4:
                clientCollation = try status.unsigned(2)
                return
            default: return
            }
        }
    }

    /// The text in UTF-8.
    func statement(_ converters: Converters) throws(MalformedEvent) -> String {
        let set =
            try clientCollation.map { collation throws(MalformedEvent) in
                try Collation.characterSet(of: collation)
            } ?? "utf8mb4"
        let bytes = try converters.text(
            text, try converters.characterSet(named: set == "binary" ? "utf8mb4" : set))
        guard let statement = String(validating: bytes, as: UTF8.self) else { throw .text(set) }
        return statement
    }
}
