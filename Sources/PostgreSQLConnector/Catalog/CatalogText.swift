import Foundation
internal import ReplicationModel

extension Sequence where Element == String {
    /// The texts as one array literal of PostgreSQL, for a `text[]` parameter.
    var arrayLiteral: String {
        let elements = map { text in
            "\"" + text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"") + "\""
        }
        return "{" + elements.joined(separator: ",") + "}"
    }
}

extension Sequence where Element == UInt32 {
    /// For an `oid[]` parameter.
    var arrayLiteral: String { "{" + map(String.init).joined(separator: ",") + "}" }
}

extension String {
    /// A string literal under `standard_conforming_strings = on`, which every session pins.
    var quotedLiteral: String { "'" + replacing("'", with: "''") + "'" }
}

extension PGResult {
    /// A column that holds a JSON array of strings, as catalogue queries return lists of names.
    func names(_ row: Int, _ column: Int) -> [String] {
        guard let json = text(row, column) else { return [] }
        return (try? JSONDecoder().decode([String].self, from: Data(json.utf8))) ?? []
    }

    func oid(_ row: Int, _ column: Int) -> UInt32 { UInt32(integer(row, column) ?? 0) }

    func string(_ row: Int, _ column: Int) -> String { text(row, column) ?? "" }

    /// Two neighbouring columns as a qualified name; nil if the second is NULL.
    func name(_ row: Int, _ schema: Int, _ name: Int) -> TableName? {
        text(row, name).map { TableName(schema: string(row, schema), name: $0) }
    }
}

extension PGConnection {
    /// Runs `body` in one transaction, so that several catalogue queries see one state.
    func reading<Result>(_ body: () throws -> Result) throws -> Result {
        try run("BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY; SET LOCAL lock_timeout = '10s'")
        let result = try body()
        try run("COMMIT")
        return result
    }

    /// Runs the statements in one writing transaction that gives up on a lock after 10 s, so that
    /// it never queues in front of the application for long.
    func writing(_ statements: [String]) throws {
        try run("BEGIN; SET LOCAL lock_timeout = '10s'")
        for statement in statements { try run(statement) }
        try run("COMMIT")
    }

    func isInRecovery() throws -> Bool { try run("SELECT pg_is_in_recovery()").boolean(0, 0) }
}
