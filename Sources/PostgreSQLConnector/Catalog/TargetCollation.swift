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
        // Another version's server has its own by another provider.
        guard object.name.schema != "pg_catalog", let there = try collation(object),
            !object.definition.contains("(\(there)")
        else { return nil }
        return ReplicationError(
            .unfitSchema, "use the collation \(object.name) at the target",
            why: "it is another one (\(there)), the source has: \(object.definition)",
            try: "rename or drop the collation at the target")
    }

    /// What keeps the target from making it.
    func obstacle(toCollation object: SchemaObject) throws -> ReplicationError? {
        if object.name.schema == "pg_catalog" {
            return cannotMake(
                object, "its operating system or libraries do not have it",
                try: "install the locale there, then as a superuser: "
                    + "SELECT pg_import_system_collations('pg_catalog');")
        }
        let newer = [("PROVIDER = builtin", 170000), ("RULES = ", 160000)]
        let version = catalog.connection.serverVersion
        let unknown = newer.first { object.definition.contains($0.0) && version < $0.1 }
        if let word = unknown?.0 {
            return cannotMake(
                object, "PostgreSQL \(version / 10000) does not know \(word)",
                try: "make a collation of that name at the target, or upgrade it")
        }
        return try refusal(ofCollation: object).map {
            cannotMake(
                object, $0, try: "install the locale there, or make a collation of that name")
        }
    }

    private func cannotMake(
        _ object: SchemaObject, _ why: String, try remedy: String
    ) -> ReplicationError {
        ReplicationError(
            .unfitSchema, "make the collation \(object.name) at the target", why: why, try: remedy)
    }

    /// Whether the server knows the locale is seen only by making one: under another name, and
    /// taken back. From 16 on it would take a language that it does not know for the root's.
    private func refusal(ofCollation object: SchemaObject) throws -> String? {
        let connection = catalog.connection
        let head = "CREATE COLLATION \(object.name.quoted) "
        let mayTry = try connection.run(
            "SELECT pg_catalog.has_database_privilege(pg_catalog.current_database(), 'TEMPORARY') "
                + "AND NOT pg_catalog.pg_is_in_recovery()")
        guard object.definition.hasPrefix(head), mayTry.boolean(0, 0) else { return nil }
        let isStrict = connection.serverVersion >= 160000
        try connection.run("BEGIN" + (isStrict ? "; SET LOCAL icu_validation_level = error" : ""))
        defer { _ = try? connection.run("ROLLBACK") }
        do {
            let definition = object.definition.dropFirst(head.count)
            try connection.run("CREATE COLLATION pg_temp.martlet_try " + definition)
            return nil
        } catch let error as PGError.Server { return error.message }
    }
}
