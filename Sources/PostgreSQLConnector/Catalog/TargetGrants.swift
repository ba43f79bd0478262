internal import ReplicationEngine
internal import ReplicationModel

/// The least that the apply role needs, as statements for a superuser. `check --print-grants`
/// prints them; those that are granted already do no harm.
struct TargetGrants {
    let catalog: TargetCatalog
    let routes: [TableRoute]

    func statements() throws -> [String] {
        let row = try catalog.connection.run(
            """
            SELECT pg_catalog.quote_ident(current_user), \
            pg_catalog.quote_ident(pg_catalog.current_database())
            """)
        let (role, database) = (row.text(0, 0) ?? "", row.text(0, 1) ?? "")
        let tables = try catalog.tables(routes.map(\.target))
        var statements = [
            "GRANT CONNECT ON DATABASE \(database) TO \(role);",
            "CREATE SCHEMA IF NOT EXISTS martlet AUTHORIZATION \(role);",
        ]
        if catalog.connection.serverVersion >= 150000 {
            statements.append("GRANT SET ON PARAMETER session_replication_role TO \(role);")
        }
        statements += try schemaStatements(role, tables)
        for table in routes.compactMap({ tables[$0.target] }) {
            statements.append(
                """
                GRANT SELECT, INSERT, UPDATE, DELETE, TRUNCATE ON \(table.name.quoted) TO \(role);
                """)
            if table.hasRowSecurity { statements.append("ALTER ROLE \(role) BYPASSRLS;") }
        }
        return statements
    }

    private func schemaStatements(
        _ role: String, _ tables: [TableName: ExistingTable]
    ) throws -> [String] {
        try Set(routes.map(\.target.schema)).sorted().map { schema in
            let quoted = schema.quotedIdentifier
            let isThere = try catalog.exists(
                "SELECT FROM pg_catalog.pg_namespace WHERE nspname = $1", [schema])
            guard isThere else { return "CREATE SCHEMA \(quoted) AUTHORIZATION \(role);" }
            let isComplete = routes.allSatisfy {
                $0.target.schema != schema || tables[$0.target] != nil
            }
            return "GRANT USAGE\(isComplete ? "" : ", CREATE") ON SCHEMA \(quoted) TO \(role);"
        }
    }
}
