import ReplicationEngine
import ReplicationModel
import SQLTransform

/// What transforms make of tables, as `plan` shows it.
extension PlanReport {
    static func json(_ transform: Transform) -> JSONValue {
        let passed = transform.outputs.filter { $0.passes != nil }
        return .object([
            ("source", .string(transform.source.source.name.description)),
            ("target", .string(transform.target.target.description)),
            ("sql", .string(transform.definition.sql)),
            ("mode", transform.definition.mode.map { .string($0.rawValue) } ?? .null),
            ("key", .array(transform.target.keyColumns.map { .string($0.name) })),
            ("columns", .array(transform.outputs.map { json($0.column) })),
            ("passed_through", .array(passed.map { .string($0.column.name) })),
            ("left_out", .array(left(transform).map(JSONValue.string))),
        ])
    }

    /// What the table has and the transform's does not.
    private static func left(_ transform: Transform) -> [String] {
        let table = transform.source.source
        return table.indexes.map { "index \($0.name)" }
            + table.foreignKeys.map { "foreign key \($0.name)" }
            + table.checks.map { "check \($0.name)" }
    }

    static func lines(_ transform: Transform) -> [String] {
        let columns = transform.outputs.map { output in
            let name = "\(output.column.name) \(output.column.type.declaration)"
            return output.passes == nil ? "\(name) (made)" : name
        }
        let left = left(transform)
        return ["\(transform.source.source.name) -> \(transform.target.target)"]
            + transform.definition.sql.split(separator: "\n").map { "    \($0)" }
            + (transform.definition.mode.map { ["    mode: \($0.rawValue)"] } ?? [])
            + ["    columns: " + columns.joined(separator: ", ")]
            + (left.isEmpty ? [] : ["    left out: " + left.joined(separator: ", ")])
    }
}
