internal import ReplicationEngine
internal import ReplicationModel

/// Names for indexes. PostgreSQL has one namespace of them per schema, SQLite one per file, shared
/// with the tables.
struct IndexNames {
    private struct Owner {
        var table: String
        var columns: [String]
        var isUnique: Bool
    }

    /// By folded name; nil for a table.
    private var taken: [String: Owner?] = [:]

    init(_ routes: [TableRoute], on session: SQLiteSession?) throws {
        for route in routes { taken[route.target.name.foldedASCII] = .some(nil) }
        let tables =
            try session?.rows("SELECT name FROM sqlite_schema WHERE type IN ('table', 'view')") {
                $0.text(0) ?? ""
            } ?? []
        for table in tables {
            taken[table.foldedASCII] = .some(nil)
            for index in try session?.storedTable(table)?.indexes ?? [] {
                taken[index.name.foldedASCII] = Owner(
                    table: table.foldedASCII, columns: index.columns, isUnique: index.isUnique)
            }
        }
    }

    /// The index's own name; with the table in front if another index or a table has it; with a
    /// number behind if that is taken as well.
    mutating func name(
        for index: Index, _ columns: [String], _ route: TableRoute, _ stored: StoredTable?
    ) -> String {
        let wanted = Owner(
            table: route.target.name.foldedASCII, columns: columns, isUnique: index.isUnique)
        let prefixed = "\(route.target.name)_\(index.name)"
        let numbered = (2...).lazy.map { "\(prefixed)_\($0)" }
        let candidates = [index.name, prefixed]
        let free =
            candidates.first { isFree($0, for: wanted) }
            ?? numbered.first { isFree($0, for: wanted) } ?? prefixed
        taken[free.foldedASCII] = wanted
        return free
    }

    /// Nobody's, or the same index made by an earlier run.
    private func isFree(_ name: String, for wanted: Owner) -> Bool {
        guard !name.foldedASCII.hasPrefix("sqlite_") else { return false }
        guard let entry = taken[name.foldedASCII] else { return true }
        guard let owner = entry else { return false }
        return owner.table == wanted.table && owner.columns == wanted.columns
            && owner.isUnique == wanted.isUnique
    }
}
