/// Counts what Martlet leaves behind, in the schemas that are not the system's. Members of
/// extensions are not counted: they come with the extension.
enum NotCarried {
    static func count(_ connection: PGConnection) throws -> [(kind: String, count: Int)] {
        let result = try connection.run(
            "WITH own AS (\(schemas)) "
                + queries.map { "SELECT '\($0.kind)', (\($0.query))" }.joined(
                    separator: " UNION ALL "))
        return (0..<result.rowCount).compactMap { row in
            let count = Int(result.integer(row, 1) ?? 0)
            return count > 0 ? (kind: result.string(row, 0), count: count) : nil
        }
    }

    private static let schemas = """
        SELECT oid FROM pg_namespace
        WHERE nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast', 'martlet')
          AND nspname NOT LIKE 'pg\\_temp%' AND nspname NOT LIKE 'pg\\_toast\\_temp%'
        """

    private static let queries: [(kind: String, query: String)] = [
        ("views", relations("v")),
        ("materialized views", relations("m")),
        ("foreign tables", relations("f")),
        ("unlogged tables", relations("r") + " AND c.relpersistence = 'u'"),
        (
            "sequences not used by columns",
            relations("S") + """
                 AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.deptype IN ('a', 'i')
                  AND d.classid = 'pg_class'::regclass AND d.objid = c.oid)
                 AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_attrdef'::regclass
                  AND d.refclassid = 'pg_class'::regclass AND d.refobjid = c.oid)
                """
        ),
        ("functions", members("pg_proc", "pronamespace") + " AND x.prokind IN ('f', 'w')"),
        ("procedures", members("pg_proc", "pronamespace") + " AND x.prokind = 'p'"),
        ("aggregates", members("pg_proc", "pronamespace") + " AND x.prokind = 'a'"),
        ("operators", members("pg_operator", "oprnamespace")),
        ("text search configurations", members("pg_ts_config", "cfgnamespace")),
        ("collations", members("pg_collation", "collnamespace")),
        ("extended statistics", members("pg_statistic_ext", "stxnamespace")),
        (
            "triggers",
            "SELECT count(*) FROM pg_trigger g JOIN pg_class c ON c.oid = g.tgrelid "
                + "WHERE NOT g.tgisinternal AND g.tgparentid = 0 AND c.relnamespace IN (TABLE own)"
        ),
        (
            "rules",
            "SELECT count(*) FROM pg_rewrite r JOIN pg_class c ON c.oid = r.ev_class "
                + "WHERE r.rulename <> '_RETURN' AND c.relnamespace IN (TABLE own)"
        ),
        (
            "row level security policies",
            "SELECT count(*) FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid "
                + "WHERE c.relnamespace IN (TABLE own)"
        ),
        (
            "grants on tables and sequences",
            "SELECT count(*) FROM pg_class c, aclexplode(c.relacl) g "
                + "WHERE c.relnamespace IN (TABLE own) AND g.grantee <> c.relowner"
        ),
        (
            "comments",
            "SELECT count(*) FROM pg_description d JOIN pg_class c ON c.oid = d.objoid "
                + "WHERE d.classoid = 'pg_class'::regclass AND c.relnamespace IN (TABLE own)"
        ),
        ("event triggers", "SELECT count(*) FROM pg_event_trigger"),
        ("large objects", "SELECT count(*) FROM pg_largeobject_metadata"),
    ]

    private static func relations(_ kind: String) -> String {
        members("pg_class", "relnamespace").replacing("x.", with: "c.").replacing(
            " x ", with: " c ")
            + " AND c.relkind = '\(kind)'"
    }

    private static func members(_ catalogue: String, _ schema: String) -> String {
        """
        SELECT count(*) FROM \(catalogue) x WHERE x.\(schema) IN (TABLE own)
          AND NOT EXISTS (SELECT FROM pg_depend e WHERE e.classid = '\(catalogue)'::regclass
            AND e.objid = x.oid AND e.deptype = 'e')
        """
    }
}
