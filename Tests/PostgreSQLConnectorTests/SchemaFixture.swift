import ReplicationEngine
import ReplicationModel

@testable import PostgreSQLConnector

/// A source schema with one of everything, as SQL and as a catalogue reader describes it.
enum SchemaFixture {
    static let schema = "Shop \"1\""
    static let quoted = schema.quotedIdentifier

    static let sql = """
        CREATE SCHEMA \(quoted);
        CREATE EXTENSION btree_gist SCHEMA public;
        CREATE TYPE \(quoted).mood AS ENUM ('sad', 'o''k');
        CREATE DOMAIN \(quoted).price AS numeric(10,2) CHECK (VALUE >= 0);
        CREATE TYPE \(quoted).pair AS (a integer, b text);
        CREATE SEQUENCE \(quoted).child_id_seq;
        CREATE TABLE \(quoted).parent (
            id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT parent_pkey PRIMARY KEY,
            code text COLLATE "C" NOT NULL,
            feeling \(quoted).mood DEFAULT 'sad'::\(quoted).mood,
            cost \(quoted).price,
            pair \(quoted).pair,
            twice numeric GENERATED ALWAYS AS ((cost)::numeric * 2::numeric) STORED,
            room integer, during int4range,
            CONSTRAINT parent_cost_check CHECK (((cost)::numeric < (1000)::numeric)),
            CONSTRAINT parent_code_key UNIQUE (code) DEFERRABLE,
            CONSTRAINT parent_excl EXCLUDE USING gist (room WITH =, during WITH &&)
        );
        CREATE INDEX parent_room ON \(quoted).parent (room DESC) WHERE (room > 0);
        CREATE UNIQUE INDEX parent_lower ON \(quoted).parent (lower(code));
        CREATE TABLE public.unreplicated (id integer PRIMARY KEY);
        CREATE TABLE \(quoted).child (
            id integer DEFAULT nextval('\(quoted).child_id_seq') NOT NULL,
            tag character varying(30)[] NOT NULL,
            "select" bigint, up integer, elsewhere integer
                CONSTRAINT elsewhere_fk REFERENCES public.unreplicated (id),
            CONSTRAINT child_pkey PRIMARY KEY (id),
            CONSTRAINT "child (fk)" FOREIGN KEY ("select") REFERENCES \(quoted).parent (id)
                ON DELETE CASCADE,
            CONSTRAINT child_up FOREIGN KEY (up) REFERENCES \(quoted).child (id)
                DEFERRABLE INITIALLY DEFERRED
        );
        CREATE UNIQUE INDEX child_tag ON \(quoted).child (tag) INCLUDE (id);
        ALTER TABLE \(quoted).child REPLICA IDENTITY USING INDEX child_tag;
        CREATE TABLE \(quoted).log (at timestamp with time zone DEFAULT now(), line text);
        ALTER TABLE \(quoted).log REPLICA IDENTITY FULL;
        """

    static func name(_ name: String) -> TableName { TableName(schema: schema, name: name) }

    static var prerequisites: [SchemaObject] {
        func object(_ kind: SchemaObject.Kind, _ name: String, _ sql: String) -> SchemaObject {
            SchemaObject(kind: kind, name: Self.name(name), definition: sql)
        }
        return [
            SchemaObject(
                kind: .schema, name: TableName(schema: "", name: schema),
                definition: "CREATE SCHEMA IF NOT EXISTS \(quoted)"),
            SchemaObject(
                kind: .extension, name: TableName(schema: "public", name: "btree_gist"),
                definition: "CREATE EXTENSION IF NOT EXISTS btree_gist WITH SCHEMA public"),
            object(.enumeration, "mood", "CREATE TYPE \(quoted).mood AS ENUM ('sad', 'o''k')"),
            object(
                .domain, "price",
                "CREATE DOMAIN \(quoted).price AS numeric(10,2) "
                    + "CONSTRAINT price_check CHECK (VALUE >= 0::numeric)"
            ),
            object(.composite, "pair", "CREATE TYPE \(quoted).pair AS (a integer, b text)"),
            object(.sequence, "child_id_seq", "CREATE SEQUENCE \(quoted).child_id_seq"),
        ]
    }

    static var parent: TableSchema {
        func own(_ type: String) -> String { "\(quoted).\"\(type)\"" }
        var id = Fixture.column("id", "bigint", null: false)
        id.identity = .always
        var code = Fixture.column("code", "text", null: false)
        code.collation = "pg_catalog.\"C\""
        var feeling = Fixture.column("feeling", "\(quoted).mood", cast: own("mood"))
        feeling.defaultExpression = "'sad'::\(quoted).mood"
        var twice = Fixture.column("twice", "numeric")
        twice.generated = "((cost)::numeric * (2)::numeric)"
        var table = TableSchema(
            id: 11, name: name("parent"),
            columns: [
                id, code, feeling, Fixture.column("cost", "\(quoted).price", cast: own("price")),
                Fixture.column("pair", "\(quoted).pair", cast: own("pair")), twice,
                Fixture.column("room", "integer"), Fixture.column("during", "int4range"),
            ], replicaIdentity: .primaryKey,
            primaryKey: Fixture.primaryKey("id", name: "parent_pkey"))
        table.indexes = parentIndexes
        table.checks = [
            CheckConstraint(
                name: "parent_cost_check",
                definition: "CHECK (((cost)::numeric < (1000)::numeric))")
        ]
        return table
    }

    private static var parentIndexes: [Index] {
        var code = Index(
            name: "parent_code_key", columns: ["code"], isUnique: true, isConstraint: true,
            definition: "UNIQUE (code) DEFERRABLE")
        (code.isDeferrable, code.isPlain) = (true, false)
        var exclusion = Index(
            name: "parent_excl", columns: ["room", "during"], isUnique: false, isConstraint: true,
            definition: "EXCLUDE USING gist (room WITH =, during WITH &&)")
        exclusion.isPlain = false
        var lower = Index(
            name: "parent_lower", columns: [], isUnique: true, isConstraint: false,
            definition: "USING btree (lower(code))")
        lower.isPlain = false
        return [
            code, exclusion, lower,
            Index(
                name: "parent_room", columns: ["room"], isUnique: false, isConstraint: false,
                definition: "USING btree (room DESC) WHERE (room > 0)"),
        ]
    }

    static var child: TableSchema {
        var id = Fixture.column("id", "integer", null: false)
        id.defaultExpression = "nextval('\(quoted).child_id_seq'::regclass)"
        var table = TableSchema(
            id: 12, name: name("child"),
            columns: [
                id,
                Fixture.column(
                    "tag", "character varying(30)[]", null: false,
                    cast: "pg_catalog.\"varchar\"[]"),
                Fixture.column("select", "bigint"), Fixture.column("up", "integer"),
                Fixture.column("elsewhere", "integer"),
            ], replicaIdentity: .index("child_tag"),
            primaryKey: Fixture.primaryKey("id", name: "child_pkey"))
        table.indexes = [
            Index(
                name: "child_tag", columns: ["tag"], isUnique: true, isConstraint: false,
                definition: "USING btree (tag) INCLUDE (id)")
        ]
        table.foreignKeys = childForeignKeys
        return table
    }

    private static var childForeignKeys: [ForeignKey] {
        [
            ForeignKey(
                name: "child (fk)", columns: ["select"], referenced: name("parent"),
                referencedColumns: ["id"],
                definition:
                    "FOREIGN KEY (\"select\") REFERENCES \(quoted).parent(id) ON DELETE CASCADE",
                changesRows: true, isDeferrable: false),
            ForeignKey(
                name: "child_up", columns: ["up"], referenced: name("child"),
                referencedColumns: ["id"],
                definition:
                    "FOREIGN KEY (up) REFERENCES \(quoted).child(id) DEFERRABLE INITIALLY DEFERRED",
                changesRows: false, isDeferrable: true),
            ForeignKey(
                name: "elsewhere_fk", columns: ["elsewhere"],
                referenced: TableName(schema: "public", name: "unreplicated"),
                referencedColumns: ["id"],
                definition: "FOREIGN KEY (elsewhere) REFERENCES public.unreplicated(id)",
                changesRows: false, isDeferrable: false),
        ]
    }

    static var log: TableSchema {
        var at = Fixture.column("at", "timestamp with time zone")
        at.defaultExpression = "now()"
        return TableSchema(
            id: 13, name: name("log"), columns: [at, Fixture.column("line", "text")],
            replicaIdentity: .full)
    }

    static var routes: [TableRoute] { [child, log, parent].map { Fixture.route($0) } }

    /// What the catalogue of a database says of tables in `schema`, one line per fact.
    static func description(_ database: TestDatabase, schema: String = schema) throws -> [String] {
        let connection = try database.connect()
        let queries = [
            """
            SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, \
            pg_get_expr(d.adbin, d.adrelid), a.attidentity, a.attgenerated, l.collname \
            FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid \
            LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum \
            LEFT JOIN pg_collation l ON l.oid = a.attcollation \
            WHERE c.relnamespace = $1::regnamespace AND c.relkind IN ('r', 'p') AND a.attnum > 0
            """,
            """
            SELECT indexdef FROM pg_indexes \
            WHERE quote_ident(schemaname)::regnamespace = $1::regnamespace
            """,
            """
            SELECT conrelid::regclass, conname, pg_get_constraintdef(oid) FROM pg_constraint \
            WHERE connamespace = $1::regnamespace AND contype IN ('p', 'u', 'x', 'c', 'f')
            """,
        ]
        return try queries.flatMap { sql in
            let rows = try connection.query(sql, [schema.quotedIdentifier])
            return (0..<rows.rowCount).map { row in
                (0..<rows.columnCount).map { rows.text(row, $0) ?? "-" }.joined(separator: " | ")
            }
        }.sorted()
    }
}
