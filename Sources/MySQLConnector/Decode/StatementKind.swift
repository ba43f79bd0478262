internal import ReplicationModel

/// What a statement of the log means for the transaction that is open, and for tables.
enum StatementKind: Equatable {
    case begin, commit, rollback
    case savepoint(String), rollbackTo(String), release(String)
    /// - xid: of the commit or rollback of what was prepared, as `XAPrepareEvent` writes it.
    case xa(String, xid: String)
    /// Rows are changed, and this is all that the log says of it (B01).
    case change(String)
    /// Changes neither rows nor what a table is: users, views, indexes, temporary tables.
    case harmless
    case truncate(TableName)
    case definition(DefinitionStatement)
    /// By its first word.
    case unknown(String)

    /// - Parameter schema: the default database of the session that ran it.
    init(_ statement: String, schema: String = "", mode: SQLMode = []) {
        var words = StatementWords(statement, mode: mode)
        let first = words.next() ?? ""
        switch first {
        case "BEGIN": self = .begin
        case "START":
            self = words.next() == "TRANSACTION" ? .begin : .unknown(first)
        case "COMMIT": self = .commit
        case "ROLLBACK": self = Self.rollback(&words)
        case "SAVEPOINT": self = .savepoint(words.name())
        case "RELEASE":
            _ = words.next()
            self = .release(words.name())
        case "XA": self = .xa(words.next() ?? "", xid: words.rest())
        case "INSERT", "UPDATE", "DELETE", "REPLACE", "LOAD", "CALL", "SELECT", "DO", "WITH",
            "MERGE", "HANDLER", "VALUES", "EXECUTE":
            self = .change(first)
        default: self = DefinitionStatement.kind(first, &words, schema: schema)
        }
    }

    private static func rollback(_ words: inout StatementWords) -> StatementKind {
        guard words.next() == "TO" else { return .rollback }
        let name = words.name()
        // `ROLLBACK TO SAVEPOINT x`; a savepoint may be called SAVEPOINT.
        guard name == "SAVEPOINT" else { return .rollbackTo(name) }
        let second = words.name()
        return .rollbackTo(second.isEmpty ? name : second)
    }
}
