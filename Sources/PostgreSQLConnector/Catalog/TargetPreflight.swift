internal import ReplicationEngine
internal import ReplicationModel

/// What must hold at the target before rows are written. Changes nothing.
struct TargetPreflight {
    let catalog: TargetCatalog
    let routes: [TableRoute]
    let prerequisites: [SchemaObject]
    let lossy: LossyConversions

    private var connection: PGConnection { catalog.connection }

    func findings() throws -> [Finding] {
        let firesNothing = try catalog.canSetReplicationRole()
        let tables = try catalog.tables(routes.map(\.target))
        let states = try catalog.knownStates(routes)
        var found = [version()]
        found += try writability()
        found += try statePrivilege()
        found.append(replicationRole(firesNothing))
        for route in routes {
            guard let table = tables[route.target] else { continue }
            found += try privileges(table)
            found += try triggers(table, firesNothing)
            found += try foreignKeys(table, firesNothing)
            found += try rows(table, states[route.target])
        }
        found += try creation(tables)
        return found + (try shapes())
    }

    private func version() -> Finding {
        let version = connection.serverVersion
        guard version >= 140000 else {
            return Finding(
                .refused, "target version", "PostgreSQL \(version / 10000); 14 or later is needed",
                try: "upgrade the target")
        }
        return Finding(.ok, "target version", "PostgreSQL \(version / 10000).\(version % 10000)")
    }

    private func writability() throws -> [Finding] {
        let row = try connection.run(
            """
            SELECT pg_catalog.pg_is_in_recovery(), \
            (SELECT reset_val FROM pg_catalog.pg_settings \
            WHERE name = 'default_transaction_read_only'), \
            pg_catalog.pg_encoding_to_char(encoding), pg_catalog.quote_ident(datname) \
            FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database()
            """)
        var found: [Finding] = []
        if row.boolean(0, 0) {
            found.append(
                Finding(
                    .refused, "target is writable", "the server is in recovery: a standby",
                    try: "name the primary in the target's URL"))
        } else if row.text(0, 1) == "on" {
            found.append(
                Finding(
                    .warning, "target is writable",
                    "default_transaction_read_only is on; Martlet's sessions switch it off",
                    try:
                        "ALTER DATABASE \(row.text(0, 3) ?? "") "
                        + "SET default_transaction_read_only = off;"
                ))
        } else {
            found.append(Finding(.ok, "target is writable", "the server accepts writes"))
        }
        if row.text(0, 2) != "UTF8" {
            found.append(
                Finding(
                    .refused, "target encoding",
                    "the database is encoded as \(row.text(0, 2) ?? "?"), "
                        + "which does not hold every text",
                    try: "CREATE DATABASE ... ENCODING 'UTF8' TEMPLATE template0;"))
        }
        return found
    }

    private func statePrivilege() throws -> [Finding] {
        let row = try connection.run(
            """
            SELECT pg_catalog.has_database_privilege(pg_catalog.current_database(), 'CREATE'), \
            (SELECT pg_catalog.has_schema_privilege(oid, 'CREATE') \
            AND pg_catalog.has_schema_privilege(oid, 'USAGE') \
            FROM pg_catalog.pg_namespace WHERE nspname = 'martlet'), \
            pg_catalog.quote_ident(pg_catalog.current_database()), \
            pg_catalog.quote_ident(current_user), \
            (SELECT pg_catalog.quote_ident(r.rolname) FROM pg_catalog.pg_class c \
            JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
            JOIN pg_catalog.pg_roles r ON r.oid = c.relowner WHERE n.nspname = 'martlet' \
            AND c.relname = 'pipeline' AND NOT pg_catalog.pg_has_role(c.relowner, 'USAGE'))
            """)
        let (database, role) = (row.text(0, 2) ?? "", row.text(0, 3) ?? "")
        if let owner = row.text(0, 4) {
            return [
                Finding(
                    .refused, "schema martlet", "its tables belong to \(owner), not to \(role)",
                    try: "GRANT \(owner) TO \(role); -- or run Martlet as \(owner)")
            ]
        }
        switch (row.text(0, 1), row.boolean(0, 0)) {
        case ("t", _), (nil, true):
            return [Finding(.ok, "schema martlet", "may be made and used by \(role)")]
        case (nil, false):
            return [
                Finding(
                    .refused, "schema martlet", "\(role) may not make it",
                    try: "CREATE SCHEMA martlet AUTHORIZATION \(role); "
                        + "-- or GRANT CREATE ON DATABASE \(database) TO \(role);")
            ]
        default:
            return [
                Finding(
                    .refused, "schema martlet", "it is there and \(role) may not use it",
                    try: "GRANT USAGE, CREATE ON SCHEMA martlet TO \(role);")
            ]
        }
    }

    private func replicationRole(_ firesNothing: Bool) -> Finding {
        let check = "session_replication_role"
        if firesNothing {
            return Finding(.ok, check, "may be set: triggers and foreign keys are off")
        }
        return Finding(
            .warning, check, "may not be set: triggers and foreign keys fire in Martlet's sessions",
            try:
                "GRANT SET ON PARAMETER session_replication_role TO CURRENT_USER; -- as a superuser"
        )
    }

    /// What the plan calls a problem refuses the start.
    private func shapes() throws -> [Finding] {
        let plan = try TargetSchemaPlan(
            catalog: catalog, routes: routes, prerequisites: prerequisites, lossy: lossy
        ).make()
        let found = plan.problems.map { problem in
            Finding(
                .refused, "shape of \(problem.table?.description ?? "the target")", problem.why,
                table: problem.table, column: problem.column, try: problem.remedy)
        }
        return try found + (plan.staged.isEmpty ? [] : temporaryTables())
    }

    private func temporaryTables() throws -> [Finding] {
        let row = try connection.run(
            """
            SELECT pg_catalog.has_database_privilege(pg_catalog.current_database(), 'TEMPORARY'), \
            pg_catalog.quote_ident(pg_catalog.current_database()), \
            pg_catalog.quote_ident(current_user)
            """)
        guard !row.boolean(0, 0) else { return [] }
        return [
            Finding(
                .refused, "temporary tables",
                "tables with unique keys of their own are loaded through one",
                try: "GRANT TEMPORARY ON DATABASE \(row.text(0, 1) ?? "") "
                    + "TO \(row.text(0, 2) ?? "");")
        ]
    }
}

// MARK: Tables that are there

extension TargetPreflight {
    private func privileges(_ table: ExistingTable) throws -> [Finding] {
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
    private func triggers(_ table: ExistingTable, _ firesNothing: Bool) throws -> [Finding] {
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
    private func foreignKeys(_ table: ExistingTable, _ firesNothing: Bool) throws -> [Finding] {
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
    private func rows(_ table: ExistingTable, _ state: TableProgress.State?) throws -> [Finding] {
        guard state == nil, table.kind == .table || table.kind == .partitioned,
            !table.hasRowSecurity,
            try catalog.exists(
                """
                SELECT WHERE pg_catalog.has_table_privilege($1::oid, 'SELECT') \
                AND pg_catalog.has_schema_privilege($2, 'USAGE')
                """, [String(table.oid), table.name.schema]), try catalog.hasRows(table)
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
    private func creation(_ tables: [TableName: ExistingTable]) throws -> [Finding] {
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
