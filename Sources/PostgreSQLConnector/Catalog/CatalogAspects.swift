internal import ReplicationModel

/// An index and its part in the table's identity.
struct CatalogIndex {
    var index: Index
    var isPrimary: Bool
    /// Chosen by `REPLICA IDENTITY USING INDEX`.
    var isIdentity: Bool
}

extension CatalogTables {
    /// A NOT NULL that was never validated (18 and later) does not keep NULLs out of old rows.
    func columns(_ ids: [UInt32]) throws -> [UInt32: [Column]] {
        let result = try connection.query(
            """
            SELECT a.attrelid, a.attname, format_type(a.atttypid, a.atttypmod), a.atttypid,
              a.atttypmod, a.attnotnull AND NOT EXISTS (
                SELECT FROM pg_constraint k WHERE k.conrelid = a.attrelid AND k.contype = 'n'
                  AND NOT k.convalidated AND k.conkey = ARRAY[a.attnum]),
              pg_get_expr(d.adbin, d.adrelid), a.attgenerated, a.attidentity,
              cn.nspname, co.collname, CASE WHEN a.attidentity <> '' THEN
                \(Self.identityOptions) END, EXISTS (SELECT FROM pg_collation f
                WHERE f.oid = a.attcollation AND NOT f.collisdeterministic)
            FROM pg_attribute a
            JOIN pg_type t ON t.oid = a.atttypid
            LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
            LEFT JOIN pg_collation co ON co.oid = a.attcollation AND co.oid <> t.typcollation
            LEFT JOIN pg_namespace cn ON cn.oid = co.collnamespace
            WHERE a.attrelid = ANY($1::oid[]) AND a.attnum > 0 AND NOT a.attisdropped
            ORDER BY a.attrelid, a.attnum
            """, [ids.arrayLiteral])
        let types = try CatalogType.load(
            connection, Set((0..<result.rowCount).map { result.oid($0, 3) }))
        var columns: [UInt32: [Column]] = [:]
        for row in 0..<result.rowCount {
            columns[result.oid(row, 0), default: []].append(column(result, row, types))
        }
        return columns
    }

    private func column(_ result: PGResult, _ row: Int, _ types: [UInt32: CatalogType]) -> Column {
        let id = result.oid(row, 3)
        let type = ColumnType(
            declaration: result.string(row, 2), castName: types[id]?.name.quoted ?? "", id: id,
            modifier: Int32(result.integer(row, 4) ?? -1), kind: CatalogType.kind(id, in: types))
        let isGenerated = !result.string(row, 7).isEmpty
        let identity: Column.Identity? =
            switch result.string(row, 8) {
            case "a": .always
            case "d": .byDefault
            default: nil
            }
        var column = Column(
            name: result.string(row, 1), type: type, isNullable: !result.boolean(row, 5),
            defaultExpression: isGenerated ? nil : result.text(row, 6),
            generated: isGenerated ? result.text(row, 6) : nil, identity: identity,
            collation: result.name(row, 9, 10)?.quoted)
        column.isVirtual = result.string(row, 7) == "v"
        column.identityOptions = result.text(row, 11)
        column.isFolding = result.boolean(row, 12)
        return column
    }

    /// NULL for the options that an identity column has if nothing is said.
    private static let identityOptions = """
        (SELECT format('INCREMENT BY %s MINVALUE %s MAXVALUE %s START WITH %s CACHE %s %sCYCLE',
            s.seqincrement, s.seqmin, s.seqmax, s.seqstart, s.seqcache,
            CASE WHEN NOT s.seqcycle THEN 'NO ' END)
          FROM pg_depend d JOIN pg_sequence s ON s.seqrelid = d.objid
          WHERE d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass
            AND d.refobjid = a.attrelid AND d.refobjsubid = a.attnum AND d.deptype = 'i'
            AND (s.seqincrement, s.seqmin, s.seqmax, s.seqstart, s.seqcache, s.seqcycle)
              IS DISTINCT FROM (1, 1, CASE a.atttypid WHEN 'int2'::regtype THEN 32767
                WHEN 'int4'::regtype THEN 2147483647 ELSE 9223372036854775807 END, 1, 1, false))
        """

    /// Valid indexes. "Plain" also asks for a b-tree with each column's default order and own
    /// collation: only such an index gives the order in which chunks are cut.
    func indexes(_ ids: [UInt32]) throws -> [UInt32: [CatalogIndex]] {
        let result = try connection.query(
            """
            SELECT i.indrelid, x.relname, i.indisprimary, i.indisreplident,
              i.indisunique OR i.indisexclusion, k.oid IS NOT NULL, NOT i.indimmediate,
              i.indisunique AND i.indimmediate AND i.indpred IS NULL AND i.indexprs IS NULL
                AND am.amname = 'btree'
                AND NOT EXISTS (SELECT FROM unnest(i.indclass::oid[]) u(oid)
                  JOIN pg_opclass oc ON oc.oid = u.oid WHERE NOT oc.opcdefault)
                AND NOT EXISTS (SELECT FROM unnest(i.indkey::int2[], i.indcollation::oid[])
                    u(attnum, coll)
                  JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = u.attnum
                  WHERE u.coll <> a.attcollation),
              CASE WHEN i.indexprs IS NULL THEN (
                SELECT json_agg(a.attname ORDER BY u.at)
                FROM unnest(i.indkey::int2[]) WITH ORDINALITY u(attnum, at)
                JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = u.attnum
                WHERE u.at <= i.indnkeyatts) END,
              CASE WHEN k.oid IS NULL THEN substr(pg_get_indexdef(i.indexrelid), 1 + length(
                  format('CREATE %sINDEX %I ON %s%I.%I ',
                    CASE WHEN i.indisunique THEN 'UNIQUE ' END,
                    x.relname, CASE WHEN c.relkind = 'p' THEN 'ONLY ' END, n.nspname, c.relname)))
                ELSE pg_get_constraintdef(k.oid) END
            FROM pg_index i
            JOIN pg_class x ON x.oid = i.indexrelid
            JOIN pg_class c ON c.oid = i.indrelid
            JOIN pg_namespace n ON n.oid = c.relnamespace
            JOIN pg_am am ON am.oid = x.relam
            LEFT JOIN pg_constraint k ON k.conindid = i.indexrelid AND k.conrelid = i.indrelid
              AND k.contype IN ('p', 'u', 'x')
            WHERE i.indrelid = ANY($1::oid[]) AND i.indisvalid AND i.indislive
            ORDER BY i.indrelid, x.relname
            """, [ids.arrayLiteral])
        var indexes: [UInt32: [CatalogIndex]] = [:]
        for row in 0..<result.rowCount {
            indexes[result.oid(row, 0), default: []].append(index(result, row))
        }
        return indexes
    }

    private func index(_ result: PGResult, _ row: Int) -> CatalogIndex {
        var index = Index(
            name: result.string(row, 1), columns: result.names(row, 8),
            isUnique: result.boolean(row, 4), isConstraint: result.boolean(row, 5),
            definition: result.string(row, 9))
        index.isDeferrable = result.boolean(row, 6)
        index.isPlain = result.boolean(row, 7)
        return CatalogIndex(
            index: index, isPrimary: result.boolean(row, 2), isIdentity: result.boolean(row, 3))
    }

    /// `conparentid = 0` leaves out the copies that the server keeps for each partition.
    func foreignKeys(_ ids: [UInt32]) throws -> [UInt32: [ForeignKey]] {
        let names = { (relation: String, numbers: String) in
            """
            (SELECT json_agg(a.attname ORDER BY u.at)
              FROM unnest(\(numbers)) WITH ORDINALITY u(attnum, at)
              JOIN pg_attribute a ON a.attrelid = \(relation) AND a.attnum = u.attnum)
            """
        }
        let result = try connection.query(
            """
            SELECT k.conrelid, k.conname, \(names("k.conrelid", "k.conkey")), n.nspname, c.relname,
              \(names("k.confrelid", "k.confkey")), pg_get_constraintdef(k.oid),
              k.confdeltype IN ('c', 'n', 'd') OR k.confupdtype IN ('c', 'n', 'd'), k.condeferrable
            FROM pg_constraint k JOIN pg_class c ON c.oid = k.confrelid
            JOIN pg_namespace n ON n.oid = c.relnamespace
            WHERE k.conrelid = ANY($1::oid[]) AND k.contype = 'f' AND k.conparentid = 0
            ORDER BY k.conrelid, k.conname
            """, [ids.arrayLiteral])
        var keys: [UInt32: [ForeignKey]] = [:]
        for row in 0..<result.rowCount {
            keys[result.oid(row, 0), default: []].append(
                ForeignKey(
                    name: result.string(row, 1), columns: result.names(row, 2),
                    referenced: TableName(
                        schema: result.string(row, 3), name: result.string(row, 4)),
                    referencedColumns: result.names(row, 5), definition: result.string(row, 6),
                    changesRows: result.boolean(row, 7), isDeferrable: result.boolean(row, 8)))
        }
        return keys
    }

    func checks(_ ids: [UInt32]) throws -> [UInt32: [CheckConstraint]] {
        let result = try connection.query(
            """
            SELECT k.conrelid, k.conname, pg_get_constraintdef(k.oid) FROM pg_constraint k
            WHERE k.conrelid = ANY($1::oid[]) AND k.contype = 'c' ORDER BY k.conrelid, k.conname
            """, [ids.arrayLiteral])
        var checks: [UInt32: [CheckConstraint]] = [:]
        for row in 0..<result.rowCount {
            checks[result.oid(row, 0), default: []].append(
                CheckConstraint(name: result.string(row, 1), definition: result.string(row, 2)))
        }
        return checks
    }
}
