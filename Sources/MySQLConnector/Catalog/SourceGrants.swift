internal import ReplicationModel

/// The least privileges that a source's user needs, and which of them it lacks.
struct SourceGrants {
    private let flavour: ServerFlavour
    let user: String

    init(_ connection: MySQLConnection) throws {
        flavour = connection.flavour
        let name = try connection.query("SELECT CURRENT_USER()").text(0, 0) ?? ""
        let at = name.lastIndex(of: "@") ?? name.endIndex
        user =
            SQLText.literal(String(name[..<at])) + "@"
            + SQLText.literal(String(name[at...].dropFirst()))
    }

    /// On everything: to read the log, to ask where it ends, and on MySQL to ask what of it is
    /// visible and which XA transactions are prepared.
    var global: [String] {
        switch flavour {
        case .mysql:
            ["REPLICATION SLAVE", "REPLICATION CLIENT", "BACKUP_ADMIN", "XA_RECOVER_ADMIN"]
        case .mariadb: ["REPLICATION SLAVE", "BINLOG MONITOR"]
        }
    }

    func statements(for tables: [TableSchema]) throws -> [String] {
        var statements = ["GRANT \(global.joined(separator: ", ")) ON *.* TO \(user)"]
        if flavour == .mysql {
            statements.append("GRANT SELECT ON performance_schema.log_status TO \(user)")
        }
        for table in tables.sorted(by: { $0.name < $1.name }) {
            statements.append("GRANT SELECT ON \(SQLText.name(table.name)) TO \(user)")
        }
        for schema in Self.lockedSchemas(of: tables) {
            statements.append("GRANT LOCK TABLES ON \(SQLText.name(schema)).* TO \(user)")
        }
        return statements
    }

    /// With tables that are read under a short lock (DESIGN 6.9): those without a key, and those
    /// that change themselves. LOCK TABLES is granted on schemas only.
    static func lockedSchemas(of tables: [TableSchema]) -> [String] {
        let locked = tables.filter { $0.chunkKey.isEmpty || $0.changesItself }
        return Set(locked.map(\.name.schema)).sorted()
    }
}
