internal import ReplicationModel

/// XA transactions: one group brings the rows and prepares them, a later one says what becomes of
/// them, with others between the two (B20).
extension BinlogDecoder {
    /// MySQL: XA START and XA END frame the rows, and the end of the group says whether it is one
    /// phase. MariaDB says with the GTID what kind of group it is.
    mutating func xa(
        _ word: String, _ xid: String, _ header: EventHeader
    ) throws(MalformedEvent) -> Outcome {
        switch word {
        case "START", "BEGIN":
            _ = try begin(header)
            builder.holdOpen()
        case "END":
            guard case .transaction = phase else { throw .outOfPlace }
        case "COMMIT", "ROLLBACK": return try decide(xid, commits: word == "COMMIT", header)
        default: throw .prepared("XA \(word)")
        }
        return .consumed
    }

    /// The group goes on as an empty transaction: its GTID is applied, its rows are kept.
    mutating func prepare(_ xid: String) throws(MalformedEvent) -> Outcome {
        guard case .transaction = phase else { throw .outOfPlace }
        try builder.prepareOpen(xid, before: groups.before)
        return try endTransaction()
    }

    private mutating func decide(
        _ xid: String, commits: Bool, _ header: EventHeader
    ) throws(MalformedEvent) -> Outcome {
        _ = try begin(header)
        guard case .transaction(let group) = phase else { throw .outOfPlace }
        try builder.decide(xid, commits: commits && !group.isApplied)
        return try endTransaction()
    }
}
