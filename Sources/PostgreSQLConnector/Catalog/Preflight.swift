internal import ReplicationEngine
internal import ReplicationModel

/// Looks at everything that would make capture fail, lose something or hurt the source.
///
/// Changes nothing. Each finding that is not ok carries the statement that mends it. The order is
/// fixed: server, role, slot, publication, tables.
struct Preflight {
    let connection: PGConnection
    let capture: CaptureNames
    let tables: [TableSchema]
    let slot: SlotState?
    let role: String

    init(_ connection: PGConnection, _ capture: CaptureNames, _ tables: [TableSchema]) throws {
        self.connection = connection
        self.capture = capture
        self.tables = tables
        slot = try SlotQueries(connection: connection, slot: capture.slot).state()
        role = try connection.run("SELECT current_user").string(0, 0)
    }

    func findings() throws -> [Finding] {
        guard connection.serverVersion >= 140000 else {
            return [
                Finding(
                    .refused, "server version",
                    "\(connection.serverVersion / 10000); 14 is the least",
                    try: "upgrade the source")
            ]
        }
        let facts = try TableFacts.load(connection, tables)
        return try server() + roleFindings() + capacity() + slotFindings() + waiting()
            + publication(facts) + facts.flatMap(table) + leaves()
    }

    /// nil where the server has no such setting or does not show it to this role.
    func setting(_ name: String) throws -> String? {
        let found = try connection.query(
            "SELECT current_setting(name) FROM pg_settings WHERE name = $1", [name])
        return found.rowCount == 1 ? found.text(0, 0) : nil
    }

    // MARK: Server

    private func server() throws -> [Finding] {
        try [version(), walLevel(), encoding()] + standby() + plugin() + retention()
            + largeObjects()
    }

    /// Before these minor versions a transaction open at ALTER PUBLICATION could be lost (P34).
    private func version() -> Finding {
        let version = connection.serverVersion
        let text = "\(version / 10000).\(version % 10000)"
        let fixed = [14: 18, 15: 13, 16: 9, 17: 5]
        if let least = fixed[version / 10000], version % 10000 < least {
            return Finding(
                .warning, "server version",
                "\(text) can lose changes that are open while a table is added to a publication",
                try: "update the source to \(version / 10000).\(least) or later")
        }
        return Finding(.ok, "server version", text)
    }

    private func walLevel() throws -> Finding {
        let level = try setting("wal_level") ?? ""
        guard level != "logical" else { return Finding(.ok, "wal_level", level) }
        return Finding(
            .refused, "wal_level", "it is '\(level)'; row changes are logged under 'logical' only",
            try: "ALTER SYSTEM SET wal_level = 'logical'; then restart the server")
    }

    /// SQL_ASCII converts nothing: bytes that are not UTF-8 would arrive changed (P55).
    private func encoding() throws -> Finding {
        let encoding = try setting("server_encoding") ?? ""
        guard encoding == "SQL_ASCII" else { return Finding(.ok, "encoding", encoding) }
        return Finding(
            .refused, "encoding", "SQL_ASCII does not say what its bytes mean",
            try: "dump the database and load it into one WITH ENCODING 'UTF8'")
    }

    private func standby() throws -> [Finding] {
        guard try connection.isInRecovery() else { return [] }
        return [
            Finding(
                .refused, "recovery",
                "the source is a standby: its snapshots do not tell what they see",
                try: "name the primary in `source` of the pipeline file")
        ]
    }

    /// Limits that invalidate a slot while Martlet is down (P23).
    private func retention() throws -> [Finding] {
        var findings: [Finding] = []
        if let kept = try setting("max_slot_wal_keep_size"), kept != "-1" {
            findings.append(
                Finding(
                    .warning, "max_slot_wal_keep_size",
                    "\(kept): a longer outage loses the slot and asks for a new load",
                    try: "ALTER SYSTEM SET max_slot_wal_keep_size = -1; SELECT pg_reload_conf()"))
        }
        if let idle = try setting("idle_replication_slot_timeout"), idle != "0" {
            findings.append(
                Finding(
                    .warning, "idle_replication_slot_timeout",
                    "\(idle): a longer outage loses the slot and asks for a new load",
                    try:
                        "ALTER SYSTEM SET idle_replication_slot_timeout = 0; "
                        + "SELECT pg_reload_conf()"
                ))
        }
        return findings
    }

    private func largeObjects() throws -> [Finding] {
        let count = try connection.run("SELECT count(*) FROM pg_largeobject_metadata").integer(0, 0)
        guard let count, count > 0 else { return [] }
        return [
            Finding(
                .warning, "large objects", "\(count) are not carried: they are not in the stream",
                try: "pg_dump --blobs, or move them into bytea columns")
        ]
    }

    // MARK: Role

    /// Managed services give the attribute through a role of their own.
    private func roleFindings() throws -> [Finding] {
        let may = try connection.run(
            """
            SELECT bool_or(r.rolreplication OR r.rolsuper) FROM pg_roles r
            WHERE r.rolname = current_user
              OR r.rolname = 'rds_replication' AND pg_has_role(r.oid, 'USAGE')
            """
        ).boolean(0, 0)
        let managed = try connection.run(
            """
            SELECT EXISTS (SELECT FROM pg_roles r WHERE r.rolname = 'rds_replication'
              AND pg_has_role(r.oid, 'USAGE'))
            """
        ).boolean(0, 0)
        guard !may, !managed else { return [Finding(.ok, "role", "\(role) may replicate")] }
        return [
            Finding(
                .refused, "role", "\(role) has no REPLICATION attribute",
                try: "ALTER ROLE \(role.quotedIdentifier) REPLICATION")
        ]
    }

    // MARK: Slot

    private func capacity() throws -> [Finding] {
        guard slot == nil else { return [] }
        let result = try connection.run(
            """
            SELECT current_setting('max_replication_slots')::int, (SELECT count(*)
              FROM pg_replication_slots), current_setting('max_wal_senders')::int,
              (SELECT count(*) FROM pg_stat_replication)
            """)
        let values = (0..<4).map { result.integer(0, $0) ?? 0 }
        return [
            capacity("max_replication_slots", values[0], values[1]),
            capacity("max_wal_senders", values[2], values[3]),
        ]
    }

    private func capacity(_ name: String, _ limit: Int64, _ used: Int64) -> Finding {
        let detail = "\(used) of \(limit) in use"
        guard used >= limit else { return Finding(.ok, name, detail) }
        return Finding(
            .refused, name, detail,
            try: "ALTER SYSTEM SET \(name) = \(limit + 10); then restart the server")
    }

    private func slotFindings() throws -> [Finding] {
        guard let slot else { return [] }
        let name = "slot \(capture.slot)"
        let database = try connection.run("SELECT current_database()").string(0, 0)
        let drop = "SELECT pg_drop_replication_slot(\(capture.slot.quotedLiteral))"
        let problem: String? =
            if slot.plugin != "pgoutput" { "it is not a slot of pgoutput" } else if slot.isTwoPhase
            {
                "it is two-phase: prepared rows would live only in the spool "
                    + "after they are confirmed"
            } else if slot.database != database {
                "it belongs to the database \(slot.database)"
            } else {
                slot.invalidationReason.map { "the server invalidated it: \($0)" }
                    ?? (slot.walStatus == "lost" ? "the server invalidated it" : nil)
            }
        guard let problem else { return [Finding(.ok, name, "is there, at \(slot.confirmed)")] }
        return [Finding(.refused, name, problem, try: drop)]
    }

    /// The creation of a slot waits for every transaction that has written (P38).
    private func waiting() throws -> [Finding] {
        guard slot == nil else { return [] }
        let open = try connection.run(
            """
            SELECT format('pid %s', pid), format('SELECT pg_terminate_backend(%s)', pid)
            FROM pg_stat_activity WHERE backend_xid IS NOT NULL AND pid <> pg_backend_pid()
              AND coalesce(xact_start < clock_timestamp() - interval '5 s', true)
            UNION ALL
            SELECT format('prepared transaction %L', gid), format('ROLLBACK PREPARED %L', gid)
            FROM pg_prepared_xacts ORDER BY 1 LIMIT 20
            """)
        return (0..<open.rowCount).map { row in
            Finding(
                .warning, "open transactions",
                "\(open.string(row, 0)): creating the slot waits for its end",
                try: open.string(row, 1))
        }
    }
}
