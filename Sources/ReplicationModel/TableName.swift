/// A table's schema and name, exactly as the catalogue has them: no folding, no quoting.
package struct TableName: Hashable, Comparable, Sendable, CustomStringConvertible {
    package var schema: String
    package var name: String

    package init(schema: String, name: String) {
        self.schema = schema
        self.name = name
    }

    package var description: String { schema.isEmpty ? name : "\(schema).\(name)" }

    package static func < (a: TableName, b: TableName) -> Bool {
        (a.schema, a.name) < (b.schema, b.name)
    }
}

extension String {
    /// The identifier in double quotes, as PostgreSQL and SQLite take it.
    package var quotedIdentifier: String {
        "\"" + replacing("\"", with: "\"\"") + "\""
    }
}

extension TableName {
    /// `"schema"."name"`, or `"name"` alone where there is no schema (SQLite).
    package var quoted: String {
        schema.isEmpty
            ? name.quotedIdentifier : schema.quotedIdentifier + "." + name.quotedIdentifier
    }
}
