internal import ReplicationEngine
internal import ReplicationModel

/// A staging table (DESIGN 6.11): temporary, so that it is the session's own and gone with it. It
/// has the columns that travel, the route's key and no other.
struct StagingTable {
    let route: TableRoute
    let place: String
    private let columns: String

    init(_ route: TableRoute, number: Int, in state: StatePlace) {
        self.route = route
        place = state.table("martlet_staging_\(number)")
        columns = TargetSchemaPlan.list(route.columns.map(\.name))
    }

    func make(_ connection: MySQLConnection) throws {
        let key = TargetSchemaPlan.list(route.keyColumns.map(\.name))
        let primaryKey = route.isKeyless ? "" : "(PRIMARY KEY (\(key))) "
        try connection.run(
            "CREATE TEMPORARY TABLE \(place) \(primaryKey)ENGINE = InnoDB "
                + "SELECT \(columns) FROM \(SQLText.name(route.target)) LIMIT 0")
    }

    func empty(_ connection: MySQLConnection) throws { try connection.run("DELETE FROM \(place)") }

    /// Moves every row to the table; now its unique indexes judge them.
    func move(_ statements: RowStatements, _ table: AppliedTable) throws {
        let count = try statements.connection.query("SELECT COUNT(*) FROM \(place)").integer(0, 0)
        statements.append(
            "INSERT INTO \(SQLText.name(route.target)) (\(columns)) SELECT \(columns) FROM \(place)"
        )
        try statements.run(expecting: count ?? 0, table: table)
    }
}
