internal import ReplicationModel

/// What a preflight asks of a table beside its schema.
struct TableFacts {
    var table: TableSchema
    var isReadable: Bool
    var isSchemaUsable: Bool
    var isOwned: Bool
    var isUnlogged: Bool
    var hasRowSecurity: Bool
    /// Row level security filters what this role reads.
    var isFiltered: Bool
    /// Tables that inherit from this one (not partitions).
    var children: Int64
    /// Partitions that are foreign or unlogged tables: their changes are not in the log.
    var strayPartitions: [String]
    /// Functions that defaults, checks, indexes or generated columns call and no extension owns.
    var functions: [String]
    /// Columns without any equality (json, xml, point).
    var incomparable: [String]
    /// Columns of a table's row type, of a type written in C, or of a range with `canonical`.
    var foreign: [String]

    static func load(_ connection: PGConnection, _ tables: [TableSchema]) throws -> [TableFacts] {
        let result = try connection.query(query, [tables.map(\.id).arrayLiteral])
        let byID = Dictionary(tables.map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first })
        var facts: [UInt32: TableFacts] = [:]
        for row in 0..<result.rowCount {
            guard let table = byID[result.oid(row, 0)] else { continue }
            facts[table.id] = TableFacts(
                table: table, isReadable: result.boolean(row, 1),
                isSchemaUsable: result.boolean(row, 2), isOwned: result.boolean(row, 3),
                isUnlogged: result.boolean(row, 4), hasRowSecurity: result.boolean(row, 5),
                isFiltered: result.boolean(row, 6), children: result.integer(row, 7) ?? 0,
                strayPartitions: result.names(row, 8), functions: result.names(row, 9),
                incomparable: result.names(row, 10), foreign: result.names(row, 11))
        }
        return tables.compactMap { facts[$0.id] }
    }

    private static let query = """
        SELECT c.oid,
          has_any_column_privilege(c.oid, 'SELECT') AND has_table_privilege(c.oid, 'SELECT'),
          has_schema_privilege(c.relnamespace, 'USAGE'), pg_has_role(c.relowner, 'USAGE'),
          c.relpersistence = 'u', c.relrowsecurity, row_security_active(c.oid), (
          SELECT count(*) FROM pg_inherits i WHERE i.inhparent = c.oid AND c.relkind = 'r'), (
          SELECT json_agg(p.oid::regclass::text ORDER BY p.oid) FROM pg_partition_tree(c.oid) tree
            JOIN pg_class p ON p.oid = tree.relid
            WHERE c.relkind = 'p' AND (p.relkind = 'f' OR p.relpersistence = 'u')), (
          \(functionsQuery)), (
          SELECT json_agg(a.attname ORDER BY a.attnum) FROM pg_attribute a, LATERAL (\(baseType)) b
            WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
              AND b.typtype = 'b' AND NOT EXISTS (SELECT FROM pg_opclass oc
                JOIN pg_am am ON am.oid = oc.opcmethod AND am.amname IN ('btree', 'hash')
                WHERE oc.opcdefault AND (oc.opcintype = b.oid OR b.typcategory = 'A'
                  OR EXISTS (SELECT FROM pg_cast k WHERE k.castsource = b.oid
                    AND k.casttarget = oc.opcintype AND k.castmethod = 'b'
                    AND k.castcontext = 'i')))), (
          \(foreignQuery))
        FROM pg_class c WHERE c.oid = ANY($1::oid[])
        """

    private static let baseType = """
        WITH RECURSIVE base(oid) AS (
          SELECT a.atttypid
          UNION ALL
          SELECT t.typbasetype FROM base JOIN pg_type t ON t.oid = base.oid WHERE t.typtype = 'd')
        SELECT t.* FROM base JOIN pg_type t ON t.oid = base.oid WHERE t.typtype <> 'd'
        """

    private static let functionsQuery = """
        SELECT json_agg(DISTINCT p.oid::regprocedure::text) FROM (
            SELECT 'pg_attrdef'::regclass, d.oid FROM pg_attrdef d WHERE d.adrelid = c.oid
            UNION ALL SELECT 'pg_constraint'::regclass, k.oid FROM pg_constraint k
              WHERE k.conrelid = c.oid
            UNION ALL SELECT 'pg_class'::regclass, i.indexrelid FROM pg_index i
              WHERE i.indrelid = c.oid) o(classid, objid)
          JOIN pg_depend d ON d.classid = o.classid AND d.objid = o.objid
            AND d.refclassid = 'pg_proc'::regclass
          JOIN pg_proc p ON p.oid = d.refobjid
          WHERE p.pronamespace <> 'pg_catalog'::regnamespace
            AND NOT EXISTS (SELECT FROM pg_depend e WHERE e.classid = 'pg_proc'::regclass
              AND e.objid = p.oid AND e.deptype = 'e')
        """

    /// Looks through arrays and domains, not into composites.
    private static let foreignQuery = """
        SELECT json_agg(a.attname ORDER BY a.attnum) FROM pg_attribute a
          JOIN pg_type t ON t.oid = a.atttypid
          JOIN pg_type e ON e.oid = CASE WHEN t.typelem <> 0 AND t.typlen = -1 THEN t.typelem
            WHEN t.typbasetype <> 0 THEN t.typbasetype ELSE t.oid END
          LEFT JOIN pg_class row ON row.oid = e.typrelid
          LEFT JOIN pg_range r ON r.rngtypid = e.oid
          WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
            AND e.typnamespace NOT IN ('pg_catalog'::regnamespace,
              'information_schema'::regnamespace)
            AND NOT EXISTS (SELECT FROM pg_depend x WHERE x.classid = 'pg_type'::regclass
              AND x.objid = e.oid AND x.deptype = 'e')
            AND (row.relkind <> 'c' OR e.typtype = 'b' AND e.typelem = 0 OR r.rngcanonical <> 0)
        """
}

/// A partition whose own replica identity is not what its root says. The log carries what the
/// partition gives, described as the root's.
struct LeafIdentity {
    var name: TableName
    var root: TableName
    /// `REPLICA IDENTITY ...` that brings the partition in line.
    var wanted: String
    /// Still differs when a root without identity becomes FULL.
    var differsAfterInstall: Bool
    var differs: Bool
}

extension TableFacts {
    static func leaves(_ connection: PGConnection, _ tables: [TableSchema]) throws -> [LeafIdentity]
    {
        let roots = tables.filter(\.isPartitioned)
        guard !roots.isEmpty else { return [] }
        let result = try connection.query(
            """
            SELECT c.oid, n.nspname, p.relname, p.relreplident, (
              SELECT json_agg(a.attname ORDER BY u.at) FROM pg_index i,
                unnest(i.indkey::int2[]) WITH ORDINALITY u(attnum, at), pg_attribute a
              WHERE i.indrelid = p.oid AND i.indisvalid AND i.indimmediate
                AND u.at <= i.indnkeyatts AND a.attrelid = p.oid AND a.attnum = u.attnum
                AND CASE p.relreplident WHEN 'd' THEN i.indisprimary
                  WHEN 'i' THEN i.indisreplident END)
            FROM pg_class c, pg_partition_tree(c.oid) tree
            JOIN pg_class p ON p.oid = tree.relid JOIN pg_namespace n ON n.oid = p.relnamespace
            WHERE c.oid = ANY($1::oid[]) AND tree.isleaf AND p.relkind = 'r' ORDER BY 1, 2, 3
            """, [roots.map(\.id).arrayLiteral])
        return (0..<result.rowCount).compactMap { row in
            guard let root = roots.first(where: { $0.id == result.oid(row, 0) }) else { return nil }
            return leaf(
                root, TableName(schema: result.string(row, 1), name: result.string(row, 2)),
                isFull: result.text(row, 3) == "f", columns: result.names(row, 4))
        }
    }

    private static func leaf(
        _ root: TableSchema, _ name: TableName, isFull: Bool, columns: [String]
    ) -> LeafIdentity {
        let agrees: Bool
        var wanted = "REPLICA IDENTITY FULL"
        switch root.replicaIdentity {
        case .full, .nothing: agrees = isFull
        case .primaryKey:
            agrees = !isFull && columns == root.primaryKey?.columns
            wanted = "REPLICA IDENTITY DEFAULT"
        case .index(let index):
            let key = root.indexes.first { $0.name == index }?.columns ?? []
            agrees = !isFull && columns == key
            let list = key.joined(separator: ", ")
            wanted = "REPLICA IDENTITY USING INDEX its index of (\(list))"
        }
        let isIndex = if case .index = root.replicaIdentity { true } else { false }
        return LeafIdentity(
            name: name, root: root.name, wanted: wanted, differsAfterInstall: !agrees && !isIndex,
            differs: !agrees && root.replicaIdentity != .nothing)
    }
}
