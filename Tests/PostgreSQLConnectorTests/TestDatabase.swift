import Foundation
import PostgreSQLConnector
import ReplicationModel

/// A database of the test's own on one of the servers that `scripts/servers` runs; dropped with its
/// slots when the test lets go of it. A missing server fails the test.
final class TestDatabase {
    static let servers = ["pg15", "pg17", "pg18"]

    let server: String
    let name: String

    init(on server: String = "pg17") throws {
        self.server = server
        name = "t_" + UUID().uuidString.lowercased().prefix(12).replacing("-", with: "")
        try Self.administrator(server).run("CREATE DATABASE \(name)")
    }

    deinit {
        do {
            let administrator = try Self.administrator(server)
            try administrator.query(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1", [name])
            for _ in 0..<50 {
                let left = try administrator.query(
                    """
                    SELECT count(CASE WHEN active THEN 1 END), \
                    count(CASE WHEN NOT active THEN pg_drop_replication_slot(slot_name) END) \
                    FROM pg_replication_slots WHERE database = $1
                    """, [name])
                if left.integer(0, 0) == 0 { break }
                Thread.sleep(forTimeInterval: 0.05)
            }
            try administrator.run("DROP DATABASE IF EXISTS \(name) WITH (FORCE)")
        } catch {
            FileHandle.standardError.write(Data("cannot drop \(name): \(error)\n".utf8))
        }
    }

    static func url(_ server: String, database: String, user: String = "postgres") -> String {
        let lab = ProcessInfo.processInfo.environment["MARTLET_LAB"] ?? "/var/lib/martlet-lab"
        let base =
            ProcessInfo.processInfo.environment["MARTLET_LAB_PORT_BASE"].flatMap { Int($0) }
            ?? 54300
        let port = base + (Int(server.dropFirst(2)) ?? 0)
        return "postgres://\(user)@/\(database)?host=\(lab)/run/\(server)&port=\(port)"
    }

    private static func administrator(_ server: String) throws -> PGConnection {
        try PGConnection(
            url: url(server, database: "postgres"), password: nil, label: "test", purpose: .source)
    }

    var url: String { Self.url(server, database: name) }

    func connect(_ purpose: PGConnection.Purpose = .source) throws -> PGConnection {
        try PGConnection(url: url, password: nil, label: "test", purpose: purpose)
    }
}
