internal import ReplicationModel

/// Finds the route of a table in the log, and stops where the log's description is not the one that
/// the route was made for: an unseen schema change (I5, P48-P51).
struct RouteDirectory {
    private let routes: [TableRoute]
    private let indices: [UInt32: Int]
    private var known: [UInt32: LoggedTable] = [:]

    init(_ routes: [TableRoute]) {
        self.routes = routes
        indices = Dictionary(
            routes.enumerated().map { ($1.source.id, $0) }, uniquingKeysWith: { first, _ in first })
    }

    func index(of table: UInt32) -> Int? { indices[table] }

    /// The route index of each of the batch's tables.
    mutating func map(_ batch: ChangeBatch, at position: LogPosition) throws -> [Int] {
        try batch.tables.map { table in
            guard let index = indices[table.id] else {
                throw ReplicationError(
                    .unseenSchemaChange, "follow the log", position: position, table: table.name,
                    why: "the publication delivers a table that this pipeline does not have",
                    try: "name the table in the pipeline file, or take it out of the publication")
            }
            if known[table.id] != table {
                try compare(table, routes[index], position)
                known[table.id] = table
            }
            return index
        }
    }

    private func compare(_ table: LoggedTable, _ route: TableRoute, _ position: LogPosition) throws
    {
        let names = route.columns.map(\.name)
        guard table.name == route.source.name, table.columns.map(\.name) == names,
            table.columns.map(\.typeID) == route.columns.map(\.type.id)
        else {
            throw ReplicationError.unseenChange(route.source.name, position: position)
        }
        guard route.isKeyless || table.isFull || carriesKey(table, route) else {
            throw ReplicationError(
                .unseenSchemaChange, "follow the log", position: position, table: table.name,
                why: "the replica identity does not carry the key that the pipeline uses",
                try: "martlet check PIPELINE")
        }
    }

    private func carriesKey(_ table: LoggedTable, _ route: TableRoute) -> Bool {
        route.key.allSatisfy { table.columns[$0].isIdentity }
    }
}
