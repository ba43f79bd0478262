internal import ReplicationEngine
internal import ReplicationModel

/// CREATE statements of enums, domains, composites and ranges, each after those it is made of.
/// Types that an extension owns come with the extension.
struct TypeDefinitions {
    let connection: PGConnection
    /// Types that need a statement.
    private var types: [UInt32: CatalogType] = [:]
    /// What each type is made of, seen through arrays and multiranges.
    private var parts: [UInt32: [UInt32]] = [:]

    init(_ connection: PGConnection, _ closure: [UInt32]) throws {
        self.connection = connection
        let ids = try ownTypes(closure)
        types = try CatalogType.load(connection, Set(ids)).filter { ids.contains($0.key) }
        parts = try loadParts(closure)
    }

    func objects() throws -> [SchemaObject] {
        var definitions: [UInt32: String] = [:]
        for form in [enumerations, domains, composites, ranges] {
            definitions.merge(try form(), uniquingKeysWith: { first, _ in first })
        }
        return inOrder().compactMap { type in
            definitions[type.id].map {
                SchemaObject(kind: Self.kind(type.form), name: type.name, definition: $0)
            }
        }
    }

    private static func kind(_ form: String) -> SchemaObject.Kind {
        switch form {
        case "e": .enumeration
        case "d": .domain
        case "c": .composite
        default: .range
        }
    }

    /// Depth first; the server allows no cycle of types.
    private func inOrder() -> [CatalogType] {
        var seen: Set<UInt32> = []
        var order: [CatalogType] = []
        func visit(_ id: UInt32) {
            guard seen.insert(id).inserted else { return }
            for part in parts[id] ?? [] { visit(part) }
            if let type = types[id] { order.append(type) }
        }
        let names = types.values.sorted { $0.name < $1.name }
        for type in names { visit(type.id) }
        return order
    }

    /// Multiranges come with their range, arrays with their element.
    private func ownTypes(_ closure: [UInt32]) throws -> [UInt32] {
        try connection.query(
            """
            SELECT t.oid FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace
            LEFT JOIN pg_class c ON c.oid = t.typrelid
            WHERE t.oid = ANY($1::oid[]) AND t.typtype IN ('e', 'd', 'c', 'r')
              AND n.nspname NOT IN ('pg_catalog', 'information_schema')
              AND (t.typtype <> 'c' OR c.relkind = 'c')
              AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_type'::regclass
                AND d.objid = t.oid AND d.deptype = 'e')
            """, [closure.arrayLiteral]
        ).column(0).compactMap { UInt32($0) }
    }

    private func loadParts(_ closure: [UInt32]) throws -> [UInt32: [UInt32]] {
        let result = try connection.query(
            """
            SELECT t.oid, part.oid FROM pg_type t, LATERAL (
              SELECT t.typelem WHERE t.typelem <> 0
              UNION ALL SELECT t.typbasetype WHERE t.typbasetype <> 0
              UNION ALL SELECT a.atttypid FROM pg_attribute a
                WHERE a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped
              UNION ALL SELECT r.rngsubtype FROM pg_range r WHERE r.rngtypid = t.oid
              UNION ALL SELECT r.rngtypid FROM pg_range r WHERE r.rngmultitypid = t.oid
            ) part(oid) WHERE t.oid = ANY($1::oid[])
            """, [closure.arrayLiteral])
        var parts: [UInt32: [UInt32]] = [:]
        for row in 0..<result.rowCount {
            parts[result.oid(row, 0), default: []].append(result.oid(row, 1))
        }
        return parts
    }

    /// Runs a query of (oid, what follows the type's name) and puts `CREATE TYPE name` before.
    private func statements(_ form: String, _ verb: String, _ sql: String) throws -> [UInt32:
        String]
    {
        let ids = types.values.filter { $0.form == form }.map(\.id).sorted()
        guard !ids.isEmpty else { return [:] }
        let result = try connection.query(sql, [ids.arrayLiteral])
        var found: [UInt32: String] = [:]
        for row in 0..<result.rowCount {
            guard let type = types[result.oid(row, 0)] else { continue }
            found[type.id] = "\(verb) \(type.name.quoted) " + result.string(row, 1)
        }
        return found
    }

    private func enumerations() throws -> [UInt32: String] {
        try statements(
            "e", "CREATE TYPE",
            """
            SELECT t.oid, format('AS ENUM (%s)', (
              SELECT string_agg(quote_literal(l.enumlabel), ', ' ORDER BY l.enumsortorder)
              FROM pg_enum l WHERE l.enumtypid = t.oid))
            FROM pg_type t WHERE t.oid = ANY($1::oid[])
            """)
    }

    private func composites() throws -> [UInt32: String] {
        try statements(
            "c", "CREATE TYPE",
            """
            SELECT t.oid, format('AS (%s)', (
              SELECT string_agg(format('%I %s', a.attname, format_type(a.atttypid, a.atttypmod))
                || CASE WHEN co.oid IS NULL THEN ''
                   ELSE format(' COLLATE %I.%I', n.nspname, co.collname) END,
                   ', ' ORDER BY a.attnum)
              FROM pg_attribute a JOIN pg_type p ON p.oid = a.atttypid
              LEFT JOIN pg_collation co ON co.oid = a.attcollation AND co.oid <> p.typcollation
              LEFT JOIN pg_namespace n ON n.oid = co.collnamespace
              WHERE a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped))
            FROM pg_type t WHERE t.oid = ANY($1::oid[])
            """)
    }

    /// A check that was never validated cannot be part of CREATE DOMAIN: it follows as a second
    /// statement.
    private func domains() throws -> [UInt32: String] {
        try statements(
            "d", "CREATE DOMAIN",
            """
            SELECT t.oid, concat_ws(' ', 'AS', format_type(t.typbasetype, t.typtypmod),
              CASE WHEN co.oid IS NOT NULL
                THEN format('COLLATE %I.%I', cn.nspname, co.collname) END,
              'DEFAULT ' || coalesce(pg_get_expr(t.typdefaultbin, 'pg_type'::regclass),
                quote_literal(t.typdefault)),
              CASE WHEN t.typnotnull THEN 'NOT NULL' END, (
              SELECT string_agg(format('CONSTRAINT %I %s', k.conname, pg_get_constraintdef(k.oid)),
                ' ' ORDER BY k.conname)
              FROM pg_constraint k
              WHERE k.contypid = t.oid AND k.contype = 'c' AND k.convalidated)) || coalesce((
              SELECT string_agg(format('; ALTER DOMAIN %I.%I ADD CONSTRAINT %I %s', n.nspname,
                t.typname, k.conname, pg_get_constraintdef(k.oid)), '' ORDER BY k.conname)
              FROM pg_constraint k
              WHERE k.contypid = t.oid AND k.contype = 'c' AND NOT k.convalidated), '')
            FROM pg_type t JOIN pg_type base ON base.oid = t.typbasetype
            JOIN pg_namespace n ON n.oid = t.typnamespace
            LEFT JOIN pg_collation co
              ON co.oid = t.typcollation AND co.oid <> base.typcollation
            LEFT JOIN pg_namespace cn ON cn.oid = co.collnamespace
            WHERE t.oid = ANY($1::oid[])
            """)
    }

    /// Without `canonical` a range would hold other values: such a type is left out here and
    /// refused by the preflight. A difference function only steers statistics; it is kept where
    /// the target has it for certain.
    private func ranges() throws -> [UInt32: String] {
        try statements(
            "r", "CREATE TYPE",
            """
            SELECT t.oid, format('AS RANGE (%s)', concat_ws(', ',
              'SUBTYPE = ' || format_type(r.rngsubtype, NULL),
              CASE WHEN NOT oc.opcdefault
                THEN format('SUBTYPE_OPCLASS = %I.%I', ocn.nspname, oc.opcname) END,
              CASE WHEN co.oid IS NOT NULL THEN format('COLLATION = %I.%I', cn.nspname, co.collname)
                END,
              CASE WHEN dn.nspname = 'pg_catalog'
                THEN format('SUBTYPE_DIFF = %I.%I', dn.nspname, diff.proname) END,
              format('MULTIRANGE_TYPE_NAME = %I.%I', mn.nspname, m.typname)))
            FROM pg_range r JOIN pg_type t ON t.oid = r.rngtypid
            JOIN pg_type sub ON sub.oid = r.rngsubtype
            JOIN pg_opclass oc ON oc.oid = r.rngsubopc
            JOIN pg_namespace ocn ON ocn.oid = oc.opcnamespace
            JOIN pg_type m ON m.oid = r.rngmultitypid
            JOIN pg_namespace mn ON mn.oid = m.typnamespace
            LEFT JOIN pg_collation co ON co.oid = r.rngcollation AND co.oid <> sub.typcollation
            LEFT JOIN pg_namespace cn ON cn.oid = co.collnamespace
            LEFT JOIN pg_proc diff ON diff.oid = r.rngsubdiff
            LEFT JOIN pg_namespace dn ON dn.oid = diff.pronamespace
            WHERE r.rngtypid = ANY($1::oid[]) AND r.rngcanonical = 0
            """)
    }
}
