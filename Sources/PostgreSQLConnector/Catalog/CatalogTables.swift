internal import ReplicationModel

/// Reads `TableSchema` from `pg_catalog`: one query per aspect for all tables.
///
/// The session's empty `search_path` makes `format_type`, `pg_get_expr` and their like qualify
/// every name that is not the system's own.
struct CatalogTables {
    let connection: PGConnection

    /// Ordinary tables and partitioned roots that are neither the system's, an extension's nor
    /// Martlet's own (P35). Unlogged ones are listed, so that the preflight can refuse them by
    /// name.
    func list() throws -> [TableName] {
        let result = try connection.run(
            """
            SELECT n.nspname, c.relname
            FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
            WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relpersistence <> 't'
              AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'martlet')
              AND n.nspname NOT LIKE 'pg\\_toast%' AND n.nspname NOT LIKE 'pg\\_temp%'
              AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass
                AND d.objid = c.oid AND d.deptype = 'e')
            """)
        return (0..<result.rowCount).compactMap { result.name($0, 0, 1) }.sorted()
    }

    /// The tables in the order given; throws if one of them is not there.
    func describe(_ names: [TableName]) throws -> [TableSchema] {
        try connection.reading {
            var tables = try heads(names)
            let ids = tables.map(\.schema.id)
            let columns = try columns(ids)
            let indexes = try indexes(ids)
            let keys = try foreignKeys(ids)
            let checks = try checks(ids)
            let functions = try functions(ids)
            for at in tables.indices {
                let id = tables[at].schema.id
                tables[at].schema.columns = columns[id] ?? []
                tables[at].schema.foreignKeys = keys[id] ?? []
                tables[at].schema.checks = checks[id] ?? []
                tables[at].schema.functions = functions[id] ?? []
                tables[at].setIndexes(indexes[id] ?? [])
            }
            return tables.map(\.schema)
        }
    }

    func fingerprints(_ ids: [UInt32]) throws -> [UInt32: String] {
        let result = try connection.query(
            """
            SELECT c.oid, \(CatalogFingerprint.expression("c")) FROM pg_class c
            WHERE c.oid = ANY($1::oid[]) AND c.relkind IN ('r', 'p')
            """, [ids.arrayLiteral])
        var found: [UInt32: String] = [:]
        for row in 0..<result.rowCount { found[result.oid(row, 0)] = result.string(row, 1) }
        return found
    }

    /// Rows and bytes are estimates: the planner's density times the size of now; a table that was
    /// never analysed counts as rows of 100 bytes.
    private func heads(_ names: [TableName]) throws -> [Head] {
        let result = try connection.query(
            """
            SELECT w.s, w.t, c.oid, c.relkind, c.relreplident, e.rows, e.bytes,
              CASE WHEN c.oid IS NOT NULL THEN \(CatalogFingerprint.expression("c")) END
            FROM unnest($1::text[], $2::text[]) WITH ORDINALITY w(s, t, at)
            LEFT JOIN pg_namespace n ON n.nspname = w.s
            LEFT JOIN pg_class c
              ON c.relnamespace = n.oid AND c.relname = w.t AND c.relkind IN ('r', 'p')
            LEFT JOIN LATERAL (
              SELECT sum(CASE WHEN l.reltuples < 0 OR l.relpages = 0 THEN size.heap / 100
                ELSE l.reltuples / l.relpages * (size.heap / current_setting('block_size')::int)
                END)::int8 AS rows, sum(pg_table_size(l.oid))::int8 AS bytes
              FROM (
                SELECT c.oid WHERE c.relkind = 'r'
                UNION ALL
                SELECT tree.relid FROM pg_partition_tree(c.oid) tree
                WHERE c.relkind = 'p' AND tree.isleaf
              ) leaf(oid)
              JOIN pg_class l ON l.oid = leaf.oid AND l.relkind = 'r',
              LATERAL (SELECT pg_relation_size(l.oid)::float8 AS heap) size
            ) e ON true
            ORDER BY w.at
            """, [names.map(\.schema).arrayLiteral, names.map(\.name).arrayLiteral])
        return try (0..<result.rowCount).map { try head(result, $0) }
    }

    private func head(_ result: PGResult, _ row: Int) throws -> Head {
        let name = TableName(schema: result.string(row, 0), name: result.string(row, 1))
        guard result.text(row, 2) != nil else {
            throw ReplicationError(
                .unfitSchema, "describe a table of the source", table: name,
                why: "there is no such table",
                try: "correct `tables` in the pipeline file")
        }
        var schema = TableSchema(
            id: result.oid(row, 2), name: name, columns: [], replicaIdentity: .nothing)
        schema.isPartitioned = result.text(row, 3) == "p"
        schema.estimatedRows = result.integer(row, 5) ?? 0
        schema.estimatedBytes = result.integer(row, 6) ?? 0
        schema.fingerprint = result.string(row, 7)
        return Head(schema: schema, identity: result.string(row, 4))
    }
}

/// A table while it is put together.
private struct Head {
    var schema: TableSchema
    /// `pg_class.relreplident`.
    var identity: String

    mutating func setIndexes(_ all: [CatalogIndex]) {
        schema.primaryKey = all.first(where: \.isPrimary)?.index
        schema.indexes = all.filter { !$0.isPrimary }.map(\.index)
        schema.replicaIdentity = effectiveIdentity(all)
    }

    /// What the server really logs: a deferrable primary key is no identity (P08), neither is an
    /// index that was dropped (P09).
    private func effectiveIdentity(_ all: [CatalogIndex]) -> ReplicaIdentity {
        switch identity {
        case "f": return .full
        case "d":
            let key = all.first(where: \.isPrimary)
            return key.map { !$0.index.isDeferrable } == true ? .primaryKey : .nothing
        case "i": return all.first(where: \.isIdentity).map { .index($0.index.name) } ?? .nothing
        default: return .nothing
        }
    }
}
