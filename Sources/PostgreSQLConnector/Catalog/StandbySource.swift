import Foundation
internal import ReplicationEngine
internal import ReplicationModel

/// A standby as the source: it is read and decoded, and what has to be written goes to its primary.
///
/// Publication, heartbeat and fences are made at the primary and come back through the log; every
/// one of them is waited for where the standby has to know it.
extension PostgreSQLSource {
    private static let replayDeadlineSeconds = 60.0

    /// What speaks against this pair of servers; nothing for a primary.
    func standbyFindings(_ tables: [TableSchema]) throws -> [Finding] {
        let (isStandby, version, feedback) = try sessions.use { connection in
            let answer = try connection.run(
                "SELECT pg_is_in_recovery(), current_setting('hot_standby_feedback')")
            return (answer.boolean(0, 0), connection.serverVersion, answer.string(0, 1))
        }
        guard isStandby else { return hasPrimary ? [needlessPrimary] : [] }
        guard version >= 160000 else {
            return [
                Finding(
                    .refused, "recovery",
                    "the source is a standby; those are decoded from PostgreSQL 16 on",
                    try: "name the primary in `source` of the pipeline file")
            ]
        }
        guard hasPrimary else {
            return [
                Finding(
                    .refused, "recovery",
                    "the source is a standby, and its primary, where the publication and "
                        + "messages are written, is not known",
                    try: "name it in `source_primary` of the pipeline file (--source-primary URL)")
            ]
        }
        return try primaryFindings() + [feedbackFinding(feedback)] + tables.compactMap(keyFinding)
    }

    /// The first reason why an attempt cannot start: the servers may have changed their roles.
    func refuseUnfitStandby() throws {
        guard let finding = try standbyFindings([]).first(where: { $0.severity == .refused })
        else { return }
        throw ReplicationError(
            .preflight, "use the source", why: finding.detail, try: finding.remedy)
    }

    /// A standby that was promoted goes on alone. What is written to its former primary never comes
    /// by, and what that one commits is no history of this server's (P24).
    func refusePromoted() throws {
        guard hasPrimary, try !sessions.use({ try $0.isInRecovery() }) else { return }
        throw ReplicationError(
            .positionGap, "follow a standby",
            why: "it was promoted: its history goes on without that of its primary",
            try: "take `source_primary` out of the pipeline file, then "
                + "martlet run PIPELINE --fresh --yes (copies everything again)")
    }

    func standbyGrants(_ connection: PGConnection) throws -> [String] {
        let answer = try connection.run("SELECT pg_is_in_recovery(), current_user")
        guard answer.boolean(0, 0), connection.serverVersion >= 160000 else { return [] }
        return [
            "GRANT EXECUTE ON FUNCTION pg_log_standby_snapshot() TO "
                + answer.string(0, 1).quotedIdentifier
        ]
    }

    private var needlessPrimary: Finding {
        Finding(
            .refused, "source_primary", "the source is no standby: it is written to itself",
            try: "take `source_primary` out of the pipeline file")
    }

    private func primaryFindings() throws -> [Finding] {
        let ask = """
            SELECT (SELECT system_identifier FROM pg_control_system()), current_database(), \
            pg_is_in_recovery(), current_setting('wal_level')
            """
        let own = try sessions.use { try $0.run(ask) }
        let primary = try writers.use { try $0.run(ask) }
        var problem: (why: String, remedy: String)?
        if (0...1).contains(where: { own.string(0, $0) != primary.string(0, $0) }) {
            problem = (
                "it is another cluster or database than the standby's",
                "name the standby's primary in `source_primary`"
            )
        } else if primary.boolean(0, 2) {
            problem = ("it is a standby itself", "name the primary in `source_primary`")
        } else if primary.string(0, 3) != "logical" {
            problem = (
                "its wal_level is '\(primary.string(0, 3))'",
                "ALTER SYSTEM SET wal_level = 'logical' at the primary; then restart it"
            )
        }
        guard let problem else {
            return [Finding(.ok, "source_primary", "is the standby's primary")]
        }
        return [Finding(.refused, "source_primary", problem.why, try: problem.remedy)]
    }

    /// VACUUM at the primary removes catalogue rows that the slot needs, and invalidates it.
    private func feedbackFinding(_ setting: String) -> Finding {
        guard setting != "on" else { return Finding(.ok, "hot_standby_feedback", setting) }
        return Finding(
            .warning, "hot_standby_feedback",
            "\(setting): VACUUM at the primary may invalidate the slot, which asks for a new load",
            try: "ALTER SYSTEM SET hot_standby_feedback = on; SELECT pg_reload_conf()")
    }

    /// Rows without a key cannot be put right when it is not known what a read saw. Nor can those
    /// whose equal keys are written in several ways: one of them may become a key-chunk.
    private func keyFinding(_ table: TableSchema) -> Finding? {
        let key = table.columns.filter { table.chunkKey.contains($0.name) }
        let unclear = key.first { $0.keyForm == .unknown }
        guard key.isEmpty || unclear != nil else { return nil }
        let what = unclear == nil ? "without a key" : "whose equal keys are written in several ways"
        return Finding(
            .refused, "key", "a standby cannot tell which rows a read of a table \(what) saw",
            table: table.name, column: unclear?.name,
            try: "give it another key, exclude it, or name the primary in `source`")
    }

    // MARK: Slot

    /// A standby finds a consistent point only when the primary logs its running transactions,
    /// which it does by itself every 15 s while something is written.
    func logRunningTransactionsAtPrimary() {
        do { _ = try writers.use { try $0.run("SELECT pg_log_standby_snapshot()") } } catch {
            // Only some roles may.
            try? nudge()
        }
    }

    /// Commits a message of no meaning.
    func nudge() throws {
        let sql = "SELECT pg_logical_emit_message(true, 'martlet.flush', '')"
        _ = try writers.use { try $0.run(sql) }
    }

    /// Returns when the standby has replayed what the primary has committed until now.
    func waitForReplay() throws {
        guard hasPrimary else { return }
        let end = try writers.use { try $0.run("SELECT pg_current_wal_insert_lsn()") }.string(0, 0)
        try nudge()
        let start = ContinuousClock.now
        while true {
            let isThere = try sessions.use {
                try $0.query("SELECT pg_last_wal_replay_lsn() >= $1::pg_lsn", [end]).boolean(0, 0)
            }
            if isThere { return }
            guard (ContinuousClock.now - start) / .seconds(1) < Self.replayDeadlineSeconds else {
                throw ReplicationError(
                    .serverBusy, "wait until the standby replays",
                    position: LogPosition(parsing: end),
                    why: "not reached within \(Int(Self.replayDeadlineSeconds)) s",
                    try: "look at pg_stat_replication at the primary")
            }
            Thread.sleep(forTimeInterval: 0.01)
        }
    }
}
