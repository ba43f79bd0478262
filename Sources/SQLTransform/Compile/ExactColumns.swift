import ReplicationEngine
import ReplicationModel

/// Decimals of any length for functions that compute with them: beside each `numeric` column the
/// row has a hidden one with its text, and an argument of `decimal_...` that is such a column
/// becomes the hidden one. Anywhere else the column is a number of SQLite's, of at most 15 digits.
enum ExactColumns {
    private static func name(_ column: String) -> String { column + " exactly" }

    static func columns(_ route: TableRoute) -> [SourceRow.Column] {
        let plain = route.columns.enumerated().map { index, column in
            SourceRow.Column(name: column.name, input: RowInput(column.type.kind), field: index)
        }
        let hidden = plain.filter { $0.input == .numeric }.map { column in
            SourceRow.Column(
                name: name(column.name), input: .text, field: column.field, isHidden: true)
        }
        return plain + hidden
    }

    /// By index of the token: what to write instead.
    static func names(_ tokens: SQLTokens, _ route: TableRoute) -> [Int: String] {
        let list = tokens.tokens
        let numeric = Dictionary(
            route.columns.filter { $0.type.kind == .numeric }
                .map { ($0.name.lowercased(), $0.name) }, uniquingKeysWith: { first, _ in first })
        var names: [Int: String] = [:]
        for index in list.indices.dropLast() where list[index].text.hasPrefix("DECIMAL_") {
            guard list[index].kind == .word, list[index + 1].isSymbol("("),
                let end = tokens.closing(index + 1, before: list.count)
            else { continue }
            for argument in tokens.split(index + 2..<end)
            where list[argument].allSatisfy({ $0.isName || $0.isSymbol(".") }) {
                guard let last = argument.last, let column = numeric[list[last].name] else {
                    continue
                }
                names[last] = name(column).quotedIdentifier
            }
        }
        return names
    }
}
