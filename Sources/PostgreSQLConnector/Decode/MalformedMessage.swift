internal import ReplicationModel

/// What is wrong with bytes from the log. Decoding stops at the first such message (I5): there is
/// no way to know what it would have said.
enum MalformedMessage: Error, Equatable {
    case truncated(needs: Int, has: Int)
    case trailing(bytes: Int)
    case unknownMessage(UInt8)
    case unknownTupleKind(UInt8)
    case unknownColumnKind(UInt8)
    case unknownRelation(UInt32)
    case columnCount(table: TableName, described: Int, sent: Int)
    /// The message may not come in this phase of the stream.
    case outOfPlace(UInt8)
    case commitOfAnother(begin: LogPosition, commit: LogPosition)
    case notInCommitOrder(LogPosition, after: LogPosition)
    case batchTooLarge
    /// Only a slot with two_phase sends it (P26).
    case twoPhase(UInt8)
    case binaryValue
}

extension MalformedMessage {
    func replicationError(at position: LogPosition, type: UInt8?) -> ReplicationError {
        let name = type.map { "message '\(Self.letter($0))'" } ?? "a message"
        return ReplicationError(
            kind, "decode \(name) of the log", position: position, why: reason, try: remedy)
    }

    private static func letter(_ byte: UInt8) -> String {
        (33...126).contains(byte) ? String(UnicodeScalar(byte)) : "0x" + String(byte, radix: 16)
    }

    private var kind: ReplicationError.Kind {
        switch self {
        case .twoPhase, .binaryValue: .unsupported
        case .truncated, .trailing, .unknownMessage, .unknownTupleKind, .unknownColumnKind,
            .unknownRelation, .columnCount, .outOfPlace, .commitOfAnother, .notInCommitOrder,
            .batchTooLarge:
            .protocolViolation
        }
    }

    private var reason: String {
        switch self {
        case .truncated(let needs, let has): "it needs \(needs) more bytes and has \(has)"
        case .trailing(let bytes): "\(bytes) bytes are left after its end"
        case .unknownMessage: "no message of pgoutput has this letter"
        case .unknownTupleKind(let byte): "a row begins with '\(Self.letter(byte))'"
        case .unknownColumnKind(let byte): "a column is of kind '\(Self.letter(byte))'"
        case .unknownRelation(let id): "relation \(id) was not described before"
        case .columnCount(let table, let described, let sent):
            "\(table) was described with \(described) columns, a row of it has \(sent)"
        case .outOfPlace: "it may not come at this place of the stream"
        case .commitOfAnother(let begin, let commit):
            "the transaction began with commit position \(begin) and ends with \(commit)"
        case .notInCommitOrder(let position, let last):
            "a transaction committed at \(position) comes after one that ended at \(last)"
        case .batchTooLarge: "a batch of changes would exceed 4 GB"
        case .twoPhase: "the slot decodes prepared transactions (two_phase), which Martlet refuses"
        case .binaryValue: "a value came in binary form, which was not asked for"
        }
    }

    private var remedy: String? {
        switch self {
        case .twoPhase: "drop the slot and let Martlet make one without two_phase"
        default: nil
        }
    }
}
