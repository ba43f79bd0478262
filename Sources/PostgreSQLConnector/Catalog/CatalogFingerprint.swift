/// What of a table decides how its rows are read and decoded, as one short text.
///
/// Handed an alias of `pg_class`, gives an SQL expression, so that the reader of a chunk can take
/// it in the same SELECT as its snapshot. Two hashes with a dot between:
/// - *shape*: oid, kind, persistence, replica identity and its columns, every column with name,
///   type, modifier, generation and place (dropped ones too);
/// - *storage*: relfilenode and the partition tree with each partition's file, persistence and
///   identity. A rewrite, SET LOGGED, ATTACH and DETACH send nothing through the log (P45, P47,
///   P42); TRUNCATE and VACUUM FULL change it as well.
///
/// Index oids are left out: REINDEX CONCURRENTLY changes them and nothing else.
enum CatalogFingerprint {
    static func expression(_ c: String) -> String {
        hash(shape(c)) + " || '.' || " + hash(storage(c))
    }

    /// sha256 and not md5, which a server in FIPS mode refuses.
    private static func hash(_ text: String) -> String {
        "left(encode(sha256(convert_to(\(text), 'UTF8')), 'hex'), 16)"
    }

    private static func shape(_ c: String) -> String {
        """
        concat_ws(' ', \(c).oid, \(c).relkind, \(c).relpersistence, \(c).relreplident, (
          SELECT string_agg(concat_ws(':', a.attnum, a.attname, a.atttypid, a.atttypmod,
            a.attisdropped, a.attgenerated), ',' ORDER BY a.attnum)
          FROM pg_attribute a WHERE a.attrelid = \(c).oid AND a.attnum > 0), (
          SELECT string_agg(concat_ws(':', i.indisprimary, i.indisreplident, i.indimmediate,
            i.indkey), ',' ORDER BY i.indisprimary, i.indkey::text)
          FROM pg_index i
          WHERE i.indrelid = \(c).oid AND (i.indisprimary OR i.indisreplident) AND i.indisvalid))
        """
    }

    private static func storage(_ c: String) -> String {
        """
        concat_ws(' ', \(c).relfilenode, (
          SELECT string_agg(concat_ws(':', p.oid, tree.parentrelid::oid, p.relfilenode,
            p.relpersistence, p.relreplident), ',' ORDER BY p.oid)
          FROM pg_partition_tree(\(c).oid) tree JOIN pg_class p ON p.oid = tree.relid
          WHERE \(c).relkind = 'p'))
        """
    }
}
