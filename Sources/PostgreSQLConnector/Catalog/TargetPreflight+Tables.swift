internal import ReplicationEngine
internal import ReplicationModel

// MARK: Tables that are there

extension TargetPreflight {
    func privileges(_ table: ExistingTable) throws -> [Finding] {
        let check = "privileges on \(table.name)"
        let role =
            try connection.run("SELECT pg_catalog.quote_ident(current_user)").text(0, 0) ?? ""
        var found: [Finding] = []
        let missing = try connection.query(
            """
            SELECT p FROM unnest('{SELECT,INSERT,UPDATE,DELETE,TRUNCATE}'::text[]) p \
            WHERE NOT pg_catalog.has_table_privilege($1::oid, p)
            """, [String(table.oid)]
        ).column(0)
        if !missing.isEmpty {
            let list = missing.joined(separator: ", ")
            found.append(
                Finding(
                    .refused, check, "\(role) lacks \(list)", table: table.name,
                    try: "GRANT \(list) ON \(table.name.quoted) TO \(role);"))
        }
        if try !connection.query(
            "SELECT pg_catalog.has_schema_privilege($1, 'USAGE')", [table.name.schema]
        ).boolean(0, 0) {
            let schema = table.name.schema.quotedIdentifier
            found.append(
                Finding(
                    .refused, check, "\(role) may not use schema \(table.name.schema)",
                    table: table.name, try: "GRANT USAGE ON SCHEMA \(schema) TO \(role);"))
        }
        if table.hasRowSecurity {
            found.append(
                Finding(
                    .refused, check, "row-level security applies to \(role)", table: table.name,
                    try: "ALTER ROLE \(role) BYPASSRLS;"))
        }
        if table.hasRules {
            found.append(
                Finding(
                    .refused, check, "its rules would rewrite what Martlet writes",
                    table: table.name, try: "DROP RULE ... ON \(table.name.quoted);"))
        }
        return found.isEmpty ? [Finding(.ok, check, "sufficient", table: table.name)] : found
    }

    /// In replica role ENABLE REPLICA and ENABLE ALWAYS triggers fire; otherwise ORIGIN and ALWAYS.
    func triggers(_ table: ExistingTable, _ firesNothing: Bool) throws -> [Finding] {
        let firing = firesNothing ? "{A,R}" : "{A,O}"
        let names = try connection.query(
            """
            SELECT tgname FROM pg_catalog.pg_trigger WHERE tgrelid = $1::oid \
            AND NOT tgisinternal AND tgenabled::text = ANY ($2::text[]) ORDER BY 1
            """, [String(table.oid), firing]
        ).column(0)
        return names.map { name in
            Finding(
                .refused, "triggers of \(table.name)",
                "trigger \(name) would fire on rows whose effects the source sends as well",
                table: table.name,
                try: "ALTER TABLE \(table.name.quoted) DISABLE TRIGGER \(name.quotedIdentifier);")
        }
    }

    /// Foreign keys of any table that point here, and of this one: they fire unless they are off.
    func foreignKeys(_ table: ExistingTable, _ firesNothing: Bool) throws -> [Finding] {
        let rows = try connection.query(
            """
            SELECT o.conname, n.nspname, c.relname, \
            o.confdeltype NOT IN ('a', 'r') OR o.confupdtype NOT IN ('a', 'r'), o.condeferrable \
            FROM pg_catalog.pg_constraint o JOIN pg_catalog.pg_class c ON c.oid = o.conrelid \
            JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
            WHERE o.contype = 'f' AND o.confrelid = $1::oid ORDER BY 2, 3, 1
            """, [String(table.oid)])
        return (0..<rows.rowCount).compactMap { row in
            let owner = TableName(schema: rows.text(row, 1) ?? "", name: rows.text(row, 2) ?? "")
            let name = rows.text(row, 0) ?? ""
            let alter = "ALTER TABLE \(owner.quoted)"
            let constraint = name.quotedIdentifier
            if firesNothing {
                guard !routes.contains(where: { $0.target == owner }) else { return nil }
                return Finding(
                    .warning, "foreign keys to \(table.name)",
                    "\(name) of \(owner), which is not replicated, "
                        + "is not checked when Martlet deletes",
                    table: table.name)
            }
            if rows.boolean(row, 3) {
                return Finding(
                    .refused, "foreign keys to \(table.name)",
                    "\(name) of \(owner) changes rows by itself, "
                        + "and the source sends those changes too",
                    table: table.name, try: "\(alter) DROP CONSTRAINT \(constraint);")
            }
            guard !rows.boolean(row, 4) else { return nil }
            return Finding(
                .refused, "foreign keys to \(table.name)",
                "\(name) of \(owner) cannot be deferred to the end of a transaction",
                table: table.name, try: "\(alter) ALTER CONSTRAINT \(constraint) DEFERRABLE;")
        }
    }

    /// Rows that Martlet did not write: `existing: refuse | truncate | merge` decides.
    func rows(
        _ table: ExistingTable, _ state: TableProgress.State?, _ share: RowShare?
    ) throws -> [Finding] {
        guard state == nil, table.kind == .table || table.kind == .partitioned,
            !table.hasRowSecurity,
            try catalog.exists(
                """
                SELECT WHERE pg_catalog.has_table_privilege($1::oid, 'SELECT') \
                AND pg_catalog.has_schema_privilege($2, 'USAGE')
                """, [String(table.oid), table.name.schema]), try catalog.hasRows(table, share)
        else { return [] }
        return [
            Finding(
                .refused, Self.existingRows, "\(table.name) has rows that Martlet did not write",
                table: table.name,
                try: "empty it, or set existing: truncate in the pipeline file")
        ]
    }

    /// Name of the check that `existing: truncate` answers.
    static let existingRows = "existing rows"
}

// MARK: Tables to be made

extension TargetPreflight {
    /// CREATE on the schemas of tables that are not there yet.
    func creation(_ tables: [TableName: ExistingTable]) throws -> [Finding] {
        let wanted = Set(routes.map(\.target).filter { tables[$0] == nil }.map(\.schema)).sorted()
        return try wanted.map { schema in
            let row = try connection.query(
                """
                SELECT (SELECT pg_catalog.has_schema_privilege(oid, 'CREATE') \
                FROM pg_catalog.pg_namespace WHERE nspname = $1), \
                pg_catalog.has_database_privilege(pg_catalog.current_database(), 'CREATE'), \
                pg_catalog.quote_ident(current_user)
                """, [schema])
            let role = row.text(0, 2) ?? ""
            let may = row.text(0, 0).map { $0 == "t" } ?? row.boolean(0, 1)
            if may { return Finding(.ok, "schema \(schema)", "\(role) may make tables in it") }
            let quoted = schema.quotedIdentifier
            return Finding(
                .refused, "schema \(schema)", "\(role) may not make tables in it",
                try: row.text(0, 0) == nil
                    ? "CREATE SCHEMA \(quoted) AUTHORIZATION \(role);"
                    : "GRANT USAGE, CREATE ON SCHEMA \(quoted) TO \(role);")
        }
    }
}
