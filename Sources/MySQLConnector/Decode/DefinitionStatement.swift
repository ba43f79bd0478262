internal import ReplicationModel

/// DDL, as far as it matters for tables that are followed: which it names, and whether it may
/// change their rows or what they are. Nothing else of it is read.
///
/// What adds or drops a plain index changes no row; that a key has gone is seen by the catalogue.
struct DefinitionStatement: Equatable {
    /// Without names and values.
    var what: String
    var tables: [TableName] = []
    /// All tables of this schema.
    var schema: String?

    /// - Parameter first: the statement's first word, which has been taken.
    static func kind(
        _ first: String, _ words: inout StatementWords, schema: String
    ) -> StatementKind {
        switch first {
        case "TRUNCATE":
            _ = words.takes("TABLE")
            return words.tableName(schema).map { .truncate($0) } ?? .unknown(first)
        case "RENAME":
            if words.takes("USER") { return .harmless }
            _ = words.next()
            return renamed(&words, schema)
        case "CREATE", "ALTER", "DROP": return object(first, &words, schema)
        case "SET":
            let isHarmless = ["PASSWORD", "DEFAULT", "ROLE"].contains(words.next())
            return isHarmless ? .harmless : .unknown(first)
        // An empty statement is a comment.
        case "GRANT", "REVOKE", "FLUSH", "ANALYZE", "OPTIMIZE", "REPAIR", "INSTALL", "UNINSTALL",
            "":
            return .harmless
        default: return .unknown(first)
        }
    }

    /// The first word that names a kind of object tells; before it stand options, and DEFINER with
    /// a quoted name.
    private static func object(
        _ verb: String, _ words: inout StatementWords, _ schema: String
    ) -> StatementKind {
        while let word = words.next() {
            switch word {
            case "TABLE", "TABLES": return table(verb, &words, schema)
            case "DATABASE", "SCHEMA":
                guard verb == "DROP" else { return .harmless }
                words.passExistence()
                return .definition(
                    DefinitionStatement(what: "DROP DATABASE", schema: words.name()))
            case "TEMPORARY", "INDEX", "VIEW", "TRIGGER", "PROCEDURE", "FUNCTION", "EVENT", "USER",
                "ROLE", "SERVER", "RESOURCE", "PACKAGE", "REFERENCE", "LIBRARY", "SEQUENCE",
                "TABLESPACE", "LOGFILE", "INSTANCE":
                return .harmless
            default: continue
            }
        }
        return .unknown(verb)
    }

    private static func table(
        _ verb: String, _ words: inout StatementWords, _ schema: String
    ) -> StatementKind {
        let mayExist = words.passExistence()
        guard let name = words.tableName(schema) else { return .unknown("\(verb) TABLE") }
        switch verb {
        case "CREATE": return created(name, mayExist: mayExist, &words)
        case "ALTER": return altered(name, &words, schema)
        default:
            var tables = [name]
            while words.takes(","), let next = words.tableName(schema) { tables.append(next) }
            return .definition(DefinitionStatement(what: "DROP TABLE", tables: tables))
        }
    }

    /// CREATE TABLE ... SELECT is logged as CREATE and rows, unless statements are logged. No other
    /// part of a CREATE TABLE may hold a query.
    private static func created(
        _ name: TableName, mayExist: Bool, _ words: inout StatementWords
    ) -> StatementKind {
        while let word = words.next() {
            if word == "SELECT" { return .change("CREATE TABLE ... SELECT") }
        }
        // MySQL logs it also when the table is there and nothing happens.
        if mayExist { return .harmless }
        return .definition(DefinitionStatement(what: "CREATE TABLE", tables: [name]))
    }

    /// `a TO b, c TO d`, in MariaDB with `WAIT 5` before TO.
    private static func renamed(
        _ words: inout StatementWords, _ schema: String
    ) -> StatementKind {
        var statement = DefinitionStatement(what: "RENAME TABLE")
        words.passExistence()
        repeat {
            guard let old = words.tableName(schema) else { return .unknown("RENAME") }
            while let word = words.next(), word != "TO" {}
            guard let new = words.tableName(schema) else { return .unknown("RENAME") }
            statement.tables += [old, new]
        } while words.takes(",")
        return .definition(statement)
    }

    // MARK: ALTER TABLE

    /// These move rows between files, or add an empty one.
    private static let harmlessForPartitions = [
        "ADD", "REORGANIZE", "REBUILD", "ANALYZE", "CHECK", "OPTIMIZE", "COALESCE",
    ]

    private static func altered(
        _ name: TableName, _ words: inout StatementWords, _ schema: String
    ) -> StatementKind {
        var statement = DefinitionStatement(what: "ALTER TABLE", tables: [name])
        if words.takes("WAIT") { _ = words.next() }
        _ = words.takes("NOWAIT")
        let verb = words.next() ?? ""
        if words.takes("PARTITION") {
            if harmlessForPartitions.contains(verb) { return .harmless }
            statement.what += " ... \(verb) PARTITION"
        }
        // A table that gives its rows to a partition, or takes them (B34).
        if verb == "EXCHANGE" || verb == "CONVERT" {
            while let word = words.next() {
                guard word == "TABLE" else { continue }
                if let other = words.tableName(schema) { statement.tables.append(other) }
            }
        }
        return .definition(statement)
    }
}
