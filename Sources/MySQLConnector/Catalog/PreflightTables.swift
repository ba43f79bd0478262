internal import ReplicationModel

extension Preflight {
    /// What of a table cannot be followed, or not exactly.
    func tableFindings() throws -> [Finding] {
        guard !tables.isEmpty else { return [] }
        let engines = try engines()
        return tables.flatMap { table in
            let found =
                engine(table, engines[table.name]) + versioned(table, engines[table.name])
                + key(table) + types(table) + characterSets(table) + foreignKeys(table)
            guard !found.isEmpty else {
                return [Finding(.ok, "table \(table.name)", "", table: table.name)]
            }
            return found
        }
    }

    private typealias Place = (engine: String, type: String)

    private func engines() throws -> [TableName: Place] {
        let list = tables.map { table in
            "(\(SQLText.literal(table.name.schema)), \(SQLText.literal(table.name.name)))"
        }.joined(separator: ", ")
        var found: [TableName: Place] = [:]
        let rows = try connection.query(
            """
            SELECT table_schema, table_name, engine, table_type FROM information_schema.tables
            WHERE (table_schema, table_name) IN (\(list))
            """
        ).rows
        for row in rows {
            guard let schema = row[0], let name = row[1] else { continue }
            found[TableName(schema: schema, name: name)] = (row[2] ?? "", row[3] ?? "")
        }
        return found
    }

    /// Other engines have no snapshots, and their changes are in the log even when their
    /// transaction is rolled back (B17-B19, B36).
    private func engine(_ table: TableSchema, _ place: Place?) -> [Finding] {
        guard let engine = place?.engine, engine != "InnoDB" else { return [] }
        return [
            Finding(
                .refused, "engine of \(table.name)",
                "\(engine) has no snapshots: rows could not be copied while they change",
                table: table.name, try: "ALTER TABLE \(SQLText.name(table.name)) ENGINE = InnoDB")
        ]
    }

    /// History is written by the server, as rows that no statement made (B42).
    private func versioned(_ table: TableSchema, _ place: Place?) -> [Finding] {
        guard place?.type == "SYSTEM VERSIONED" else { return [] }
        return [
            Finding(
                .refused, "versions of \(table.name)", "system-versioned tables are not followed",
                table: table.name, try: "leave the table out (tables: exclude)")
        ]
    }

    private func key(_ table: TableSchema) -> [Finding] {
        let key = table.chunkKey
        guard !key.isEmpty else {
            return [
                Finding(
                    .warning, "key of \(table.name)",
                    "it has none: it is copied in one piece, and changes find rows by all columns",
                    table: table.name,
                    try: "ALTER TABLE \(SQLText.name(table.name)) ADD PRIMARY KEY (...)")
            ]
        }
        let columns = table.columns.filter { key.contains($0.name) }
        let refused = columns.filter {
            [.float32, .float64, .json, .geometry, .vector, .other].contains($0.type.kind)
        }
        return refused.map { inexact($0, of: table) }
            + columns.filter(\.isAmbiguous).map { ambiguous($0, of: table) }
    }

    private func inexact(_ column: Column, of table: TableSchema) -> Finding {
        Finding(
            .refused, "key of \(table.name)",
            "values of \(column.type.declaration) cannot be compared exactly",
            table: table.name, column: column.name,
            try: "a key of another type, or leave the table out")
    }

    private func ambiguous(_ column: Column, of table: TableSchema) -> Finding {
        Finding(
            .warning, "key of \(table.name)",
            "the character set of \(column.name) has two codes for some character, which nobody can"
                + " tell apart in UTF-8: the table is copied in one piece, not in chunks",
            table: table.name, column: column.name)
    }

    private func characterSets(_ table: TableSchema) -> [Finding] {
        let converters = Converters()
        return table.columns.compactMap { column in
            guard let set = column.characterSet,
                (try? converters.characterSet(named: set)) == nil
            else { return nil }
            let name = SQLText.name(column.name)
            return Finding(
                .refused, "character set of \(table.name).\(column.name)",
                "this machine's C library does not convert \(set) as the server does",
                table: table.name,
                column: column.name,
                try: "ALTER TABLE \(SQLText.name(table.name)) MODIFY \(name)"
                    + " \(column.type.declaration) CHARACTER SET utf8mb4, or leave the table out")
        }
    }

    private func types(_ table: TableSchema) -> [Finding] {
        table.columns.filter { $0.type.kind == .other }.map {
            Finding(
                .refused, "type of \(table.name).\($0.name)",
                "\($0.type.declaration) is not supported", table: table.name, column: $0.name,
                try: "leave the table out (tables: exclude)")
        }
    }

    /// What a foreign key changes in the child is not in the log (B33), except with MySQL's keys of
    /// the SQL layer: it is followed where that is exact, and refused elsewhere.
    private func foreignKeys(_ table: TableSchema) -> [Finding] {
        table.foreignKeys.compactMap { key in
            guard let obstacle = key.obstacle(of: table, among: tables) else {
                return followed(key, table)
            }
            let (name, child) = (SQLText.name(key.name), SQLText.name(table.name))
            let clause = key.definition.split(separator: " ON ").dropFirst().map { "ON \($0)" }
            let plain = key.definition.split(separator: " ON ").first ?? ""
            return Finding(
                .refused, "foreign key \(key.name) of \(table.name)",
                "\(clause.joined(separator: " ")): its rows change when \(key.referenced) changes,"
                    + " this server's log does not say so, and \(obstacle)", table: table.name,
                try: "ALTER TABLE \(child) DROP FOREIGN KEY \(name), ADD \(plain), and let the"
                    + " application change what refers to a row; or leave the table out")
        }
    }

    private func followed(_ key: ForeignKey, _ table: TableSchema) -> Finding? {
        let isOwn = key.referenced == table.name
        guard let actions = key.unlogged?.effective(isOwn: isOwn) else { return nil }
        var notes = ["this server's log does not say which: looked for at the target"]
        if isOwn { notes.append("the table is copied in one piece, under a short lock") }
        if actions.onUpdate == .cascade {
            notes.append("an update of what it refers to starts the table's load again")
        }
        return Finding(
            .ok, "foreign key \(key.name) of \(table.name)",
            "its rows change when \(key.referenced) changes; " + notes.joined(separator: "; "),
            table: table.name)
    }
}
