internal import ReplicationEngine
package import ReplicationModel

extension MySQLApplier {
    package func keys(
        route: Int, where columns: [Int], among tuples: [[[UInt8]]], after: Key?, limit: Int
    ) throws -> [Key] {
        let table = tables[route]
        let key = table.route.key
        do {
            let rows = try tuples.map { try table.literals($0, of: columns) }
            let names = columns.map { table.names[$0] }
            var condition =
                names.count == 1
                ? "\(names[0]) IN (\(rows.flatMap(\.self).joined(separator: ",")))"
                : "(" + rows.map { table.equal(names, $0) }.joined(separator: " OR ") + ")"
            let order = key.map { table.names[$0] }.joined(separator: ", ")
            if let after {
                let values = try table.literals(after.values, of: key).joined(separator: ", ")
                condition += " AND (\(order)) > (\(values))"
            }
            let list = key.map(table.canonicalText).joined(separator: ", ")
            let found = try connection.query(
                "SELECT \(list) FROM \(table.place) WHERE \(condition) ORDER BY \(order)"
                    + " LIMIT \(limit)")
            return found.rows.map { row in Key(texts: row.map { $0 ?? "" }) }
        } catch { throw told(error, "find rows by a foreign key", table.name) }
    }
}

extension AppliedTable {
    /// Values of these columns as SQL.
    fileprivate func literals(_ values: [[UInt8]], of columns: [Int]) throws -> [String] {
        try zip(values, columns).map { value, column in
            var text: [UInt8] = []
            try value.withUnsafeBytes { bytes in
                do throws(ValueFault) {
                    try codings[column].appendLiteral(bytes, to: &text)
                } catch { throw ColumnFault(fault: error, column: column) }
            }
            return String(decoding: text, as: UTF8.self)
        }
    }

    fileprivate func equal(_ names: [String], _ values: [String]) -> String {
        "(" + zip(names, values).map { "\($0) = \($1)" }.joined(separator: " AND ") + ")"
    }

    /// The column as the source's canonical text.
    fileprivate func canonicalText(_ column: Int) -> String {
        codings[column] == .bytes
            ? "CONCAT('\\\\x', LOWER(HEX(\(names[column]))))"
            : "CONVERT(\(names[column]) USING utf8mb4)"
    }
}
