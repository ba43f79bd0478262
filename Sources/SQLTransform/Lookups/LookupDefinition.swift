/// What the pipeline file says of a table that transforms look values up in.
package struct LookupDefinition: Sendable, Equatable {
    /// As the SQL calls it.
    package var name: String
    /// Columns that no two rows share the values of.
    package var key: [String]
    /// What a column is; text if nothing is said.
    package var types: [String: OutputType] = [:]
    /// Where it stands: `shop.yaml:12`.
    package var place = ""
    /// Where its rows stand.
    package var file: String

    package init(name: String, key: [String], file: String) {
        self.name = name
        self.key = key
        self.file = file
    }
}

/// A lookup with its rows at hand, as transforms are compiled against it.
package struct LookupTable: Sendable {
    package struct Column: Sendable {
        package var name: String
        package var type: OutputType
    }

    package let name: String
    package let columns: [Column]
    package let rows: Int
    /// Of its rows, key and types: what must not change between two runs.
    package let fingerprint: String
}
