import Foundation
import ReplicationEngine
import ReplicationModel

@testable import PostgreSQLConnector

enum Fixture {
    static func target(_ database: TestDatabase, user: String = "postgres") -> PostgreSQLTarget {
        let url = TestDatabase.url(database.server, database: database.name, user: user)
        return PostgreSQLTarget(url: url, password: nil)
    }

    static var setup: PipelineSetup {
        PipelineSetup(
            phase: .creatingSlot, capture: CaptureNames(slot: "s", publication: "p"),
            source: SourceIdentity(
                systemIdentifier: "7300000000000000001", timeline: 3, database: "da\"tä",
                databaseID: 4_000_000_000, version: "17.11"),
            configuration: #"{"tables":["public.a"]}"#)
    }

    static func holder(
        _ instance: String, host: String = "here", pid: Int32 = getpid()
    ) -> Holder { Holder(host: host, pid: pid, instance: instance) }

    /// Prepared, and acquired by a process on another host, so that only the lease decides.
    static func acquired(
        _ database: TestDatabase, instance: String = "a", host: String = "elsewhere",
        lease: Double = 30
    ) throws -> PostgreSQLTarget {
        let target = target(database)
        try target.prepare()
        _ = try target.acquire(
            pipeline: "shop", setup: setup, holder: holder(instance, host: host), lease: lease)
        return target
    }

    static func type(_ declaration: String, cast: String? = nil) -> ColumnType {
        let base = declaration.split(separator: "(").first.map(String.init) ?? declaration
        return ColumnType(
            declaration: declaration, castName: cast ?? "pg_catalog.\"\(internalName(base))\"",
            id: 0,
            modifier: -1, kind: .other)
    }

    private static func internalName(_ name: String) -> String {
        let names = [
            "integer": "int4", "bigint": "int8", "smallint": "int2", "boolean": "bool",
            "character varying": "varchar", "timestamp with time zone": "timestamptz",
            "real": "float4",
        ]
        return names[name] ?? name
    }

    static func column(
        _ name: String, _ type: String, null: Bool = true, cast: String? = nil
    ) -> Column { Column(name: name, type: Self.type(type, cast: cast), isNullable: null) }

    static func primaryKey(_ columns: String..., name: String = "t_pkey") -> Index {
        let list = columns.map { $0.quotedIdentifier }.joined(separator: ", ")
        return Index(
            name: name, columns: columns, isUnique: true, isConstraint: true,
            definition: "PRIMARY KEY (\(list))")
    }

    static func route(_ source: TableSchema, to target: TableName? = nil) -> TableRoute {
        let columns = source.carriedColumns
        let key = source.chunkKey.compactMap { name in columns.firstIndex { $0.name == name } }
        return TableRoute(source: source, target: target ?? source.name, columns: columns, key: key)
    }

    /// `public.t` with key `id` and the columns given.
    static func table(_ name: String = "t", id: UInt32 = 1, _ columns: Column...) -> TableRoute {
        route(
            TableSchema(
                id: id, name: TableName(schema: "public", name: name),
                columns: [column("id", "integer", null: false)] + columns,
                replicaIdentity: .primaryKey, primaryKey: primaryKey("id", name: "\(name)_pkey")))
    }
}

/// The error that `body` throws, as the engine sees it.
func failure(_ body: () throws -> Void) -> ReplicationError? {
    do { try body() } catch { return error as? ReplicationError }
    return nil
}

/// Runs `body` with a database and a role that is no superuser; the role goes last.
func withPlainRole(
    on server: String = "pg17", _ body: (TestDatabase, String) throws -> Void
) throws {
    let role = "r_" + UUID().uuidString.lowercased().prefix(8)
    let url = TestDatabase.url(server, database: "postgres")
    let administrator = try PGConnection(url: url, password: nil, label: "test", purpose: .source)
    try administrator.run("CREATE ROLE \(role) LOGIN")
    defer { _ = try? administrator.run("DROP OWNED BY \(role); DROP ROLE \(role)") }
    var database: TestDatabase? = try TestDatabase(on: server)
    defer { database = nil }
    if let database { try body(database, role) }
}
