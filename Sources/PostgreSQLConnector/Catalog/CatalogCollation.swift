/// How a collation is written, for the source's statement and for comparing it at the target.
enum CatalogCollation {
    /// Provider and equality, of a row of `pg_collation`.
    static func kind(_ row: String) -> String {
        """
        format('PROVIDER = %s, DETERMINISTIC = %s', CASE \(row).collprovider \
        WHEN 'i' THEN 'icu' WHEN 'b' THEN 'builtin' ELSE 'libc' END, \
        \(row).collisdeterministic::text)
        """
    }

    /// What follows CREATE COLLATION and the name. The columns' names differ by version.
    static func definition(_ row: String) -> String {
        """
        format('(%s%s%s)', \(kind(row)), CASE WHEN \(row).collprovider IN ('i', 'b')
          THEN format(', LOCALE = %L', coalesce(to_jsonb(\(row))->>'colllocale',
            to_jsonb(\(row))->>'colliculocale', \(row).collcollate))
          ELSE format(', LC_COLLATE = %L, LC_CTYPE = %L', \(row).collcollate, \(row).collctype) END,
          ', RULES = ' || quote_literal(to_jsonb(\(row))->>'collicurules'))
        """
    }
}
