internal import ReplicationModel

/// Counts what Martlet leaves behind, in the schemas that are not the server's.
enum NotCarried {
    static func count(_ connection: MySQLConnection, database: String?) throws
        -> [(kind: String, count: Int)]
    {
        let sql = queries.map { kind, table, column, condition in
            let own =
                "\(column) NOT IN ('mysql', 'information_schema', 'performance_schema', 'sys')"
            let one = database.map { " AND \(column) = \(SQLText.literal($0))" } ?? ""
            return "SELECT '\(kind)', COUNT(*) FROM information_schema.\(table) WHERE \(own)"
                + one + (condition.isEmpty ? "" : " AND \(condition)")
        }
        return try connection.query(sql.joined(separator: " UNION ALL ")).rows.compactMap { row in
            guard let kind = row[0], let count = row[1].flatMap({ Int($0) }), count > 0 else {
                return nil
            }
            return (kind: kind, count: count)
        }
    }

    private static let queries: [(String, String, String, String)] = [
        ("views", "tables", "table_schema", "table_type = 'VIEW'"),
        ("sequences", "tables", "table_schema", "table_type = 'SEQUENCE'"),
        ("triggers", "triggers", "trigger_schema", ""),
        ("functions", "routines", "routine_schema", "routine_type = 'FUNCTION'"),
        ("procedures", "routines", "routine_schema", "routine_type = 'PROCEDURE'"),
        ("events", "events", "event_schema", ""),
        (
            "columns with ON UPDATE CURRENT_TIMESTAMP", "columns", "table_schema",
            "extra LIKE '%on update%'"
        ),
    ]
}
