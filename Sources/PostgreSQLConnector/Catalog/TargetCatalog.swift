internal import ReplicationEngine
internal import ReplicationModel

/// Reads the target's catalogue. `search_path` is empty, so that names come out qualified.
///
/// Source: PostgreSQL documentation, chapter "System Catalogs".
struct TargetCatalog {
    let connection: PGConnection

    init(_ connection: PGConnection) { self.connection = connection }

    /// What is there under these names, of whatever kind; absent names are left out.
    func tables(_ names: [TableName]) throws -> [TableName: ExistingTable] {
        let rows = try connection.query(
            """
            SELECT c.oid, w.schema, w.name, c.relkind, c.relpersistence = 'u', \
            pg_catalog.pg_has_role(c.relowner, 'USAGE'), \
            EXISTS (SELECT FROM pg_catalog.pg_rewrite r WHERE r.ev_class = c.oid \
            AND r.rulename <> '_RETURN'), pg_catalog.row_security_active(c.oid), \
            EXISTS (SELECT FROM pg_catalog.pg_class k \
            JOIN pg_catalog.pg_namespace m ON m.oid = k.relnamespace AND m.nspname = 'martlet' \
            WHERE k.relname = 'kept_' || c.oid) \
            FROM unnest($1::text[], $2::text[]) AS w(schema, name) \
            JOIN pg_catalog.pg_namespace n ON n.nspname = w.schema \
            JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = w.name
            """,
            [PGArray.literal(names.map(\.schema)), PGArray.literal(names.map(\.name))])
        var tables: [UInt32: ExistingTable] = [:]
        for row in 0..<rows.rowCount {
            let oid = UInt32(truncatingIfNeeded: rows.integer(row, 0) ?? 0)
            tables[oid] = ExistingTable(
                oid: oid,
                name: TableName(schema: rows.text(row, 1) ?? "", name: rows.text(row, 2) ?? ""),
                kind: ExistingTable.Kind(rawValue: rows.text(row, 3) ?? "") ?? .other,
                isUnlogged: rows.boolean(row, 4), isOwned: rows.boolean(row, 5),
                hasRules: rows.boolean(row, 6), hasRowSecurity: rows.boolean(row, 7),
                hasKeptRows: rows.boolean(row, 8))
        }
        try readColumns(&tables)
        try readIndexes(&tables)
        try readForeignKeys(&tables)
        try readTakenOff(&tables)
        try readChecks(&tables)
        return Dictionary(uniqueKeysWithValues: tables.values.map { ($0.name, $0) })
    }

    private func each(
        _ tables: inout [UInt32: ExistingTable], _ sql: String,
        _ body: (PGResult, Int, inout ExistingTable) -> Void
    ) throws {
        let rows = try connection.query(sql, [PGArray.literal(tables.keys.map { String($0) })])
        for row in 0..<rows.rowCount {
            let oid = UInt32(truncatingIfNeeded: rows.integer(row, 0) ?? 0)
            guard var table = tables.removeValue(forKey: oid) else { continue }
            body(rows, row, &table)
            tables[oid] = table
        }
    }

    private func readColumns(_ tables: inout [UInt32: ExistingTable]) throws {
        try each(
            &tables,
            """
            SELECT a.attrelid, a.attname, pg_catalog.format_type(a.atttypid, a.atttypmod), \
            NOT a.attnotnull, a.attgenerated <> '', pg_catalog.pg_get_expr(d.adbin, d.adrelid), \
            a.attidentity, a.atthasdef, NOT coalesce(l.collisdeterministic, true) \
            FROM pg_catalog.pg_attribute a \
            LEFT JOIN pg_catalog.pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum \
            LEFT JOIN pg_catalog.pg_collation l ON l.oid = a.attcollation \
            WHERE a.attrelid = ANY ($1::oid[]) AND a.attnum > 0 AND NOT a.attisdropped \
            ORDER BY a.attrelid, a.attnum
            """
        ) { rows, row, table in
            let isGenerated = rows.boolean(row, 4)
            table.columns.append(
                ExistingTable.Column(
                    name: rows.text(row, 1) ?? "", declaration: rows.text(row, 2) ?? "",
                    isNullable: rows.boolean(row, 3),
                    generated: isGenerated ? rows.text(row, 5) ?? "" : nil,
                    identity: rows.text(row, 6) ?? "", hasDefault: rows.boolean(row, 7),
                    isNondeterministic: rows.boolean(row, 8)))
        }
    }

    private func readIndexes(_ tables: inout [UInt32: ExistingTable]) throws {
        try each(
            &tables,
            """
            SELECT i.indrelid, c.relname, CASE WHEN 0 = ANY (i.indkey) THEN '{}' ELSE \
            (SELECT coalesce(array_agg(a.attname::text ORDER BY k.place), '{}') \
            FROM unnest(i.indkey) WITH ORDINALITY AS k(attribute, place) \
            JOIN pg_catalog.pg_attribute a \
            ON a.attrelid = i.indrelid AND a.attnum = k.attribute \
            WHERE k.place <= i.indnkeyatts) END, i.indisunique, i.indisprimary, i.indisexclusion, \
            EXISTS (SELECT FROM pg_catalog.pg_constraint o WHERE o.conindid = i.indexrelid \
            AND o.contype IN ('p', 'u', 'x')), i.indimmediate AND i.indpred IS NULL \
            AND i.indexprs IS NULL, NOT i.indimmediate \
            FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid \
            WHERE i.indrelid = ANY ($1::oid[]) AND i.indisvalid ORDER BY i.indrelid, c.relname
            """
        ) { rows, row, table in
            table.indexes.append(
                ExistingTable.Index(
                    name: rows.text(row, 1) ?? "", columns: Self.names(rows.text(row, 2)),
                    isUnique: rows.boolean(row, 3), isPrimary: rows.boolean(row, 4),
                    isExclusion: rows.boolean(row, 5), isConstraint: rows.boolean(row, 6),
                    isPlain: rows.boolean(row, 7), isDeferrable: rows.boolean(row, 8)))
        }
    }

    private func readForeignKeys(_ tables: inout [UInt32: ExistingTable]) throws {
        let columns = { (key: String, relation: String) in
            """
            (SELECT array_agg(a.attname::text ORDER BY k.place) \
            FROM unnest(o.\(key)) WITH ORDINALITY AS k(attribute, place) \
            JOIN pg_catalog.pg_attribute a ON a.attrelid = o.\(relation) AND a.attnum = k.attribute)
            """
        }
        try each(
            &tables,
            """
            SELECT o.conrelid, o.conname, \(columns("conkey", "conrelid")), n.nspname, c.relname, \
            \(columns("confkey", "confrelid")), \
            o.confdeltype NOT IN ('a', 'r') OR o.confupdtype NOT IN ('a', 'r'), o.condeferrable, \
            pg_catalog.pg_get_constraintdef(o.oid), \
            pg_catalog.has_table_privilege(o.confrelid, 'REFERENCES') \
            FROM pg_catalog.pg_constraint o JOIN pg_catalog.pg_class c ON c.oid = o.confrelid \
            JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
            WHERE o.conrelid = ANY ($1::oid[]) AND o.contype = 'f' ORDER BY o.conrelid, o.conname
            """
        ) { rows, row, table in
            table.foreignKeys.append(
                ExistingTable.ForeignKey(
                    name: rows.text(row, 1) ?? "", columns: Self.names(rows.text(row, 2)),
                    referenced: TableName(
                        schema: rows.text(row, 3) ?? "", name: rows.text(row, 4) ?? ""),
                    referencedColumns: Self.names(rows.text(row, 5)),
                    changesRows: rows.boolean(row, 6), isDeferrable: rows.boolean(row, 7),
                    definition: rows.text(row, 8) ?? "", mayBeMade: rows.boolean(row, 9)))
        }
    }

    private func readTakenOff(_ tables: inout [UInt32: ExistingTable]) throws {
        guard try hasState, try PGStateFormat.read(connection) == PGStateFormat.version else {
            return
        }
        try each(
            &tables,
            """
            SELECT table_id, name, columns, referenced_schema, referenced_name, \
            referenced_columns, definition FROM martlet.foreign_key \
            WHERE table_id = ANY ($1::oid[]) ORDER BY table_id, name
            """
        ) { rows, row, table in
            table.foreignKeys.append(
                ExistingTable.ForeignKey(
                    name: rows.text(row, 1) ?? "", columns: Self.names(rows.text(row, 2)),
                    referenced: TableName(
                        schema: rows.text(row, 3) ?? "", name: rows.text(row, 4) ?? ""),
                    referencedColumns: Self.names(rows.text(row, 5)), changesRows: false,
                    isDeferrable: true, definition: rows.text(row, 6) ?? "", mayBeMade: true,
                    isTakenOff: true))
        }
    }

    private func readChecks(_ tables: inout [UInt32: ExistingTable]) throws {
        try each(
            &tables,
            """
            SELECT conrelid, conname FROM pg_catalog.pg_constraint \
            WHERE conrelid = ANY ($1::oid[]) AND contype = 'c'
            """
        ) { rows, row, table in table.checks.insert(rows.text(row, 1) ?? "") }
    }

    static func names(_ array: String?) -> [String] {
        array.flatMap { PGArray.elements(parsing: $0) } ?? []
    }
}

// MARK: Single questions

extension TargetCatalog {
    /// Whether a query for one returns a row.
    func exists(_ sql: String, _ parameters: [String?] = []) throws -> Bool {
        try connection.query(sql, parameters).rowCount > 0
    }

    func hasRows(_ table: ExistingTable, _ share: RowShare?) throws -> Bool {
        try exists("SELECT FROM \(table.rowsClause)\(share.clause) LIMIT 1")
    }

    func shape(of table: ExistingTable, _ share: RowShare?) throws -> TargetShape {
        let columns = table.columns.map {
            TargetShape.Column(
                name: $0.name, declaration: $0.declaration, isNullable: $0.isNullable,
                isGenerated: $0.generated != nil,
                hasDefault: $0.generated == nil && ($0.hasDefault || !$0.identity.isEmpty))
        }
        return TargetShape(
            columns: columns, hasRows: try hasRows(table, share),
            primaryKey: table.indexes.first(where: \.isPrimary)?.columns ?? [],
            uniqueKeys: table.indexes.filter { $0.isUnique && !$0.isPrimary && $0.isPlain }
                .map(\.columns))
    }

    /// How far Martlet is with the routes' target tables. One that is missing here was not made, or
    /// accepted, by it (so is a pending one); nor is one known that another source table goes to.
    func knownStates(_ routes: [TableRoute]) throws -> [TableName: TableProgress.State] {
        guard try hasState else { return [:] }
        let rows = try connection.run(
            """
            SELECT target_schema, target_name, state, id, source_schema, source_name \
            FROM martlet.table_state
            """)
        let sources = Dictionary(routes.map { ($0.target, $0.source) }) { first, _ in first }
        func name(_ row: Int, _ column: Int) -> TableName {
            TableName(schema: rows.text(row, column) ?? "", name: rows.text(row, column + 1) ?? "")
        }
        var states: [TableName: TableProgress.State] = [:]
        for row in 0..<rows.rowCount {
            guard let source = sources[name(row, 0)],
                source.name == name(row, 4) || Int64(source.id) == rows.integer(row, 3),
                let state = rows.text(row, 2).flatMap(TableProgress.State.init), state != .pending
            else { continue }
            states[name(row, 0)] = state
        }
        return states
    }

    /// Whether Martlet's state is there and may be read.
    private var hasState: Bool {
        get throws {
            try PGStateFormat.read(connection) != nil
                && exists("SELECT WHERE pg_catalog.has_schema_privilege('martlet', 'USAGE')")
                && exists(
                    "SELECT WHERE pg_catalog.has_table_privilege('martlet.table_state', 'SELECT')")
        }
    }

    /// Whether this role may switch off triggers and foreign keys for its session. Tried rather
    /// than looked up: providers grant it in ways of their own. Changes nothing.
    func canSetReplicationRole() throws -> Bool {
        try connection.run("BEGIN")
        defer { _ = try? connection.run("ROLLBACK") }
        do {
            try connection.run("SET LOCAL session_replication_role = 'replica'")
            return true
        } catch let error as PGError.Server where error.sqlState == "42501" { return false }
    }

    /// Deletes all rows. TRUNCATE refuses a table that a foreign key points at, even an empty
    /// one's: then rows are deleted, without firing triggers where the role may do that.
    func empty(_ name: TableName, _ share: RowShare? = nil) throws {
        guard let table = try tables([name])[name] else { return }
        let isReferenced = try exists(
            """
            SELECT FROM pg_catalog.pg_constraint WHERE confrelid = $1::oid AND contype = 'f' \
            AND conrelid <> confrelid
            """, [String(table.oid)])
        guard isReferenced || share != nil else {
            try connection.run("TRUNCATE \(table.rowsClause)")
            return
        }
        try connection.run("SAVEPOINT before_role")
        do { try connection.run("SET LOCAL session_replication_role = 'replica'") } catch let error
            as PGError.Server where error.sqlState == "42501"
        { try connection.run("ROLLBACK TO before_role") }
        try connection.run("DELETE FROM \(table.rowsClause)\(share.clause)")
    }
}

extension ExistingTable {
    /// Rows of a partitioned table are in its partitions; of any other table only its own are ours.
    var rowsClause: String { (kind == .partitioned ? "" : "ONLY ") + name.quoted }
}

extension RowShare? {
    /// WHERE, or nothing where every row is meant.
    var clause: String {
        map { " WHERE \($0.column.quotedIdentifier) = \($0.value.quotedLiteral)" } ?? ""
    }
}
