internal import ReplicationEngine
internal import ReplicationModel

/// Reads the target's catalogue. Names are compared by bytes: the catalogue's own collation would
/// take two of them for one.
struct TargetCatalog {
    let connection: MySQLConnection

    /// Those of the tables that exist.
    func tables(_ names: [TableName]) throws -> [TableName: TargetTable] {
        var found: [TableName: TargetTable] = [:]
        for name in Set(names) { found[name] = try table(name) }
        return found
    }

    func table(_ name: TableName) throws -> TargetTable? {
        let head = try connection.query(
            "SELECT engine, table_type FROM information_schema.tables WHERE "
                + place(name, "table_schema", "table_name"))
        guard head.rowCount == 1 else { return nil }
        var table = TargetTable(
            name: name, engine: head.text(0, 0) ?? "",
            isTable: head.text(0, 1) == "BASE TABLE")
        table.columns = try columns(name)
        table.indexes = try indexes(name)
        table.foreignKeys = Set(
            try connection.query(
                "SELECT constraint_name FROM information_schema.referential_constraints WHERE "
                    + place(name, "constraint_schema", "table_name")
            ).column(0))
        table.triggers = try connection.query(
            "SELECT trigger_name FROM information_schema.triggers WHERE "
                + place(name, "event_object_schema", "event_object_table")
        ).column(0)
        return table
    }

    /// Only names that the server keeps apart are compared as they are (`lower_case_table_names`).
    private func place(_ name: TableName, _ schema: String, _ table: String) -> String {
        let isExact = connection.facts.variable("lower_case_table_names") == "0"
        func equal(_ column: String, _ text: String) -> String {
            let literal = SQLText.literal(isExact ? text : text.lowercased())
            return isExact
                ? "\(column) = \(literal) AND BINARY \(column) = \(literal)"
                : "LOWER(\(column)) = \(literal)"
        }
        return equal(schema, name.schema) + " AND " + equal(table, name.name)
    }

    private func columns(_ name: TableName) throws -> [TargetTable.Column] {
        let rows = try connection.query(
            """
            SELECT column_name, data_type, column_type, is_nullable = 'YES', \
            column_default IS NOT NULL, COALESCE(generation_expression, '') <> '', extra, \
            collation_name, numeric_precision, numeric_scale, datetime_precision \
            FROM information_schema.columns WHERE \(place(name, "table_schema", "table_name")) \
            ORDER BY ordinal_position
            """)
        return (0..<rows.rowCount).map { row in
            func text(_ column: Int) -> String { rows.text(row, column) ?? "" }
            func number(_ column: Int) -> Int? { rows.integer(row, column).map { Int($0) } }
            return TargetTable.Column(
                name: text(0), dataType: text(1).lowercased(), declaration: text(2).lowercased(),
                isNullable: text(3) == "1", hasDefault: text(4) == "1", isGenerated: text(5) == "1",
                isAutoIncrement: text(6).lowercased().contains("auto_increment"),
                collation: rows.text(row, 7), precision: number(8), scale: number(9),
                fraction: number(10))
        }
    }

    private func indexes(_ name: TableName) throws -> [TargetTable.Index] {
        let rows = try connection.query(
            """
            SELECT index_name, non_unique, IF(sub_part IS NULL, column_name, NULL) \
            FROM information_schema.statistics \
            WHERE \(place(name, "table_schema", "table_name")) ORDER BY index_name, seq_in_index
            """)
        var indexes: [TargetTable.Index] = []
        for row in 0..<rows.rowCount {
            let index = rows.text(row, 0) ?? ""
            if indexes.last?.name != index {
                indexes.append(
                    TargetTable.Index(name: index, isUnique: rows.text(row, 1) == "0", columns: []))
            }
            indexes[indexes.count - 1].columns.append(rows.text(row, 2))
        }
        return indexes
    }

    func databases() throws -> Set<String> {
        Set(try connection.query("SELECT schema_name FROM information_schema.schemata").column(0))
    }

    func collations() throws -> Set<String> {
        // MariaDB has some for several character sets; their whole names are in a third column.
        let found = try connection.query(
            "SELECT * FROM information_schema.collation_character_set_applicability")
        return Set(found.rows.compactMap { $0.count > 2 ? $0[2] : $0[0] })
    }

    func hasRows(_ name: TableName, _ share: RowShare? = nil) throws -> Bool {
        try connection.query("SELECT 1 FROM \(SQLText.name(name))\(share.clause) LIMIT 1")
            .rowCount == 1
    }
}

extension RowShare? {
    /// WHERE, or nothing where every row is meant.
    var clause: String {
        map { " WHERE \(SQLText.name($0.column)) = \(SQLText.literal($0.value))" } ?? ""
    }
}

/// The collation in which texts are equal when their bytes are: trailing spaces count, letters are
/// what they are (A32). The two families have it under different names.
enum ExactCollation {
    static let names = ["utf8mb4_0900_bin", "utf8mb4_nopad_bin"]

    static func name(among known: Set<String>) -> String? { names.first(where: known.contains) }
}
