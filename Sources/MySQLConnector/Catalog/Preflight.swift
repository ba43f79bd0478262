internal import ReplicationModel

/// Looks at everything that would make capture fail or lose something.
///
/// Changes nothing. Each finding that is not ok carries the statement that mends it. The order is
/// fixed: log, role, tables.
struct Preflight {
    let connection: MySQLConnection
    let tables: [TableSchema]

    private var facts: ServerFacts { connection.facts }

    func findings() throws -> [Finding] {
        guard facts.isOn("log_bin") else {
            return [
                Finding(
                    .refused, "log_bin", "the server writes no binlog",
                    try: "log_bin = binlog in the server's configuration, then restart it")
            ]
        }
        let log = [
            format("binlog_format", "ROW"), format("binlog_row_image", "FULL"), metadata(),
        ]
        let role = try role()
        // Without them the rest cannot be asked.
        guard role.severity == .ok else { return log + [role] }
        return try log + partialJSON() + gtid() + durability() + replica() + filters() + prepared()
            + [role] + locks() + tableFindings()
    }

    // MARK: Log

    /// Sessions may set another value of their own (B01, B03): the decoder stops at what comes of
    /// it.
    private func format(_ name: String, _ wanted: String) -> Finding {
        let found = facts.variable(name) ?? ""
        guard found.uppercased() != wanted else { return Finding(.ok, name, found) }
        return Finding(
            .refused, name, "it is '\(found)': rows would be missing or incomplete",
            try: "SET GLOBAL \(name) = \(wanted); then end the sessions that are older")
    }

    /// Names and signs come from the catalogue of now otherwise (B04, B43): right, because a table
    /// that has another fingerprint than the checkpoint's stops the start, and one that is altered
    /// later stops the stream there.
    private func metadata() -> Finding {
        let found = facts.variable("binlog_row_metadata") ?? "unknown"
        guard found.uppercased() != "FULL" else {
            return Finding(.ok, "binlog_row_metadata", found)
        }
        return Finding(
            .warning, "binlog_row_metadata",
            "it is '\(found)': what the log does not say of columns is taken from the catalogue,"
                + " and a table that is altered stops the pipeline",
            try: "SET GLOBAL binlog_row_metadata = FULL")
    }

    private func partialJSON() -> [Finding] {
        guard let found = facts.variable("binlog_row_value_options"), !found.isEmpty else {
            return []
        }
        return [
            Finding(
                .refused, "binlog_row_value_options", "\(found): documents are logged in parts",
                try: "SET GLOBAL binlog_row_value_options = ''")
        ]
    }

    private func gtid() -> [Finding] {
        switch connection.flavour {
        case .mariadb:
            // Every MariaDB writes GTIDs.
            return [Finding(.ok, "GTIDs", "domain \(facts.variable("gtid_domain_id") ?? "")")]
        case .mysql:
            let mode = facts.variable("gtid_mode") ?? ""
            guard mode != "ON" else { return [Finding(.ok, "gtid_mode", mode)] }
            return [
                Finding(
                    .refused, "gtid_mode", "it is '\(mode)': transactions have no names",
                    try: "SET GLOBAL enforce_gtid_consistency = ON; then gtid_mode step by step:"
                        + " OFF_PERMISSIVE, ON_PERMISSIVE, ON")
            ]
        }
    }

    /// After a power cut the source may have lost what the target already has.
    private func durability() -> [Finding] {
        ["sync_binlog", "innodb_flush_log_at_trx_commit"].compactMap { name in
            guard let found = facts.variable(name), found != "1" else { return nil }
            return Finding(
                .warning, name,
                "it is \(found): a crash of the source can lose transactions that"
                    + " the target has", try: "SET GLOBAL \(name) = 1")
        }
    }

    /// A replica logs what it replicates only when told so (B30).
    private func replica() throws -> [Finding] {
        let statement =
            connection.flavour == .mysql ? "SHOW REPLICA STATUS" : "SHOW ALL SLAVES STATUS"
        guard let rows = try? connection.query(statement), rows.rowCount > 0 else { return [] }
        let name =
            facts.variable("log_replica_updates") == nil
            ? "log_slave_updates" : "log_replica_updates"
        guard !facts.isOn(name) else { return [Finding(.ok, name, "ON, at a replica")] }
        return [
            Finding(
                .refused, name, "the source is a replica and does not log what it replicates",
                try: "\(name) = ON in the server's configuration, then restart it")
        ]
    }

    /// What the server leaves out of its log is found by nobody but `verify` (B02).
    private func filters() throws -> [Finding] {
        let row = try LogEnd.filters(connection)
        return row.map { name, list in
            Finding(
                .refused, name, "changes of some schemas are not logged: \(list)",
                try: "remove \(name) from the server's configuration, then restart it")
        }
    }

    private func prepared() throws -> [Finding] {
        let count = try PreparedAtServer.list(connection).count
        guard count > 0 else { return [] }
        return [
            Finding(
                .warning, "prepared XA transactions",
                "there are \(count): an initial load waits until they have ended",
                try: PreparedAtServer.remedy)
        ]
    }

    // MARK: Role

    private func role() throws -> Finding {
        let grants = try SourceGrants(connection)
        let held = try connection.query("SHOW GRANTS").column(0)
            .filter { $0.contains(" ON *.* ") }.joined(separator: "\n").uppercased()
        let names = Self.otherNames
        let missing = grants.global.filter { wanted in
            !held.contains("ALL PRIVILEGES")
                && !([wanted] + names[wanted, default: []]).contains { held.contains($0) }
        }
        guard !missing.isEmpty else { return Finding(.ok, "privileges", "of \(grants.user)") }
        return Finding(
            .refused, "privileges",
            "\(grants.user) lacks \(missing.joined(separator: ", "))",
            try: "GRANT \(missing.joined(separator: ", ")) ON *.* TO \(grants.user)")
    }

    /// What reading some tables asks for; it is granted on schemas. Only the server knows whether
    /// it is held: it adds up roles and patterns. It says so before it looks whether the table is
    /// there, and before anything is locked.
    private func locks() throws -> [Finding] {
        let schemas = SourceGrants.lockedSchemas(of: tables)
        guard !schemas.isEmpty else { return [] }
        let user = try SourceGrants(connection).user
        return try schemas.filter(isLockDenied).map { schema in
            Finding(
                .refused, "privileges on \(schema)",
                "\(user) lacks LOCK TABLES, which some of its tables are read under",
                try: "GRANT LOCK TABLES ON \(SQLText.name(schema)).* TO \(user)")
        }
    }

    private func isLockDenied(_ schema: String) throws -> Bool {
        let none = SQLText.name(TableName(schema: schema, name: "martlet: no table"))
        do {
            try connection.run("LOCK TABLES \(none) READ")
            try connection.run("UNLOCK TABLES")
        } catch let error as MySQLError.Server where error.code == 1044 {
            return true
        } catch let error as MySQLError.Server where [1142, 1146].contains(error.code) {
            return false
        }
        return false
    }

    private static let otherNames = ["REPLICATION SLAVE": ["REPLICATION REPLICA"]]
}
