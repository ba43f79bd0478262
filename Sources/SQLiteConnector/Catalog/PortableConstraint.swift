internal import Foundation
internal import ReplicationModel

/// What of the source's indexes and foreign keys means the same in SQLite.
enum PortableConstraint {
    /// The index's columns; nil with a reason if the index cannot be carried.
    static func columns(_ index: Index) -> Result<[String], Refusal> {
        let definition = index.definition.withoutQuoted.uppercased()
        if index.columns.isEmpty { return .failure(.init("it is on an expression")) }
        if index.isConstraint {
            let isKey = definition.hasPrefix("UNIQUE") || definition.hasPrefix("PRIMARY KEY")
            return isKey
                ? .success(index.columns) : .failure(.init("SQLite has no such constraint"))
        }
        if definition.contains(" WHERE ") { return .failure(.init("it is partial")) }
        if let method = method(definition), !["BTREE", "HASH"].contains(method) {
            return .failure(.init("SQLite has no \(method.lowercased()) index"))
        }
        return .success(index.columns)
    }

    struct Refusal: Error {
        var reason: String

        init(_ reason: String) { self.reason = reason }
    }

    private static func method(_ definition: String) -> String? {
        let words = definition.split { !$0.isLetter && !$0.isNumber && $0 != "_" }
        guard let place = words.firstIndex(of: "USING"), place + 1 < words.count else { return nil }
        return String(words[place + 1])
    }

    /// The FOREIGN KEY clause, to the referenced table under its name at the target; nil if an
    /// action names columns, which SQLite cannot say.
    static func clause(_ key: ForeignKey, to target: String) -> String? {
        let columns = key.columns.map(\.quotedIdentifier).joined(separator: ", ")
        let others = key.referencedColumns.map(\.quotedIdentifier).joined(separator: ", ")
        let words = key.definition.withoutQuoted.uppercased()
            .split(whereSeparator: \.isWhitespace).joined(separator: " ")
        var clause =
            "CONSTRAINT \(key.name.quotedIdentifier) FOREIGN KEY (\(columns)) "
            + "REFERENCES \(target.quotedIdentifier) (\(others))"
        for event in ["ON UPDATE", "ON DELETE"] {
            guard let place = words.range(of: event) else { continue }
            let rest = words[place.upperBound...].trimmingPrefix(" ")
            let actions = ["CASCADE", "SET NULL", "SET DEFAULT", "RESTRICT", "NO ACTION"]
            guard let action = actions.first(where: { rest.hasPrefix($0) }) else { return nil }
            if rest.dropFirst(action.count).trimmingPrefix(" ").hasPrefix("(") { return nil }
            clause += " \(event) \(action)"
        }
        if words.contains("INITIALLY DEFERRED") { clause += " DEFERRABLE INITIALLY DEFERRED" }
        return clause
    }
}

extension String {
    /// The text with everything inside double and single quotes taken out, for a search for words.
    var withoutQuoted: String {
        var quote: Character?
        var kept = ""
        for character in self {
            if let open = quote {
                if character == open { quote = nil }
            } else if character == "\"" || character == "'" {
                quote = character
            } else {
                kept.append(character)
            }
        }
        return kept
    }
}
