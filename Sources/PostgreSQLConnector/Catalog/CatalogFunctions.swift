internal import ReplicationModel

extension CatalogTables {
    /// Functions outside the system and its extensions that the table cannot be made without. What
    /// a type of its own is made of is followed down to its domains' checks.
    func functions(_ ids: [UInt32]) throws -> [UInt32: [String]] {
        let result = try connection.query(
            """
            WITH RECURSIVE need(relid, type) AS (
              SELECT a.attrelid, a.atttypid FROM pg_attribute a
              WHERE a.attrelid = ANY($1::oid[]) AND a.attnum > 0 AND NOT a.attisdropped
              UNION
              SELECT need.relid, part.oid FROM need JOIN pg_type t ON t.oid = need.type, LATERAL (
                SELECT t.typelem WHERE t.typelem <> 0
                UNION ALL SELECT t.typbasetype WHERE t.typbasetype <> 0
                UNION ALL SELECT a.atttypid FROM pg_attribute a WHERE a.attrelid = t.typrelid
                  AND t.typtype = 'c' AND a.attnum > 0 AND NOT a.attisdropped
                UNION ALL SELECT r.rngsubtype FROM pg_range r WHERE r.rngtypid = t.oid
              ) part(oid)),
            dependant(relid, classid, objid) AS (
              SELECT i.indrelid, 'pg_class'::regclass, i.indexrelid FROM pg_index i
                WHERE i.indrelid = ANY($1::oid[])
              UNION ALL SELECT adrelid, 'pg_attrdef'::regclass, oid FROM pg_attrdef
                WHERE adrelid = ANY($1::oid[])
              UNION ALL SELECT conrelid, 'pg_constraint'::regclass, oid FROM pg_constraint
                WHERE conrelid = ANY($1::oid[])
              UNION ALL SELECT need.relid, 'pg_constraint'::regclass, k.oid FROM need
                JOIN pg_constraint k ON k.contypid = need.type)
            SELECT DISTINCT dependant.relid, p.oid::regprocedure::text
            FROM dependant JOIN pg_depend d USING (classid, objid)
            JOIN pg_proc p ON p.oid = d.refobjid AND d.refclassid = 'pg_proc'::regclass
            JOIN pg_namespace n ON n.oid = p.pronamespace
            WHERE n.nspname NOT IN ('pg_catalog', 'information_schema')
              AND NOT EXISTS (SELECT FROM pg_depend e WHERE e.classid = 'pg_proc'::regclass
                AND e.objid = p.oid AND e.deptype = 'e')
            ORDER BY 1, 2
            """, [ids.arrayLiteral])
        var functions: [UInt32: [String]] = [:]
        for row in 0..<result.rowCount {
            functions[result.oid(row, 0), default: []].append(result.string(row, 1))
        }
        return functions
    }
}
