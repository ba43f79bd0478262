internal import Foundation
internal import ReplicationEngine
internal import ReplicationModel

/// The least that the target's user needs, as statements for an administrator.
struct TargetGrants {
    let connection: MySQLConnection
    let place: StatePlace
    let routes: [TableRoute]

    func statements() throws -> [String] {
        let user = try connection.query("SELECT CURRENT_USER()").text(0, 0) ?? ""
        let parts = user.split(separator: "@", maxSplits: 1, omittingEmptySubsequences: false)
        let account = parts.map { SQLText.literal(String($0)) }.joined(separator: "@")
        func grant(_ more: String, on database: String) -> String {
            "GRANT \(Self.all), \(more) ON \(SQLText.name(Self.escaped(database))).* TO \(account);"
        }
        // Staging tables are temporary, and `existing: merge` sets rows aside for a while. Of the
        // users' tables, triggers must be seen.
        return [grant("CREATE TEMPORARY TABLES, DROP", on: place.database)]
            + Set(routes.map(\.target.schema)).sorted().map { grant("TRIGGER", on: $0) }
    }

    private static let all = "SELECT, INSERT, UPDATE, DELETE, CREATE, ALTER, INDEX, REFERENCES"

    /// A grant on a database is a pattern.
    private static func escaped(_ name: String) -> String {
        name.replacing("_", with: "\\_").replacing("%", with: "\\%")
    }
}

/// What the session may do, its active roles included, as the server lists it.
struct SessionGrants {
    private let connection: MySQLConnection
    private let lines: [String]

    init(_ connection: MySQLConnection) throws {
        self.connection = connection
        lines = try connection.query("SHOW GRANTS").column(0)
    }

    /// On every table of the database. MySQL takes back what is granted everywhere with REVOKE
    /// lines (`partial_revokes`).
    func hold(_ privilege: String, on database: String) throws -> Bool {
        let found = try lines.filter { line in
            guard let head = line.range(of: " ON "), let tail = line.range(of: ".* "),
                head.upperBound < tail.lowerBound
            else { return false }
            let words = line[..<head.lowerBound].split(separator: " ", maxSplits: 1).last ?? ""
            let names = words.split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) }
            guard names.contains(privilege) || names.contains("ALL PRIVILEGES") else {
                return false
            }
            return try covers(line[head.upperBound..<tail.lowerBound], database)
        }
        return !found.isEmpty && !found.contains { $0.hasPrefix("REVOKE") }
    }

    /// The database of a grant is a pattern.
    private func covers(_ quoted: Substring, _ database: String) throws -> Bool {
        guard quoted != "*" else { return true }
        let pattern = String(quoted.dropFirst().dropLast()).replacing("``", with: "`")
        let match = "SELECT \(SQLText.literal(database)) LIKE \(SQLText.literal(pattern))"
        return try connection.query(match).text(0, 0) == "1"
    }
}
