internal import ReplicationModel

/// What a statement of the log means for the transaction that is open.
enum StatementKind: Equatable {
    case begin, commit, rollback
    case savepoint(String), rollbackTo(String), release(String)
    /// - xid: of the commit or rollback of what was prepared, as `XAPrepareEvent` writes it.
    case xa(String, xid: String)
    /// Rows are changed, and this is all that the log says of it (B01).
    case change(String)
    case other(LoggedStatement.Effect)

    init(_ statement: String) {
        var words = StatementWords(statement)
        let first = words.next() ?? ""
        switch first {
        case "BEGIN": self = .begin
        case "START":
            self = words.next() == "TRANSACTION" ? .begin : .other(.unknown)
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
        default: self = Self.definition(first, &words)
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

    private static func definition(
        _ first: String, _ words: inout StatementWords
    ) -> StatementKind {
        switch first {
        case "TRUNCATE", "RENAME":
            .other(words.next() == "USER" ? .harmless : .definition)
        case "CREATE", "ALTER", "DROP": object(first, &words)
        case "SET":
            .other(["PASSWORD", "DEFAULT", "ROLE"].contains(words.next()) ? .harmless : .unknown)
        case "GRANT", "REVOKE", "FLUSH", "ANALYZE", "OPTIMIZE", "REPAIR", "INSTALL", "UNINSTALL":
            .other(.harmless)
        default: .other(.unknown)
        }
    }

    /// The first word that names a kind of object tells; before it stand options, and DEFINER with
    /// a quoted name.
    private static func object(
        _ verb: String, _ words: inout StatementWords
    ) -> StatementKind {
        while let word = words.next() {
            switch word {
            case "TEMPORARY": return .other(.harmless)
            case "TABLE": return table(verb, &words)
            case "INDEX": return .other(.definition)
            case "DATABASE", "SCHEMA": return .other(verb == "DROP" ? .definition : .harmless)
            case "VIEW", "TRIGGER", "PROCEDURE", "FUNCTION", "EVENT", "USER", "ROLE", "SERVER",
                "RESOURCE", "PACKAGE", "REFERENCE", "LIBRARY":
                return .other(.harmless)
            case "SEQUENCE", "TABLESPACE", "LOGFILE": return .other(.unknown)
            default: continue
            }
        }
        return .other(.unknown)
    }

    /// CREATE TABLE ... SELECT is logged as CREATE and rows, unless statements are logged. No other
    /// part of a CREATE TABLE may hold a query.
    private static func table(
        _ verb: String, _ words: inout StatementWords
    ) -> StatementKind {
        guard verb == "CREATE" else { return .other(.definition) }
        while let word = words.next() {
            if word == "SELECT" { return .change("CREATE TABLE ... SELECT") }
        }
        return .other(.definition)
    }
}
