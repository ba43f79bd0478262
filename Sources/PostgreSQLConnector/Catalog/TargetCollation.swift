internal import ReplicationEngine
internal import ReplicationModel

/// Collations that users made: what order and which equality their columns have.
extension TargetPrerequisites {
    /// What it is at the target, in the words of `CatalogCollation`; nil if it is not there.
    func collation(_ object: SchemaObject) throws -> String? {
        try catalog.connection.query(
            """
            SELECT \(CatalogCollation.kind("c")) FROM pg_catalog.pg_collation c \
            JOIN pg_catalog.pg_namespace n ON n.oid = c.collnamespace \
            WHERE n.nspname = $1 AND c.collname = $2 AND c.collencoding IN (-1, \
            (SELECT encoding FROM pg_catalog.pg_database \
            WHERE datname = pg_catalog.current_database()))
            """, [object.name.schema, object.name.name]
        ).column(0).first
    }

    /// Another provider sorts otherwise, and equality decides which keys are one. Locales are not
    /// compared: servers of different versions write the same one differently.
    func difference(ofCollation object: SchemaObject) throws -> ReplicationError? {
        guard let there = try collation(object),
            !object.definition.contains("(\(there)")
        else { return nil }
        return ReplicationError(
            .unfitSchema, "use the collation \(object.name) at the target",
            why: "it is another one (\(there)), the source has: \(object.definition)",
            try: "rename or drop the collation at the target")
    }

    /// What keeps the target from making it.
    func obstacle(toCollation object: SchemaObject) -> ReplicationError? {
        let newer = [("PROVIDER = builtin", 170000), ("RULES = ", 160000)]
        let version = catalog.connection.serverVersion
        guard
            let word = newer.first(where: {
                object.definition.contains($0.0) && version < $0.1
            })
        else { return nil }
        return ReplicationError(
            .unfitSchema, "make the collation \(object.name) at the target",
            why: "PostgreSQL \(version / 10000) does not know \(word.0)",
            try: "make a collation of that name at the target, or upgrade it")
    }
}
