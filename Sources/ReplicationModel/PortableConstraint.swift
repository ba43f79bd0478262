/// What of the source's indexes and foreign keys means the same in other dialects.
package enum PortableConstraint {
    /// Why a definition is left out, for the plan.
    package struct Refusal: Error, Sendable {
        package var reason: String

        package init(_ reason: String) { self.reason = reason }
    }

    /// The columns of an index that is nothing but an ordered list of them.
    package static func columns(_ index: Index, _ dialect: Dialect) -> Result<[String], Refusal> {
        let definition = index.definition.withoutQuoted.uppercased()
        if index.columns.isEmpty { return .failure(.init("it is on an expression")) }
        return dialect.isMySQLFamily
            ? familyColumns(index, definition) : postgresColumns(index, definition)
    }

    private static func postgresColumns(
        _ index: Index, _ definition: String
    ) -> Result<[String], Refusal> {
        if index.isConstraint {
            let isKey = definition.hasPrefix("UNIQUE") || definition.hasPrefix("PRIMARY KEY")
            return isKey
                ? .success(index.columns) : .failure(.init("the target has no such constraint"))
        }
        if definition.contains(" WHERE ") { return .failure(.init("it is partial")) }
        if let method = word(after: "USING", definition), !["BTREE", "HASH"].contains(method) {
            return .failure(.init("the target has no \(method.lowercased()) index"))
        }
        return .success(index.columns)
    }

    private static func familyColumns(
        _ index: Index, _ definition: String
    ) -> Result<[String], Refusal> {
        let words = words(definition)
        if let kind = ["FULLTEXT", "SPATIAL", "VECTOR", "RTREE"].first(where: words.contains) {
            return .failure(.init("the target has no \(kind.lowercased()) index"))
        }
        // `(10)`: the first characters only; two rows that differ behind them are one to it.
        let isPrefix = definition.contains(/\(\s*[0-9]+\s*\)/)
        guard index.isPlain, !isPrefix else {
            return .failure(.init("it is on a part or an expression of a column"))
        }
        return .success(index.columns)
    }

    /// What a foreign key does to rows, if every engine would find its rows consistent as the
    /// source does: ` ON UPDATE CASCADE ON DELETE SET NULL`.
    ///
    /// MySQL and MariaDB also take references to columns that are not unique, and such as are equal
    /// by a collation only ('a' refers to 'A'): no other engine does (A32).
    package static func actions(
        _ key: ForeignKey, from child: TableSchema, to parent: TableSchema
    ) -> Result<String, Refusal> {
        guard let actions = actions(key) else { return .failure(.init("not portable")) }
        guard child.dialect.isMySQLFamily else { return .success(actions) }
        guard parent.hasPortableKey(key.referencedColumns) else {
            return .failure(.init("what it refers to is not unique"))
        }
        guard child.comparesExactly(key.columns), parent.comparesExactly(key.referencedColumns)
        else { return .failure(.init("what it refers to may be equal by the collation only")) }
        return .success(actions)
    }

    /// nil if an action names columns or is unknown.
    private static func actions(_ key: ForeignKey) -> String? {
        let words = key.definition.withoutQuoted.uppercased()
            .split(whereSeparator: \.isWhitespace).joined(separator: " ")
        var clause = ""
        for event in ["ON UPDATE", "ON DELETE"] {
            guard let place = words.firstRange(of: event) else { continue }
            let rest = words[place.upperBound...].trimmingPrefix(" ")
            let actions = ["CASCADE", "SET NULL", "SET DEFAULT", "RESTRICT", "NO ACTION"]
            guard let action = actions.first(where: { rest.hasPrefix($0) }) else { return nil }
            if rest.dropFirst(action.count).trimmingPrefix(" ").hasPrefix("(") { return nil }
            clause += " \(event) \(action)"
        }
        return clause
    }

    /// Checked at COMMIT unless a session says otherwise.
    package static func isInitiallyDeferred(_ key: ForeignKey) -> Bool {
        key.definition.withoutQuoted.uppercased().contains("INITIALLY DEFERRED")
    }

    private static func words(_ definition: String) -> [String] {
        definition.split { !$0.isLetter && !$0.isNumber && $0 != "_" }.map(String.init)
    }

    private static func word(after word: String, _ definition: String) -> String? {
        let words = words(definition)
        guard let place = words.firstIndex(of: word), place + 1 < words.count else { return nil }
        return words[place + 1]
    }
}

extension TableSchema {
    fileprivate func hasPortableKey(_ names: [String]) -> Bool {
        ((primaryKey.map { [$0] } ?? []) + indexes).contains { index in
            guard index.isUnique, Set(index.columns) == Set(names),
                case .success = PortableConstraint.columns(index, dialect)
            else { return false }
            return true
        }
    }

    fileprivate func comparesExactly(_ names: [String]) -> Bool {
        columns.filter { names.contains($0.name) }.allSatisfy(\.comparesExactly)
    }
}

extension Column {
    /// Values of MySQL's or MariaDB's that are equal have the same text. All but two families of
    /// collations call some texts equal that differ, if only in spaces at the end.
    package var comparesExactly: Bool {
        switch type.kind {
        case .text, .fixedText:
            ["_0900_bin", "_nopad_bin"].contains { (collation ?? "").contains($0) }
        case .enumeration, .labelSet, .json, .other, .float32, .float64: false
        default: true
        }
    }
}

extension String {
    /// The text with everything inside quotes of any dialect taken out, for a search for words.
    package var withoutQuoted: String {
        var quote: Character?
        var kept = ""
        for character in self {
            if let open = quote {
                if character == open { quote = nil }
            } else if character == "\"" || character == "'" || character == "`" {
                quote = character
            } else {
                kept.append(character)
            }
        }
        return kept
    }
}
