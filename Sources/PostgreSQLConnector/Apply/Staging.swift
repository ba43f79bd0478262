internal import ReplicationEngine
internal import ReplicationModel

/// Staging tables (DESIGN 6.11): temporary, so that they are the session's own and gone with it,
/// and never in a log that somebody reads.
extension AppliedTable {
    /// Makes the staging table of this one: its columns, the route's key and no other.
    func staging(
        _ catalogue: AppliedCatalogue, mayNet: Bool, _ lossy: LossyConversions,
        on connection: PGConnection
    ) throws -> AppliedTable {
        let place = "pg_temp.martlet_staging_\(index)"
        try connection.run(
            "CREATE TEMPORARY TABLE martlet_staging_\(index) AS SELECT \(columnList) "
                + "FROM \(relation) WITH NO DATA")
        if !route.isKeyless {
            let key = route.keyColumns.map(\.name.quotedIdentifier).joined(separator: ", ")
            try connection.run("ALTER TABLE \(place) ADD PRIMARY KEY (\(key))")
        }
        return try AppliedTable(
            index: index, route: route, catalogue: catalogue.staging(route), mayNet: mayNet,
            lossy: lossy, place: place)
    }
}

extension PGApplier {
    package func moveStaged(route: Int) throws {
        guard let home = homes[route] else {
            throw ReplicationError(
                .internalFault, "move staged rows", table: tables[route].name,
                why: "the route is not staged")
        }
        do {
            let staged = try connection.run("SELECT count(*) FROM \(tables[route].place)")
            let list = home.columns.isEmpty ? "" : "(\(home.columnList))"
            let moved = try connection.run(
                "INSERT INTO \(home.place) \(list)\(home.overriding) "
                    + "SELECT \(home.columnList) FROM \(tables[route].place)"
            ).affectedRows
            guard Int64(moved) == staged.integer(0, 0) else {
                throw Self.conflict(home, "\(moved) of the rows that were read are stored")
            }
            if isReplica { try checkDeferredKeys(home, against: tables[route]) }
        } catch { throw placed(error, home) }
    }

    /// In a session that is a replica the server does not check deferrable keys, see
    /// `DeferredKeyCheck`.
    private func checkDeferredKeys(_ home: AppliedTable, against staging: AppliedTable) throws {
        for names in home.deferredKeys {
            let shared = home.columns.filter { names.contains($0.name) }
            let terms = shared.map { home.equal("t.\($0.quoted)", "s.\($0.quoted)", $0) }
            let source = terms.isEmpty ? "" : ", \(staging.relation) AS s WHERE "
            let list = names.map { "t.\($0.quotedIdentifier)" }
            let nulls = list.map { "\($0) IS DISTINCT FROM NULL" }
            let whole = terms.isEmpty ? " WHERE " : " AND "
            let found = try connection.run(
                "SELECT FROM \(home.relation) AS t\(source)\(terms.joined(separator: " AND "))"
                    + "\(whole)\(nulls.joined(separator: " AND ")) "
                    + "GROUP BY \(list.joined(separator: ", ")) HAVING count(*) > 1 LIMIT 1")
            guard found.rowCount == 0 else {
                throw Self.conflict(
                    home, "two rows would have the same value of a deferrable unique key")
            }
        }
    }

    private static func conflict(_ table: AppliedTable, _ why: String) -> ReplicationError {
        ReplicationError(
            .rowConflict, "copy rows", table: table.name, why: why,
            try: "look for triggers, rules, or something else that writes to \(table.name)")
    }
}
