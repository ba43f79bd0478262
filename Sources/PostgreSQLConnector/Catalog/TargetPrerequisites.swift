internal import ReplicationEngine
internal import ReplicationModel

/// Schemas, extensions, types and sequences: what is missing of them, and what is there but
/// differs.
///
/// Types and sequences keep the schema they have at the source, because column types and defaults
/// name it; only tables are mapped to other schemas.
struct TargetPrerequisites {
    let catalog: TargetCatalog
    let objects: [SchemaObject]

    private(set) var statements: [String] = []
    private(set) var problems: [ReplicationError] = []
    /// What the statements make.
    private(set) var pending: [SchemaObject] = []

    init(catalog: TargetCatalog, objects: [SchemaObject], routes: [TableRoute]) throws {
        self.catalog = catalog
        self.objects = objects
        try planSchemas(routes)
        for object in objects where object.kind != .schema { try plan(object) }
    }

    private mutating func planSchemas(_ routes: [TableRoute]) throws {
        var wanted: [String] = []
        let names =
            routes.map(\.target.schema)
            + objects.filter { $0.kind != .schema }.map(\.name.schema)
        for name in names where !name.isEmpty && !wanted.contains(name) { wanted.append(name) }
        for name in wanted
        where try !catalog.exists("SELECT FROM pg_catalog.pg_namespace WHERE nspname = $1", [name])
        {
            statements.append("CREATE SCHEMA \(name.quotedIdentifier)")
        }
    }

    private mutating func plan(_ object: SchemaObject) throws {
        guard try !isThere(object) else {
            try compare(object)
            return
        }
        if object.kind == .extension, try !isAvailable(object) { return }
        if object.kind == .collation, let problem = try obstacle(toCollation: object) {
            problems.append(problem)
            return
        }
        pending.append(object)
        statements.append(object.definition)
    }

    private func isThere(_ object: SchemaObject) throws -> Bool {
        switch object.kind {
        case .schema:
            return try catalog.exists(
                "SELECT FROM pg_catalog.pg_namespace WHERE nspname = $1", [object.name.name])
        case .extension:
            return try catalog.exists(
                "SELECT FROM pg_catalog.pg_extension WHERE extname = $1", [object.name.name])
        case .enumeration, .domain, .composite, .range:
            return try catalog.exists(
                """
                SELECT FROM pg_catalog.pg_type t \
                JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace \
                WHERE n.nspname = $1 AND t.typname = $2
                """, [object.name.schema, object.name.name])
        case .collation:
            return try collation(object) != nil
        case .sequence:
            return try catalog.exists(
                """
                SELECT FROM pg_catalog.pg_class c \
                JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
                WHERE n.nspname = $1 AND c.relname = $2 AND c.relkind = 'S'
                """, [object.name.schema, object.name.name])
        }
    }

    private mutating func isAvailable(_ object: SchemaObject) throws -> Bool {
        let name = object.name.name
        let isAvailable = try catalog.exists(
            "SELECT FROM pg_catalog.pg_available_extensions WHERE name = $1", [name])
        if !isAvailable {
            problems.append(
                ReplicationError(
                    .unfitSchema, "make extension \(name) at the target",
                    why: "the target server does not have it installed",
                    try: "install the package that provides \(name) on the target server"))
        }
        return isAvailable
    }

    private mutating func compare(_ object: SchemaObject) throws {
        switch object.kind {
        case .enumeration: try compareLabels(object)
        case .domain: try compareBase(object)
        case .composite: try compareAttributes(object)
        case .collation:
            if let problem = try difference(ofCollation: object) { problems.append(problem) }
        case .schema, .extension, .range, .sequence: break
        }
    }

    /// Further labels at the target do no harm; missing ones would stop the pipeline later.
    private mutating func compareLabels(_ object: SchemaObject) throws {
        let there = Set(
            try catalog.connection.query(
                """
                SELECT e.enumlabel FROM pg_catalog.pg_enum e \
                JOIN pg_catalog.pg_type t ON t.oid = e.enumtypid \
                JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace \
                WHERE n.nspname = $1 AND t.typname = $2
                """, [object.name.schema, object.name.name]
            ).column(0))
        let missing = Self.literals(in: object.definition).filter { !there.contains($0) }
        guard !missing.isEmpty else { return }
        let statements = missing.map { label in
            let quoted = "'" + label.replacing("'", with: "''") + "'"
            return "ALTER TYPE \(object.name.quoted) ADD VALUE \(quoted);"
        }
        problems.append(
            ReplicationError(
                .unfitSchema, "use the type \(object.name) at the target",
                why: "it lacks labels that the source has: \(missing.joined(separator: ", "))",
                try: statements.joined(separator: " ")))
    }

    /// Another scale would round silently.
    private mutating func compareBase(_ object: SchemaObject) throws {
        let base = try catalog.connection.query(
            """
            SELECT pg_catalog.format_type(t.typbasetype, t.typtypmod) FROM pg_catalog.pg_type t \
            JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace \
            WHERE n.nspname = $1 AND t.typname = $2
            """, [object.name.schema, object.name.name]
        ).text(0, 0)
        guard let base, !(object.definition + " ").contains("AS \(base) "),
            !object.definition.contains("AS \(base);")
        else { return }
        problems.append(
            ReplicationError(
                .unfitSchema, "use the domain \(object.name) at the target",
                why: "it is based on \(base), the source has: \(object.definition)",
                try: "rename or drop the domain at the target"))
    }

    /// The source writes attributes as the query here does.
    private mutating func compareAttributes(_ object: SchemaObject) throws {
        let there = try catalog.connection.query(
            """
            SELECT format('%I %s', a.attname, pg_catalog.format_type(a.atttypid, a.atttypmod)) \
            FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_type t ON t.typrelid = a.attrelid \
            JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace \
            WHERE n.nspname = $1 AND t.typname = $2 AND a.attnum > 0 AND NOT a.attisdropped \
            ORDER BY a.attnum
            """, [object.name.schema, object.name.name]
        ).column(0)
        var rest = object.definition[...]
        let fits =
            !there.isEmpty
            && there.allSatisfy { attribute in
                guard let found = rest.firstRange(of: attribute) else { return false }
                rest = rest[found.upperBound...]
                return rest.first.map { ",) ".contains($0) } ?? false
            }
        // More attributes at the source are a difference as well.
        guard !fits || rest.contains(", ") else { return }
        problems.append(
            ReplicationError(
                .unfitSchema, "use the type \(object.name) at the target",
                why: "it consists of (\(there.joined(separator: ", "))), "
                    + "the source has: \(object.definition)",
                try: "rename or drop the type at the target"))
    }

    /// The texts in single quotes.
    private static func literals(in sql: String) -> [String] {
        sql.matches(of: /'((?:[^']|'')*)'/).map { String($0.1).replacing("''", with: "'") }
    }
}

// MARK: Column types

extension TargetPrerequisites {
    /// The columns' types (as cast names) that are not there, and will not be when the statements
    /// have run.
    func missingTypes(of columns: [Column]) throws -> Set<String> {
        let names = Set(columns.map(\.type.castName)).filter { !isPending($0) }
        let rows = try catalog.connection.query(
            """
            SELECT w.name FROM unnest($1::text[]) AS w(name) \
            WHERE pg_catalog.to_regtype(w.name) IS NULL
            """, [PGArray.literal(names.sorted())])
        return Set(rows.column(0))
    }

    func missingFunctions(_ functions: [String]) throws -> Set<String> {
        guard !functions.isEmpty else { return [] }
        let rows = try catalog.connection.query(
            """
            SELECT w.name FROM unnest($1::text[]) AS w(name) \
            WHERE pg_catalog.to_regprocedure(w.name) IS NULL
            """, [PGArray.literal(Set(functions).sorted())])
        return Set(rows.column(0))
    }

    /// Those that are not there, and will not be when the statements have run.
    func missingCollations(of columns: [Column]) throws -> Set<String> {
        let names = Set(columns.compactMap(\.collation)).filter { name in
            objects.isEmpty
                ? name.hasPrefix("pg_catalog.")
                : !pending.contains {
                    $0.kind == .extension || ($0.kind == .collation && $0.name.quoted == name)
                }
        }
        let rows = try catalog.connection.query(
            """
            SELECT w.name FROM unnest($1::text[]) AS w(name) \
            WHERE pg_catalog.to_regcollation(w.name) IS NULL
            """, [PGArray.literal(names.sorted())])
        return Set(rows.column(0))
    }

    /// Which types an extension brings is not known before it is made. Without any objects nobody
    /// has asked the source yet: only the server's own types can be judged.
    private func isPending(_ castName: String) -> Bool {
        if castName.isEmpty { return true }
        if objects.isEmpty { return !castName.hasPrefix("pg_catalog.") }
        return pending.contains { object in
            // The server makes a type's array type with it, named with an underscore in front.
            let array = TableName(schema: object.name.schema, name: "_" + object.name.name)
            return object.kind == .extension || castName.hasPrefix(object.name.quoted)
                || castName == array.quoted
        }
    }
}
