internal import ReplicationModel

/// What is wrong with an event, or why it cannot be followed. Decoding stops at the first such
/// event (I5): there is no way to know what it would have said.
enum MalformedEvent: Error, Equatable {
    case truncated(needs: Int, has: Int)
    case trailing(bytes: Int)
    /// The header's length is not the event's.
    case length(says: Int, has: Int)
    case checksum
    /// The bytes say something that no server writes.
    case invalid(String)
    case unknownEvent
    /// A form of the protocol that is not built.
    case unsupported(String)
    /// The event may not come at this place of the log.
    case outOfPlace
    /// The log jumps back.
    case position(expected: Int, said: UInt32)
    case unknownTable(UInt64)
    case compression(String)
    case tooLarge(String)
    /// The source lost events.
    case incident(number: UInt16, message: String)
    /// A change logged as a statement (`binlog_format`): its first word.
    case statement(String)
    /// A statement of which nobody knows whether it changes tables: its first word.
    case unknownStatement(String)
    /// A statement of XA that is not known.
    case prepared(String)
    /// A commit of what was prepared before the log was read.
    case notPrepared(String)
    /// A transaction that the target has does not come where the log is read again.
    case lost(GTID)
    /// ROLLBACK of changes that may be of tables without transactions.
    case rolledBack(String)
    case partialJSON
    case partialImage
    /// The log does not say it, and neither does the catalogue.
    case missingMetadata(String)
    case columnCount(described: Int, sent: Int)
    case characterSet(String)
    /// A text that is not of its character set.
    case text(String)
}

/// Where in the log, for the error that is made of it.
struct EventPlace: Equatable {
    var position: LogPosition?
    var type: UInt8?
    var table: TableName?
    var column: String?
}

extension MalformedEvent {
    func replicationError(at place: EventPlace) -> ReplicationError {
        let name = place.type.map { EventType(rawValue: $0).map { "\($0)" } ?? "\($0)" } ?? "?"
        return ReplicationError(
            kind, "decode event \(name) of the binlog", position: place.position,
            table: place.table, column: place.column, why: reason, try: remedy)
    }

    /// The same of a row that was read from its table.
    func readError(of table: TableName, column: String) -> ReplicationError {
        ReplicationError(kind, "read a row", table: table, column: column, why: reason, try: remedy)
    }

    private var kind: ReplicationError.Kind {
        switch self {
        case .truncated, .trailing, .length, .checksum, .invalid, .outOfPlace, .position,
            .unknownTable, .compression, .tooLarge:
            .protocolViolation
        case .notPrepared, .lost: .positionGap
        case .unknownEvent, .unsupported, .unknownStatement, .prepared, .rolledBack, .partialJSON,
            .characterSet:
            .unsupported
        case .incident: .positionGap
        case .statement, .partialImage, .missingMetadata: .unfitSetting
        case .columnCount: .unseenSchemaChange
        case .text: .invalidValue
        }
    }

    private var reason: String {
        switch self {
        case .truncated(let needs, let has): "it needs \(needs) more bytes and has \(has)"
        case .trailing(let bytes): "\(bytes) bytes are left after its end"
        case .length(let says, let has): "it says that it has \(says) bytes and has \(has)"
        case .checksum: "its checksum is not that of its bytes"
        case .invalid(let what): what
        case .unknownEvent: "no event with this number is known"
        case .unsupported(let what): "\(what) is not supported"
        case .outOfPlace: "it may not come at this place of the log"
        case .position(let expected, let said):
            "it ends at \(expected), counted from the file's start, and says \(said)"
        case .unknownTable(let id): "table \(id) was not described before in this statement"
        case .compression(let what): "it cannot be decompressed: \(what)"
        case .tooLarge(let what): "\(what) is too large"
        case .incident(let number, let message):
            "the source lost events of its log (incident \(number): \(message))"
        case .statement(let word): "a change was logged as a statement (\(word)), not as rows"
        case .unknownStatement(let word):
            "what the statement \(word) does to tables is not known"
        case .prepared(let what): "\(what): this statement is not known"
        case .notPrepared(let what):
            "\(what): it was prepared before the log was read from, and its rows are not known"
        case .lost(let gtid): "the target has \(gtid), which this source's log passes over"
        case .rolledBack(let what): "\(what) of changes that were applied in parts"
        case .partialJSON:
            "it holds parts of JSON documents (binlog_row_value_options = PARTIAL_JSON)"
        case .partialImage: "the rows lack columns (binlog_row_image)"
        case .missingMetadata(let what): "the log does not say \(what) (binlog_row_metadata)"
        case .columnCount(let described, let sent):
            "the catalogue has \(described) columns, the log \(sent)"
        case .characterSet(let name): "character set \(name) is not supported"
        case .text(let set): "a text is not valid in its character set, \(set)"
        }
    }

    private var remedy: String? {
        switch self {
        case .statement: "SET GLOBAL binlog_format = ROW, for every session; then load again"
        case .partialJSON: "SET GLOBAL binlog_row_value_options = ''; then load the table again"
        case .partialImage: "SET GLOBAL binlog_row_image = FULL; then load the table again"
        case .missingMetadata, .columnCount:
            "SET GLOBAL binlog_row_metadata = FULL; then martlet run PIPELINE --fresh --yes"
        case .incident, .rolledBack: "load the tables again"
        case .notPrepared, .lost: "martlet run PIPELINE --fresh --yes"
        default: nil
        }
    }
}
