import Foundation
import ReplicationModel
import Testing

@testable import MySQLConnector

/// A database of the test's own on one of the servers that `scripts/servers` runs; dropped when the
/// test lets go of it. A missing server fails the test.
final class TestServer {
    static let all = ["mariadb1011", "mariadb118", "mysql97"]

    let server: String
    let name: String

    init(on server: String) throws {
        self.server = server
        name = "t_" + UUID().uuidString.lowercased().prefix(12).replacing("-", with: "")
        try Self.administrator(server).run("CREATE DATABASE \(name) CHARACTER SET utf8mb4")
    }

    deinit {
        do {
            let administrator = try Self.administrator(server)
            try administrator.run("DROP DATABASE IF EXISTS \(name)")
            let users = try administrator.query(
                "SELECT user FROM mysql.user WHERE user LIKE '\(name)%'")
            for user in users.column(0) { try administrator.run("DROP USER '\(user)'@'%'") }
        } catch {
            FileHandle.standardError.write(Data("cannot drop \(name): \(error)\n".utf8))
        }
    }

    static var lab: String {
        ProcessInfo.processInfo.environment["MARTLET_LAB"] ?? "/var/lib/martlet-lab"
    }

    /// As `scripts/servers` has them.
    var port: Int {
        let base = ProcessInfo.processInfo.environment["MARTLET_LAB_PORT_BASE"].flatMap { Int($0) }
        return (base ?? 54300)
            + ["mariadb1011": 81, "mariadb118": 88, "mysql97": 97][server, default: 0]
    }

    static func url(_ server: String, database: String) -> String {
        "mysql://root@localhost/\(database)?socket=\(lab)/run/\(server)/server.sock"
    }

    var url: String { Self.url(server, database: name) }

    static func administrator(_ server: String) throws -> MySQLConnection {
        try MySQLConnection(
            url: url(server, database: ""), password: nil, label: "test", purpose: .target)
    }

    func connect(_ purpose: MySQLConnection.Purpose = .source) throws -> MySQLConnection {
        try MySQLConnection(url: url, password: nil, label: "test", purpose: purpose)
    }

    /// A user of the test's own with the password `secret`, connected over TCP.
    func makeUser(_ suffix: String = "", grants: [String] = []) throws -> String {
        let user = name + suffix
        let administrator = try Self.administrator(server)
        try administrator.run("CREATE USER '\(user)'@'%' IDENTIFIED BY 'secret'")
        for grant in grants { try administrator.run("GRANT \(grant) TO '\(user)'@'%'") }
        return user
    }

    func connect(tcp user: String, _ parameters: String, password: String = "secret") throws
        -> MySQLConnection
    {
        try MySQLConnection(
            url: "mysql://\(user)@localhost:\(port)/\(name)?\(parameters)", password: password,
            label: "test", purpose: .source)
    }
}
