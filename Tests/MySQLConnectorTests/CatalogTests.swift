import Foundation
import ReplicationModel
import Testing

@testable import MySQLConnector

@Suite("The catalogue of MySQL and MariaDB")
struct CatalogTests {
    private static func describe(_ database: TestServer, _ names: String...) throws
        -> [TableSchema]
    {
        let connection = try database.connect()
        let catalog = CatalogTables(connection: connection, database: database.name)
        return try catalog.describe(names.map { TableName(schema: database.name, name: $0) })
    }

    @Test("lists tables, and nothing else", arguments: TestServer.all)
    func list(_ server: String) throws {
        let database = try TestServer(on: server)
        let connection = try database.connect(.target)
        try connection.run("CREATE TABLE b (id INT)")
        try connection.run("CREATE TABLE a (id INT) PARTITION BY HASH (id) PARTITIONS 2")
        try connection.run("CREATE VIEW v AS SELECT * FROM b")
        let catalog = CatalogTables(connection: connection, database: database.name)
        #expect(try catalog.list().map(\.name) == ["a", "b"])
        let everything = try CatalogTables(connection: connection, database: nil).list()
        #expect(everything.contains { $0.schema == database.name })
        #expect(!everything.contains { ["mysql", "sys", "martlet"].contains($0.schema) })
        #expect(try Self.describe(database, "a")[0].isPartitioned)
        #expect(try NotCarried.count(connection, database: database.name).map(\.kind) == ["views"])
    }

    private static let everyType = """
        CREATE TABLE t (id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY, \
        ti TINYINT(1), su SMALLINT UNSIGNED, mi MEDIUMINT, i INT, iu INT UNSIGNED, \
        bi BIGINT, f FLOAT, d DOUBLE, n DECIMAL(12,3) DEFAULT 1.5, b BIT(9), y YEAR, \
        dd DATE DEFAULT '2024-01-02', t TIME(2), dt DATETIME(6), ts TIMESTAMP NULL, \
        c CHAR(5) CHARACTER SET latin1, v VARCHAR(30) NOT NULL DEFAULT 'it''s', x LONGTEXT, \
        bn BINARY(4), vb VARBINARY(9), bl BLOB, e ENUM('a','b''c,d','e\\\\f'), s SET('x','y'), \
        j JSON, g GEOMETRY, gen INT GENERATED ALWAYS AS (mi + 1) STORED, hid INT INVISIBLE)
        """

    @Test("knows every type and what its values are", arguments: TestServer.all)
    func types(_ server: String) throws {
        let database = try TestServer(on: server)
        try database.connect(.target).run(Self.everyType)
        let table = try Self.describe(database, "t")[0]
        let kinds = table.columns.map(\.type.kind)
        #expect(
            kinds == [
                .unsigned64, .int16, .int32, .int32, .int32, .int64, .int64, .float32, .float64,
                .numeric, .bits, .year, .date, .duration, .timestamp, .timestampWithZone,
                .fixedText, .text, .text, .bytes, .bytes, .bytes, .enumeration, .labelSet, .json,
                .geometry, .int32, .int32,
            ])
        #expect(table.carriedColumns.count == table.columns.count - 1)
        let column = { (name: String) in try #require(table.columns.first { $0.name == name }) }
        #expect(try column("id").identity == .byDefault)
        #expect(try column("n").type.size.scale == 3)
        #expect(Double(try column("n").defaultExpression ?? "") == 1.5)
        #expect(try column("b").type.size.length == 9)
        #expect(try column("dt").type.size.scale == 6)
        #expect(try column("v").type.size.length == 30)
        #expect(try column("v").isNullable == false)
        #expect(try column("dd").defaultExpression == "'2024-01-02'")
        #expect(try column("e").type.size.labels == ["a", "b'c,d", #"e\f"#])
        #expect(try column("c").collation?.hasPrefix("latin1_") == true)
        #expect(try column("bn").collation == nil)
        #expect(try column("gen").generated != nil)
        #expect(table.dialect == (server == "mysql97" ? .mysql : .mariadb))
        let defaults = table.columns.compactMap { column in
            column.defaultExpression.map {
                "\(column.name) \(column.type.declaration) DEFAULT \($0)"
            }
        }
        try database.connect(.target).run(
            "CREATE TABLE again (\(defaults.joined(separator: ", ")))")
        let again = try Self.describe(database, "again")[0]
        #expect(
            again.columns.map(\.defaultExpression)
                == table.columns.map(\.defaultExpression).filter { $0 != nil })
    }

    @Test("knows keys, indexes, foreign keys and checks", arguments: TestServer.all)
    func keys(_ server: String) throws {
        let database = try TestServer(on: server)
        let connection = try database.connect(.target)
        try connection.run(
            """
            CREATE TABLE p (a INT, b VARCHAR(20), c TEXT, PRIMARY KEY (b, a), UNIQUE u (a, b), \
            KEY pre (c(7)), CONSTRAINT positive CHECK (a > 0))
            """)
        try connection.run(
            """
            CREATE TABLE c (x INT NOT NULL, y VARCHAR(20), UNIQUE (x), CONSTRAINT fk FOREIGN KEY \
            (y, x) REFERENCES p (b, a) ON DELETE CASCADE)
            """)
        let tables = try Self.describe(database, "p", "c")
        #expect(tables[0].replicaIdentity == .primaryKey)
        #expect(tables[0].chunkKey == ["b", "a"])
        #expect(tables[0].indexes.map(\.name) == ["pre", "u"])
        #expect(tables[0].indexes.map(\.isPlain) == [false, true])
        #expect(tables[0].indexes.map(\.definition) == ["(`c`(7))", "(`a`, `b`)"])
        #expect(tables[0].checks.map(\.name) == ["positive"])
        #expect(tables[1].replicaIdentity == .full)
        #expect(tables[1].chunkKey == ["x"])
        let key = try #require(tables[1].foreignKeys.first)
        #expect(key.columns == ["y", "x"])
        #expect(key.referenced == tables[0].name)
        #expect(key.changesRows)
        try connection.run("CREATE TABLE again LIKE c")
        try connection.run("ALTER TABLE again ADD CONSTRAINT fk2 \(key.definition)")
        try connection.run(
            "ALTER TABLE again ADD CONSTRAINT c2 "
                + tables[0].checks[0].definition.replacing("`a`", with: "`x`")
        )
    }

    @Test("B33: sees cascades and checks with SELECT and nothing more", arguments: TestServer.all)
    func leastPrivileges(_ server: String) throws {
        let database = try TestServer(on: server)
        let administrator = try database.connect(.target)
        try administrator.run("CREATE TABLE `p``q` (`a,b` INT PRIMARY KEY)")
        try administrator.run(
            """
            CREATE TABLE c (x INT COMMENT 'CHECK (1)', j JSON, d INT DEFAULT 1 COMMENT 'it''s )', \
            CONSTRAINT `f k` FOREIGN KEY (x) REFERENCES `p``q` (`a,b`) ON UPDATE SET NULL, \
            CONSTRAINT `)` CHECK (d <> 3 or d in (4, 5)))
            """)
        let user = try database.makeUser(grants: ["SELECT ON \(database.name).*"])
        let tables = ["c", "p`q"].map { TableName(schema: database.name, name: $0) }
        let connection = try database.connect(tcp: user, "")
        let found = try CatalogTables(connection: connection, database: nil).describe(tables)
        #expect(found[0].foreignKeys.map(\.name) == ["f k"])
        #expect(found[0].foreignKeys[0].referenced == tables[1])
        #expect(found[0].foreignKeys[0].referencedColumns == ["a,b"])
        #expect(found[0].foreignKeys[0].changesRows)
        #expect(found[0].columns[1].type.kind == .json)
        #expect(found[0].checks.contains { $0.name == ")" && $0.definition.contains("5)") })
        #expect(!found[0].checks.contains { $0.name == "x" })
        #expect(found[1].foreignKeys == [])
        let all = try CatalogTables(connection: administrator, database: nil).describe(tables)
        #expect(all == found)
        let refused = try Preflight(connection: connection, tables: found).tableFindings()
        let isLogged = connection.facts.variable("innodb_native_foreign_keys") == "OFF"
        #expect(refused.contains { $0.severity == .refused } == !isLogged)
    }

    @Test(
        "has a fingerprint that changes with what decides how rows are read",
        arguments: TestServer.all)
    func fingerprints(_ server: String) throws {
        let database = try TestServer(on: server)
        let connection = try database.connect(.target)
        try connection.run("CREATE TABLE t (id INT PRIMARY KEY, v INT)")
        func fingerprint() throws -> String? {
            let catalog = CatalogTables(connection: connection, database: database.name)
            let id = TableID.of(TableName(schema: database.name, name: "t"))
            return try catalog.fingerprints(of: [id])[id]
        }
        let first = try fingerprint()
        #expect(first != nil)
        try connection.run("INSERT INTO t VALUES (1, 1)")
        #expect(try fingerprint() == first)
        try connection.run("ALTER TABLE t MODIFY v BIGINT")
        let second = try fingerprint()
        #expect(second != first)
        try connection.run("CREATE INDEX i ON t (v)")
        #expect(try fingerprint() == second)
        try connection.run("CREATE UNIQUE INDEX u ON t (v)")
        #expect(try fingerprint() != second)
        try connection.run("DROP TABLE t")
        #expect(try fingerprint() == nil)
        let error = #expect(throws: ReplicationError.self) { try Self.describe(database, "t") }
        #expect(error?.kind == .unseenSchemaChange)
    }

    @Test("numbers tables by CRC-32") func tableID() {
        #expect(TableID.of(TableName(schema: "1234", name: "6789")) == 3703873461)
    }
}

@Suite("The preflight of a MySQL or MariaDB source")
struct SourcePreflightTests {
    @Test("is content with a server as it should be", arguments: TestServer.all)
    func content(_ server: String) throws {
        let database = try TestServer(on: server)
        let connection = try database.connect(.target)
        try connection.run("CREATE TABLE t (id INT PRIMARY KEY)")
        let catalog = CatalogTables(connection: connection, database: database.name)
        let tables = try catalog.describe(catalog.list())
        let findings = try Preflight(connection: connection, tables: tables).findings()
        #expect(findings.filter { $0.severity == .refused } == [])
        // MariaDB's default.
        let unsynced = findings.contains { $0.check == "sync_binlog" }
        #expect(unsynced == (server != "mysql97"))
        #expect(findings.count >= 6)
    }

    @Test("names what cannot be followed", arguments: TestServer.all)
    func tables(_ server: String) throws {
        let database = try TestServer(on: server)
        let connection = try database.connect(.target)
        try connection.run("CREATE TABLE heap (id INT PRIMARY KEY) ENGINE = MyISAM")
        try connection.run("CREATE TABLE parent (id INT PRIMARY KEY)")
        try connection.run(
            "CREATE TABLE child (id INT PRIMARY KEY, p INT, CONSTRAINT gone FOREIGN KEY (p)"
                + " REFERENCES parent (id) ON DELETE SET NULL)")
        try connection.run(
            "CREATE TABLE tree (id INT PRIMARY KEY, p INT, CONSTRAINT up FOREIGN KEY (p)"
                + " REFERENCES tree (id) ON DELETE SET NULL)")
        try connection.run(
            "CREATE TABLE round (id INT PRIMARY KEY, p VARCHAR(9) COLLATE utf8mb4_general_ci"
                + " UNIQUE, up VARCHAR(9) COLLATE utf8mb4_general_ci,"
                + " CONSTRAINT again FOREIGN KEY (up) REFERENCES round (p) ON DELETE SET NULL)")
        try connection.run("CREATE TABLE floating (id FLOAT PRIMARY KEY)")
        try connection.run("CREATE TABLE keyless (id INT)")
        let catalog = CatalogTables(connection: connection, database: database.name)
        let tables = try catalog.describe(catalog.list())
        let findings = try Preflight(connection: connection, tables: tables).findings()
        let refused = findings.filter { $0.severity == .refused }.compactMap(\.table?.name)
        let isLogged = connection.facts.variable("innodb_native_foreign_keys") == "OFF"
        #expect(refused == ["floating", "heap"] + (isLogged ? [] : ["round"]))
        let followed = findings.filter { $0.check.hasPrefix("foreign key") && $0.severity == .ok }
            .compactMap(\.table?.name)
        #expect(followed == (isLogged ? [] : ["child", "tree"]))
        let warned = findings.filter { $0.severity == .warning }.compactMap(\.table?.name)
        #expect(warned == ["keyless"])
    }

    @Test("prints the least grants, and they are enough", arguments: TestServer.all)
    func grants(_ server: String) throws {
        let database = try TestServer(on: server)
        let administrator = try database.connect(.target)
        try administrator.run("CREATE TABLE t (id INT PRIMARY KEY)")
        try administrator.run("CREATE TABLE keyless (id INT)")
        let catalog = CatalogTables(connection: administrator, database: database.name)
        let tables = try catalog.describe(catalog.list())
        let user = try database.makeUser(grants: ["SELECT ON \(database.name).*"])
        let connection = try database.connect(tcp: user, "")
        let before = try Preflight(connection: connection, tables: tables).findings()
        #expect(before.contains { $0.check == "privileges" && $0.severity == .refused })
        for statement in try SourceGrants(connection).statements(for: tables)
        where !statement.contains("LOCK TABLES") {
            try administrator.run(statement)
        }
        let without = try Preflight(connection: database.connect(tcp: user, ""), tables: tables)
            .findings().filter { $0.severity == .refused }
        #expect(without.map(\.check) == ["privileges on \(database.name)"])
        try administrator.run(try #require(without.first?.remedy))
        let again = try database.connect(tcp: user, "")
        let after = try Preflight(connection: again, tables: tables).findings()
        #expect(!after.contains { $0.severity == .refused })
        _ = (try LogEnd.visible(again), try LogEnd.start(again))
    }
}
