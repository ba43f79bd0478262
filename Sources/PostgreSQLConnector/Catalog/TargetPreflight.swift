internal import ReplicationEngine
internal import ReplicationModel

/// What must hold at the target before rows are written. Changes nothing.
struct TargetPreflight {
    let catalog: TargetCatalog
    let routes: [TableRoute]
    let prerequisites: [SchemaObject]
    let lossy: LossyConversions

    var connection: PGConnection { catalog.connection }

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
            found += try rows(table, states[route.target], route.share)
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
