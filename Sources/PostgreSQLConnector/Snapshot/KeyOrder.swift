internal import ReplicationEngine
internal import ReplicationModel

/// SQL that compares a table's keys exactly as its key index does.
///
/// Values come as text. A literal is cast to the key's *base* type: a cast to a domain would run
/// the domain's checks, which old rows need not pass. Every comparison names the column's collation
/// and the operator's schema: under the empty `search_path` a bare `>` of an extension's type
/// (citext) silently resolves to the operator of `text`.
struct KeyOrder {
    struct Column {
        var name: String
        /// Base type, quoted, without modifiers.
        var type: String
        var collation: String?
        var operatorSchema: String
    }

    let columns: [Column]

    /// - Throws: `.unseenSchemaChange` if a key column is not there any more.
    static func load(_ connection: PGConnection, _ route: TableRoute) throws -> KeyOrder {
        let names = route.keyColumns.map(\.name)
        let result = try connection.query(
            query, [String(route.source.id), names.arrayLiteral])
        guard result.rowCount == names.count else {
            throw ReplicationError(
                .unseenSchemaChange, "read the key of a table", table: route.source.name,
                why: "a key column is not there any more",
                try: "martlet reload PIPELINE --table \(route.source.name)")
        }
        return KeyOrder(
            columns: (0..<names.count).map { row in
                Column(
                    name: names[row].quotedIdentifier,
                    type: result.name(row, 0, 1)?.quoted ?? "",
                    collation: result.name(row, 2, 3)?.quoted,
                    operatorSchema: result.text(row, 4) ?? "pg_catalog")
            })
    }

    /// The schema of `>` is that of the default b-tree operator class, the one a key index uses.
    /// Types without one of their own (varchar, enums, ranges, arrays) use the system's operators.
    private static let query = """
        SELECT bn.nspname, b.typname, cn.nspname, co.collname, (
          SELECT opn.nspname FROM pg_opclass oc
          JOIN pg_am am ON am.oid = oc.opcmethod AND am.amname = 'btree'
          JOIN pg_amop ao ON ao.amopfamily = oc.opcfamily AND ao.amoplefttype = oc.opcintype
            AND ao.amoprighttype = oc.opcintype AND ao.amopstrategy = 5
          JOIN pg_operator op ON op.oid = ao.amopopr
          JOIN pg_namespace opn ON opn.oid = op.oprnamespace
          WHERE oc.opcdefault AND oc.opcintype = b.oid)
        FROM unnest($2::text[]) WITH ORDINALITY w(name, at)
        JOIN pg_attribute a
          ON a.attrelid = $1::oid AND a.attname = w.name AND a.attnum > 0 AND NOT a.attisdropped
        JOIN LATERAL (
          WITH RECURSIVE base(oid) AS (
            SELECT a.atttypid
            UNION ALL
            SELECT t.typbasetype FROM base JOIN pg_type t ON t.oid = base.oid WHERE t.typtype = 'd')
          SELECT t.* FROM base JOIN pg_type t ON t.oid = base.oid WHERE t.typtype <> 'd') b ON true
        JOIN pg_namespace bn ON bn.oid = b.typnamespace
        LEFT JOIN pg_collation co ON co.oid = a.attcollation
        LEFT JOIN pg_namespace cn ON cn.oid = co.collnamespace
        ORDER BY w.at
        """

    // MARK: Conditions

    /// `lower < key <= upper` for rows of the alias; nil for a range without bounds. Bounds that
    /// are equal mean that one key (a key-chunk, DESIGN 6.7).
    func condition(_ alias: String, _ range: KeyRange) -> String? {
        if let key = range.upper?.texts, range.lower == range.upper {
            return columns.indices.map { compare(alias, $0, "=", key) }.joined(separator: " AND ")
        }
        let bounds = [
            range.lower.map { after(alias, $0.texts) },
            range.upper.map { through(alias, $0.texts) },
        ].compactMap { $0 }
        return bounds.isEmpty ? nil : bounds.joined(separator: " AND ")
    }

    func list(_ alias: String) -> String {
        columns.map { "\(alias).\($0.name)" }.joined(separator: ", ")
    }

    /// Row comparison where all operators are in one schema: an index serves it directly. Else the
    /// same spelt out, with a bound on the first column for the index.
    private func after(_ alias: String, _ values: [String]) -> String {
        if let row = row(alias, ">", values) { return row }
        return compare(alias, 0, ">=", values) + " AND " + spelt(alias, 0, values)
    }

    private func through(_ alias: String, _ values: [String]) -> String {
        if let row = row(alias, "<=", values) { return row }
        return compare(alias, 0, "<=", values) + " AND NOT " + spelt(alias, 0, values)
    }

    private func row(_ alias: String, _ sign: String, _ values: [String]) -> String? {
        guard columns.count > 1 else { return compare(alias, 0, sign, values) }
        guard Set(columns.map(\.operatorSchema)).count == 1 else { return nil }
        let literals = columns.indices.map { literal($0, values) }.joined(separator: ", ")
        return "ROW(\(list(alias))) \(name(sign, 0)) ROW(\(literals))"
    }

    private func spelt(_ alias: String, _ at: Int, _ values: [String]) -> String {
        let greater = compare(alias, at, ">", values)
        guard at + 1 < columns.count else { return "(\(greater))" }
        let equal = compare(alias, at, "=", values)
        return "(\(greater) OR \(equal) AND \(spelt(alias, at + 1, values)))"
    }

    private func compare(_ alias: String, _ at: Int, _ sign: String, _ values: [String]) -> String {
        "(\(alias).\(columns[at].name) \(name(sign, at)) \(literal(at, values)))"
    }

    private func name(_ sign: String, _ at: Int) -> String {
        "OPERATOR(\(columns[at].operatorSchema.quotedIdentifier).\(sign))"
    }

    private func literal(_ at: Int, _ values: [String]) -> String {
        values[at].quotedLiteral + "::" + columns[at].type + collate(at)
    }

    private func collate(_ at: Int) -> String {
        columns[at].collation.map { " COLLATE " + $0 } ?? ""
    }

    // MARK: Placing keys

    /// For keys `$1...$n` (one array per key column) and cuts `$n+1...$2n`: how many cuts are
    /// strictly below each key, in the keys' order.
    ///
    /// One sort of keys and cuts by the key's own order, keys before cuts that equal them, and a
    /// running count of cuts: no comparison of every key with every cut.
    var placement: String {
        let count = columns.count
        let names = (0..<count).map { "k\($0)" }
        func rows(_ first: Int, _ isCut: Int) -> String {
            let arrays = (0..<count).map { "$\(first + $0)::text[]" }.joined(separator: ", ")
            let values = (0..<count).map { "\(names[$0])::\(columns[$0].type) AS v\($0)" }
            return
                "SELECT at, \(isCut) AS cut, \(values.joined(separator: ", ")) "
                + "FROM unnest(\(arrays)) "
                + "WITH ORDINALITY u(\(names.joined(separator: ", ")), at)"
        }
        let order = (0..<count).map { "v\($0)" + collate($0) }.joined(separator: ", ")
        return """
            SELECT below FROM (
              SELECT at, cut, sum(cut) OVER (ORDER BY \(order), cut
                ROWS UNBOUNDED PRECEDING) AS below
              FROM (\(rows(1, 0)) UNION ALL \(rows(1 + count, 1))) u) placed
            WHERE cut = 0 ORDER BY at
            """
    }

    func parameters(_ keys: [Key], _ cuts: [Key]) -> [String?] {
        [keys, cuts].flatMap { list in
            columns.indices.map { at in list.map { $0.texts[at] }.arrayLiteral }
        }
    }
}
