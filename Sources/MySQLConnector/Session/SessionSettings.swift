import ReplicationModel

/// What every session fixes: servers, users and `init_connect` may carry other defaults. Each one
/// is read back.
enum SessionSettings {
    /// Writes what is given or fails (A43): no silent truncation, no replaced engine, 0 stays 0.
    /// Dates that are none are kept as they are: a copy is faithful, judging values is not the
    /// session's task. Quotes and backslashes in our texts have their default meaning.
    static let sqlMode =
        "STRICT_ALL_TABLES,ALLOW_INVALID_DATES,NO_ENGINE_SUBSTITUTION,"
        + "NO_AUTO_VALUE_ON_ZERO"

    static func all(
        for purpose: MySQLConnection.Purpose, _ flavour: ServerFlavour
    ) -> [(name: String, value: String)] {
        var settings = [
            ("sql_mode", "'\(sqlMode)'"), ("time_zone", "'+00:00'"), ("autocommit", "1"),
            // A client that waits for its target must not be thrown out meanwhile; a dead link is
            // found by TCP's keepalive.
            ("net_read_timeout", "3600"), ("net_write_timeout", "3600"), ("wait_timeout", "86400"),
            ("lock_wait_timeout", "30"), ("innodb_lock_wait_timeout", "30"),
            ("sql_safe_updates", "0"), ("sql_big_selects", "1"), ("sql_auto_is_null", "0"),
            ("sql_select_limit", "18446744073709551615"), ("group_concat_max_len", "16777216"),
            ("sql_quote_show_create", "1"),
        ]
        switch flavour {
        case .mysql: settings.append(("max_execution_time", "0"))
        case .mariadb: settings.append(("max_statement_time", "0"))
        }
        // Keys are placed among cuts by sorting them. By default no more than 1,024 bytes of a text
        // count, and keys beyond would pass for equal.
        if purpose == .source {
            settings += [("max_sort_length", "1048576"), ("sort_buffer_size", "8388608")]
        }
        if purpose == .target {
            settings += [("foreign_key_checks", "1"), ("unique_checks", "1")]
        }
        return settings
    }

    /// The name changed in MySQL 8.0 and MariaDB 11.1; both may be known.
    static func isolation(for purpose: MySQLConnection.Purpose) -> String {
        switch purpose {
        case .source, .log: "REPEATABLE-READ"
        // No gap locks between appliers.
        case .target: "READ-COMMITTED"
        }
    }
}

extension MySQLConnection {
    /// Pins and reads back.
    func pinSettings(_ purpose: Purpose) throws {
        let name = try isolationVariable()
        let settings =
            SessionSettings.all(for: purpose, flavour)
            + [(name, "'\(SessionSettings.isolation(for: purpose))'")]
        try run("SET NAMES utf8mb4 COLLATE utf8mb4_bin")
        try run("SET " + settings.map { "SESSION \($0.0) = \($0.1)" }.joined(separator: ", "))
        let list = settings.map { "@@SESSION.\($0.0)" } + Self.characterSettings.map { "@@\($0)" }
        let found = try query("SELECT " + list.joined(separator: ", "))
        let wanted = settings + Self.characterSettings.map { ($0, "'utf8mb4'") }
        for (index, (name, value)) in wanted.enumerated() {
            try Self.check(name, wanted: value, found: found.text(0, index))
        }
    }

    private static let characterSettings = [
        "character_set_client", "character_set_connection", "character_set_results",
    ]

    /// Servers list the words of a mode in their own order, and numbers with fractions.
    private static func check(_ name: String, wanted: String, found: String?) throws {
        let plain = wanted.replacing("'", with: "")
        let found = found ?? "NULL"
        let isEqual =
            Set(plain.split(separator: ",")) == Set(found.split(separator: ","))
            || Double(plain).map { Double(found) == $0 } ?? false
        guard isEqual else {
            throw ReplicationError(
                .unfitSetting, "fix the session setting \(name)",
                why: "it reads back as '\(found)' instead of '\(plain)'")
        }
    }

    private func isolationVariable() throws -> String {
        let names = try query(
            "SHOW SESSION VARIABLES WHERE Variable_name IN ('transaction_isolation',"
                + " 'tx_isolation')"
        ).column(0).sorted()
        guard let name = names.first else {
            throw ReplicationError(
                .unsupported, "fix the isolation level", why: "the server has no setting of it")
        }
        return name
    }
}
