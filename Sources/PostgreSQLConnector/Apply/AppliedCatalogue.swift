internal import ReplicationEngine
internal import ReplicationModel

/// What the target's catalogue says of one table, as far as applying needs it.
struct AppliedCatalogue {
    var columns: [String: AppliedColumn] = [:]
    var isPartitioned: Bool
    /// Triggers or rules that act although the session is a replica.
    var firesTriggers: Bool
    /// Unique, valid, immediate, whole-table indexes without expressions.
    var uniqueKeys: [Set<String>] = []
    /// Columns of deferrable unique constraints.
    var deferredKeys: [[String]] = []

    init(_ table: TableName, on connection: PGConnection) throws {
        let place: [String?] = [table.schema, table.name]
        let found = try connection.query(Self.tableSQL, place)
        guard found.rowCount == 1, let oid = found.text(0, 0) else {
            throw ReplicationError(
                .unfitSchema, "open the target table", table: table,
                why: "there is no such table at the target",
                try: "create it, or let `martlet run` create it in an empty target")
        }
        isPartitioned = found.text(0, 1) == "p"
        firesTriggers = found.boolean(0, 2)
        let rows = try connection.query(Self.columnSQL, [oid])
        for row in 0..<rows.rowCount {
            let column = try Self.column(rows, row, of: table)
            columns[column.name] = column
        }
        let keys = try connection.query(Self.keySQL, [oid])
        for row in 0..<keys.rowCount {
            let names = keys.text(row, 0).flatMap { PGArray.elements(parsing: $0) } ?? []
            if keys.boolean(row, 1) {
                uniqueKeys.append(Set(names))
            } else {
                deferredKeys.append(names)
            }
        }
    }

    /// That of a staging table: the columns that the route carries, and its key.
    func staging(_ route: TableRoute) -> AppliedCatalogue {
        var staging = self
        staging.columns = columns.filter { name, _ in route.columns.contains { $0.name == name } }
        for name in staging.columns.keys { staging.columns[name]?.isAlwaysIdentity = false }
        staging.isPartitioned = false
        staging.firesTriggers = false
        staging.uniqueKeys = route.isKeyless ? [] : [Set(route.keyColumns.map(\.name))]
        staging.deferredKeys = []
        return staging
    }

    private static func column(
        _ rows: PGResult, _ row: Int, of table: TableName
    ) throws -> AppliedColumn {
        guard let name = rows.text(row, 0), let type = rows.integer(row, 1),
            let modifier = rows.integer(row, 2), let cast = rows.text(row, 8)
        else {
            throw ReplicationError(
                .internalFault, "read the target's catalogue", table: table,
                why: "a column without name or type")
        }
        return AppliedColumn(
            name: name, type: UInt32(truncatingIfNeeded: type),
            modifier: Int32(truncatingIfNeeded: modifier), isDomain: rows.boolean(row, 3),
            isEnumeration: rows.boolean(row, 4), isGenerated: rows.boolean(row, 5),
            isAlwaysIdentity: rows.boolean(row, 6), isFolding: rows.boolean(row, 7),
            castName: cast, equality: rows.text(row, 9).map { "OPERATOR(\($0).=)" })
    }

    private static let tableSQL = """
        SELECT c.oid, c.relkind, \
        EXISTS (SELECT FROM pg_trigger g WHERE g.tgenabled IN ('A', 'R') AND NOT g.tgisinternal \
        AND (g.tgrelid = c.oid OR g.tgrelid IN (SELECT p.relid FROM pg_partition_tree(c.oid) p))) \
        OR EXISTS (SELECT FROM pg_rewrite r \
        WHERE r.ev_class = c.oid AND r.ev_enabled IN ('A', 'R')) \
        FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
        WHERE n.nspname = $1 AND c.relname = $2 AND c.relkind IN ('r', 'p')
        """

    /// A domain is followed down to the type it is made of. The operator is that of the type's
    /// default btree class; types without a class of their own (arrays, ranges, enums, varchar)
    /// share one of pg_catalog.
    private static let columnSQL = """
        SELECT a.attname, b.id, a.atttypmod, t.typtype = 'd', b.kind = 'e', a.attgenerated <> '', \
        a.attidentity = 'a', NOT coalesce(l.collisdeterministic, true), \
        quote_ident(b.schema) || '.' || quote_ident(b.name), \
        coalesce(o.place, CASE WHEN b.id IN (1043, 1560, 1562) OR b.kind IN ('e', 'r', 'm', 'c') \
        OR b.category = 'A' THEN 'pg_catalog' END) \
        FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid \
        LEFT JOIN pg_collation l ON l.oid = a.attcollation \
        CROSS JOIN LATERAL (WITH RECURSIVE d AS (SELECT t.oid, t.typtype, t.typbasetype, \
        t.typname, t.typnamespace, t.typcategory UNION ALL SELECT s.oid, s.typtype, s.typbasetype, \
        s.typname, s.typnamespace, s.typcategory FROM d JOIN pg_type s ON s.oid = d.typbasetype \
        WHERE d.typtype = 'd') SELECT d.oid AS id, d.typtype AS kind, d.typname AS name, \
        n.nspname AS schema, d.typcategory AS category \
        FROM d JOIN pg_namespace n ON n.oid = d.typnamespace WHERE d.typtype <> 'd') b \
        LEFT JOIN LATERAL (SELECT quote_ident(n.nspname) AS place FROM pg_opclass c \
        JOIN pg_am m ON m.oid = c.opcmethod AND m.amname = 'btree' \
        JOIN pg_amop x ON x.amopfamily = c.opcfamily AND x.amoplefttype = c.opcintype \
        AND x.amoprighttype = c.opcintype AND x.amopstrategy = 3 \
        JOIN pg_operator p ON p.oid = x.amopopr JOIN pg_namespace n ON n.oid = p.oprnamespace \
        WHERE c.opcdefault AND c.opcintype = b.id) o ON true \
        WHERE a.attrelid = $1::oid AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum
        """

    private static let keySQL = """
        SELECT array_agg(a.attname::text), i.indimmediate FROM pg_index i \
        CROSS JOIN generate_series(0, i.indnkeyatts - 1) k \
        JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[k] \
        WHERE i.indrelid = $1::oid AND i.indisunique AND i.indisvalid \
        AND i.indpred IS NULL AND i.indexprs IS NULL GROUP BY i.indexrelid
        """
}
