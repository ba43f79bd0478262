internal import Foundation
internal import ReplicationEngine
package import ReplicationModel

extension PGApplier {
    package func keys(
        route: Int, where columns: [Int], among tuples: [[[UInt8]]], after: Key?, limit: Int
    ) throws -> [Key] {
        let table = tables[route]
        let keys = table.route.key.map { table.columns[$0] }
        let list = keys.map(\.quoted)
        let behind = after.map { key in
            let values = zip(key.texts, keys).map(Self.literal)
            return " WHERE (\(list.joined(separator: ", "))) > (\(values.joined(separator: ", ")))"
        }
        // OFFSET 0: the planner must not walk along the key to find the first rows of the page.
        let sql = """
            SELECT \(list.map { "CAST(\($0) AS text)" }.joined(separator: ", ")) FROM \
            (SELECT \(list.joined(separator: ", ")) FROM \(table.relation) AS t \
            WHERE \(Self.condition(columns.map { table.columns[$0] }, tuples)) OFFSET 0) AS t\
            \(behind ?? "") ORDER BY \(list.joined(separator: ", ")) LIMIT \(limit)
            """
        do {
            let found = try connection.run(sql)
            return (0..<found.rowCount).map { row in
                Key(texts: keys.indices.map { found.text(row, $0) ?? "" })
            }
        } catch { throw placed(error, table) }
    }

    private static func condition(_ columns: [AppliedColumn], _ tuples: [[[UInt8]]]) -> String {
        let rows = tuples.map { tuple in
            zip(tuple, columns).map { literal(String(decoding: $0, as: UTF8.self), $1) }
        }
        if let column = columns.first, columns.count == 1 {
            return "t.\(column.quoted) IN (\(rows.flatMap(\.self).joined(separator: ", ")))"
        }
        return rows.map { row in
            let terms = zip(columns, row).map { "t.\($0.quoted) = \($1)" }
            return "(\(terms.joined(separator: " AND ")))"
        }.joined(separator: " OR ")
    }

    private static func literal(_ text: String, _ column: AppliedColumn) -> String {
        "CAST('\(text.replacing("'", with: "''"))' AS \(column.castName))"
    }
}
