internal import Foundation
internal import ReplicationEngine
package import ReplicationModel

extension SQLiteApplier {
    package func keys(
        route: Int, where columns: [Int], among tuples: [[[UInt8]]], after: Key?, limit: Int
    ) throws -> [Key] {
        try naming("find rows by a foreign key", nil, routes[route]) {
            try writer(route).keys(where: columns, among: tuples, after: after, limit: limit)
        }
    }
}

extension TableWriter {
    /// Also of rows that are parked until the end of the source transaction.
    func keys(
        where columns: [Int], among tuples: [[[UInt8]]], after: Key?, limit: Int
    ) throws -> [Key] {
        let route = table.route
        let names = route.key.map { route.columns[$0].name.quotedIdentifier }
        let list = names.joined(separator: ", ")
        let condition = condition(columns, tuples)
        let parts = ([home] + parkedStatements).map {
            "SELECT \(list) FROM \($0.place) WHERE \(condition)"
        }
        let behind = after.map { key in
            let values = zip(route.key, key.values).map { literal($1, $0) }
            return " WHERE (\(list)) > (\(values.joined(separator: ", ")))"
        }
        let sql = """
            SELECT \(names.map(Self.canonicalText).joined(separator: ", ")) FROM \
            (\(parts.joined(separator: " UNION ALL ")))\(behind ?? "") \
            ORDER BY \(names.map { "+\($0)" }.joined(separator: ", ")) LIMIT \(limit)
            """
        return try session.rows(sql) { row in
            Key(names.indices.map { row.bytes(Int32($0)) ?? [] })
        }
    }

    private var parkedStatements: [RowStatements] {
        parked.map { $0.count > 0 ? [$0.statements] : [] } ?? []
    }

    /// What a bytea looks like, and digits or text as they are.
    private static func canonicalText(_ name: String) -> String {
        "CASE typeof(\(name)) WHEN 'blob' THEN '\\x' || lower(hex(\(name))) "
            + "ELSE CAST(\(name) AS TEXT) END"
    }

    private func condition(_ columns: [Int], _ tuples: [[[UInt8]]]) -> String {
        let names = columns.map { table.route.columns[$0].name.quotedIdentifier }
        let rows = tuples.map { tuple in zip(tuple, columns).map { literal($0, $1) } }
        if names.count == 1 {
            return "\(names[0]) IN (\(rows.flatMap(\.self).joined(separator: ", ")))"
        }
        return rows.map { row in
            "(" + zip(names, row).map { "\($0) = \($1)" }.joined(separator: " AND ") + ")"
        }.joined(separator: " OR ")
    }

    /// A value as SQL: nothing but digits is put in bare.
    private func literal(_ value: [UInt8], _ column: Int) -> String {
        let text = String(decoding: value, as: UTF8.self)
        switch table.storages[column] {
        case .integer where Int64(text) != nil: return text
        case .blob: return "x'\(text.dropFirst(2))'"
        default: return "'\(text.replacing("'", with: "''"))'"
        }
    }
}
