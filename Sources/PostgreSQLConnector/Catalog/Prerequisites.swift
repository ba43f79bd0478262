internal import ReplicationEngine
internal import ReplicationModel

/// What tables need before they can be made: schemas, extensions, collations, sequences, and the
/// types of their columns with everything those are made of (an array of a domain over an enum
/// inside a composite).
///
/// Identity columns bring their sequence themselves. Types that are a table's row type or written
/// in C outside an extension cannot be carried; the preflight refuses them.
struct Prerequisites {
    let connection: PGConnection
    let tables: [TableSchema]
    /// The columns' types and all that they are made of, system types included.
    let types: [UInt32]

    init(_ connection: PGConnection, _ tables: [TableSchema]) throws {
        self.connection = connection
        self.tables = tables
        types = try Self.closure(connection, Set(tables.flatMap { $0.columns.map(\.type.id) }))
    }

    /// In an order in which they can be made.
    func objects() throws -> [SchemaObject] {
        let extensions = try extensions()
        let collations = try collations()
        let sequences = try sequences()
        let types = try TypeDefinitions(connection, types).objects()
        let named = tables.map(\.name) + (collations + sequences + types).map(\.name)
        let used = Set(named.map(\.schema)).union(extensions.map(\.name.schema))
            .subtracting(["pg_catalog"])
        let schemas = used.sorted().map {
            SchemaObject(
                kind: .schema, name: TableName(schema: "", name: $0),
                definition: "CREATE SCHEMA IF NOT EXISTS \($0.quotedIdentifier)")
        }
        return schemas + extensions + collations + sequences + types
    }

    private static func closure(_ connection: PGConnection, _ ids: Set<UInt32>) throws -> [UInt32] {
        let result = try connection.query(
            """
            WITH RECURSIVE need(oid) AS (
              SELECT unnest($1::oid[])
              UNION
              SELECT part.oid FROM need JOIN pg_type t ON t.oid = need.oid, LATERAL (
                SELECT t.typelem WHERE t.typelem <> 0
                UNION ALL SELECT t.typbasetype WHERE t.typbasetype <> 0
                UNION ALL SELECT a.atttypid
                  FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
                  WHERE a.attrelid = t.typrelid AND c.relkind = 'c' AND a.attnum > 0
                    AND NOT a.attisdropped
                UNION ALL SELECT r.rngsubtype FROM pg_range r WHERE r.rngtypid = t.oid
                UNION ALL SELECT r.rngtypid FROM pg_range r WHERE r.rngmultitypid = t.oid
              ) part(oid))
            SELECT oid FROM need ORDER BY oid
            """, [ids.sorted().arrayLiteral])
        return result.column(0).compactMap { UInt32($0) }
    }

    /// What the tables, their defaults, constraints, indexes and types depend on.
    private static let dependants = """
        WITH tables AS (SELECT unnest($1::oid[]) AS oid), dependant(classid, objid) AS (
          SELECT 'pg_class'::regclass, oid FROM tables
          UNION ALL SELECT 'pg_class'::regclass, i.indexrelid FROM pg_index i
            JOIN tables ON tables.oid = i.indrelid
          UNION ALL SELECT 'pg_attrdef'::regclass, d.oid FROM pg_attrdef d
            JOIN tables ON tables.oid = d.adrelid
          UNION ALL SELECT 'pg_constraint'::regclass, k.oid FROM pg_constraint k
            JOIN tables ON tables.oid = k.conrelid
          UNION ALL SELECT 'pg_type'::regclass, unnest($2::oid[])
          UNION ALL SELECT 'pg_constraint'::regclass, k.oid FROM pg_constraint k
            WHERE k.contypid = ANY($2::oid[])
        )
        """

    private var parameters: [String?] { [tables.map(\.id).arrayLiteral, types.arrayLiteral] }

    /// Extensions that own a type, function, operator class or collation in use, and those they
    /// need themselves, which come first.
    private func extensions() throws -> [SchemaObject] {
        let result = try connection.query(
            Self.dependants.replacing("WITH", with: "WITH RECURSIVE") + """
                , used(oid, depth) AS (
                  SELECT member.refobjid, 0 FROM (
                    SELECT d.refclassid AS classid, d.refobjid AS objid FROM dependant
                      JOIN pg_depend d
                        ON d.classid = dependant.classid AND d.objid = dependant.objid
                    UNION SELECT classid, objid FROM dependant) o
                  JOIN pg_depend member ON member.classid = o.classid AND member.objid = o.objid
                    AND member.deptype = 'e'
                  UNION
                  SELECT d.refobjid, depth + 1 FROM used JOIN pg_depend d
                    ON d.classid = 'pg_extension'::regclass AND d.objid = used.oid
                    AND d.refclassid = 'pg_extension'::regclass)
                SELECT n.nspname, e.extname FROM used JOIN pg_extension e ON e.oid = used.oid
                JOIN pg_namespace n ON n.oid = e.extnamespace
                GROUP BY n.nspname, e.extname ORDER BY max(depth) DESC, e.extname
                """, parameters)
        return (0..<result.rowCount).compactMap { result.name($0, 0, 1) }.map { name in
            SchemaObject(
                kind: .extension, name: name,
                definition: "CREATE EXTENSION IF NOT EXISTS \(name.name.quotedIdentifier) "
                    + "WITH SCHEMA \(name.schema.quotedIdentifier)")
        }
    }

    /// Collations of columns, types, indexes and expressions: those that users made, and those that
    /// a server has by its operating system and libraries.
    private func collations() throws -> [SchemaObject] {
        let result = try connection.query(
            Self.dependants + """
                , used(oid) AS (
                  SELECT a.attcollation FROM pg_attribute a WHERE NOT a.attisdropped
                    AND a.attrelid IN (TABLE tables UNION ALL
                      SELECT typrelid FROM pg_type WHERE oid = ANY($2::oid[]) AND typrelid <> 0)
                  UNION SELECT unnest(i.indcollation::oid[]) FROM pg_index i
                    JOIN tables ON tables.oid = i.indrelid
                  UNION SELECT typcollation FROM pg_type WHERE oid = ANY($2::oid[])
                  UNION SELECT rngcollation FROM pg_range WHERE rngtypid = ANY($2::oid[])
                  UNION SELECT d.refobjid FROM dependant JOIN pg_depend d USING (classid, objid)
                    WHERE d.refclassid = 'pg_collation'::regclass)
                SELECT n.nspname, c.collname, \(CatalogCollation.definition("c"))
                FROM used JOIN pg_collation c ON c.oid = used.oid
                JOIN pg_namespace n ON n.oid = c.collnamespace
                WHERE c.collname NOT IN ('default', 'C', 'POSIX')
                  AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = c.oid
                    AND d.classid = 'pg_collation'::regclass AND d.deptype = 'e')
                ORDER BY 1, 2
                """, parameters)
        return (0..<result.rowCount).compactMap { row in
            result.name(row, 0, 1).map {
                SchemaObject(
                    kind: .collation, name: $0,
                    definition: "CREATE COLLATION \($0.quoted) " + result.string(row, 2))
            }
        }
    }

    /// Sequences that a default names or that a column owns (serial).
    private func sequences() throws -> [SchemaObject] {
        let result = try connection.query(
            Self.dependants + """
                SELECT n.nspname, c.relname, format(
                  'AS %s INCREMENT BY %s MINVALUE %s MAXVALUE %s START WITH %s CACHE %s %sCYCLE',
                  format_type(s.seqtypid, NULL), s.seqincrement, s.seqmin, s.seqmax, s.seqstart,
                  s.seqcache, CASE WHEN NOT s.seqcycle THEN 'NO ' END),
                  o.nspname, o.relname, o.attname
                FROM pg_sequence s JOIN pg_class c ON c.oid = s.seqrelid
                JOIN pg_namespace n ON n.oid = c.relnamespace
                LEFT JOIN LATERAL (SELECT tn.nspname, t.relname, a.attname FROM pg_depend d
                  JOIN pg_class t ON t.oid = d.refobjid
                  JOIN pg_namespace tn ON tn.oid = t.relnamespace
                  JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = d.refobjsubid
                  WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'a'
                    AND d.refclassid = 'pg_class'::regclass) o ON true
                WHERE (EXISTS (SELECT FROM pg_depend d JOIN dependant USING (classid, objid)
                    WHERE d.refclassid = 'pg_class'::regclass AND d.refobjid = c.oid)
                  OR EXISTS (SELECT FROM pg_depend d JOIN tables ON tables.oid = d.refobjid
                    WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'a'))
                  AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass
                    AND d.objid = c.oid AND d.deptype IN ('i', 'e'))
                ORDER BY 1, 2
                """, parameters)
        return (0..<result.rowCount).map { row in
            let name = TableName(schema: result.string(row, 0), name: result.string(row, 1))
            var object = SchemaObject(
                kind: .sequence, name: name,
                definition: "CREATE SEQUENCE \(name.quoted) " + result.string(row, 2))
            object.owner = result.name(row, 3, 4).map {
                SchemaObject.Owner(table: $0, column: result.string(row, 5))
            }
            return object
        }
    }
}
