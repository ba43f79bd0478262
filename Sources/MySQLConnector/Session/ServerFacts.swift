/// Which of the two families a server is of.
package enum ServerFlavour: String, Sendable {
    case mysql, mariadb
}

/// What a server is and can do, found by asking for its variables: version numbers jump, carry
/// suffixes, and say little about what a vendor built in (B29a).
package struct ServerFacts: Sendable {
    /// For people; nothing is decided by it.
    package var version: String
    package var flavour: ServerFlavour
    /// Global variables by lower-case name; a name that is missing is unknown to the server.
    package var variables: [String: String]

    package func variable(_ name: String) -> String? { variables[name] }

    package func isOn(_ name: String) -> Bool {
        ["ON", "1", "YES"].contains(variables[name]?.uppercased())
    }

    /// What a foreign key does to rows is in the log: MySQL's keys of the SQL layer (B33).
    var logsForeignKeyActions: Bool {
        variable("innodb_native_foreign_keys")?.uppercased() == "OFF"
    }

    /// Everything that this module decides by.
    static let names = [
        "version", "server_uuid", "server_uid", "server_id", "gtid_mode",
        "enforce_gtid_consistency",
        "gtid_domain_id", "gtid_strict_mode", "gtid_binlog_pos", "gtid_executed", "gtid_purged",
        "log_bin", "binlog_format", "binlog_row_image", "binlog_row_metadata",
        "binlog_row_value_options", "binlog_checksum", "log_replica_updates", "log_slave_updates",
        "lower_case_table_names", "max_allowed_packet", "local_infile", "read_only",
        "super_read_only", "innodb_native_foreign_keys", "performance_schema",
        "sync_binlog", "innodb_flush_log_at_trx_commit", "binlog_expire_logs_seconds",
        "expire_logs_days", "innodb_snapshot_isolation",
    ]

    /// - Parameter rows: of SHOW GLOBAL VARIABLES.
    init(rows: [[String?]]) {
        var variables: [String: String] = [:]
        for row in rows where row.count == 2 {
            if let name = row[0], let value = row[1] { variables[name.lowercased()] = value }
        }
        self.variables = variables
        version = variables["version"] ?? ""
        flavour = variables["gtid_domain_id"] == nil ? .mysql : .mariadb
    }
}
