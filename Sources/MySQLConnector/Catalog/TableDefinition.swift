internal import Foundation
internal import ReplicationModel

/// A table's foreign keys and checks, out of SHOW CREATE TABLE.
///
/// MariaDB shows neither in `information_schema` to a user who has SELECT and nothing more, so that
/// cascades would go unseen (B33); this statement it answers whole.
struct TableDefinition {
    private(set) var foreignKeys: [ForeignKey] = []
    private(set) var checks: [CheckConstraint] = []
    private let logsActions: Bool

    /// nil if there is no such table any more.
    init?(_ connection: MySQLConnection, _ table: TableName) throws {
        do {
            let answer = try connection.query("SHOW CREATE TABLE \(SQLText.name(table))")
            self.init(
                parsing: answer.text(0, 1) ?? "", of: table,
                logsActions: connection.facts.logsForeignKeyActions)
        } catch let error as MySQLError.Server where error.code == Self.noSuchTable {
            return nil
        }
    }

    private static let noSuchTable: UInt32 = 1146

    /// - Parameters:
    ///   - statement: as the servers print it, with all names in backquotes
    ///     (`sql_quote_show_create`).
    ///   - logsActions: what a foreign key does to rows is in the server's log.
    init(parsing statement: String, of table: TableName, logsActions: Bool = true) {
        self.logsActions = logsActions
        let body = DefinitionPiece.split(statement).compactMap(\.group).first ?? ""
        for item in DefinitionPiece.split(body).split(separator: .word(",")) {
            read(Array(item), table)
        }
    }

    private mutating func read(_ item: [DefinitionPiece], _ table: TableName) {
        var pieces = item[...]
        // A check of one column, as MariaDB has it, is called like the column.
        let isConstraint = pieces.first == .word("CONSTRAINT")
        if isConstraint { pieces.removeFirst() }
        guard let name = pieces.popFirst()?.name else { return }
        if isConstraint, pieces.starts(with: [.word("FOREIGN"), .word("KEY")]) {
            let key = Self.foreignKey(name, Array(pieces), table, logsActions: logsActions)
            if let key { foreignKeys.append(key) }
        } else if let place = pieces.firstIndex(of: .word("CHECK")),
            let clause = pieces[place...].dropFirst().first?.group
        {
            checks.append(CheckConstraint(name: name, definition: "CHECK (\(clause))"))
        }
    }

    private static func foreignKey(
        _ name: String, _ pieces: [DefinitionPiece], _ table: TableName, logsActions: Bool
    ) -> ForeignKey? {
        let lists = pieces.compactMap(\.group)
        // The tables' own names: schema and name, or the name alone.
        let referenced = pieces.compactMap(\.name)
        guard lists.count >= 2, let last = referenced.last else { return nil }
        let rules = pieces.lastIndex { $0.group != nil }.map { pieces[$0...].dropFirst() } ?? []
        let actions = rules.compactMap(\.word).joined(separator: " ")
        let parent = TableName(
            schema: referenced.count > 1 ? referenced[0] : table.schema, name: last)
        let known = UnloggedActions(
            onDelete: action("ON DELETE", actions), onUpdate: action("ON UPDATE", actions))
        var key = ForeignKey(
            name: name, columns: names(lists[0]), referenced: parent,
            referencedColumns: names(lists[1]),
            definition: "FOREIGN KEY (\(lists[0])) REFERENCES \(SQLText.name(parent)) (\(lists[1]))"
                + (actions.isEmpty ? "" : " \(actions)"),
            changesRows: known.onDelete != .none || known.onUpdate != .none, isDeferrable: false)
        if key.changesRows, !logsActions { key.unlogged = known }
        return key
    }

    private static func action(_ event: String, _ actions: String) -> UnloggedActions.Action {
        guard let place = actions.range(of: event) else { return .none }
        let action = actions[place.upperBound...].drop { $0 == " " }
        let changing: [UnloggedActions.Action] = [.cascade, .setNull, .setDefault]
        return changing.first { action.hasPrefix($0.rawValue) } ?? .none
    }

    private static func names(_ list: String) -> [String] {
        DefinitionPiece.split(list).compactMap(\.name)
    }
}

/// A definition cut into what stands side by side in it.
enum DefinitionPiece: Equatable {
    /// In upper case.
    case word(String)
    /// In backquotes.
    case name(String)
    case string(String)
    /// Between parentheses, as it is written.
    case group(String)

    var word: String? { if case .word(let text) = self { text } else { nil } }
    var name: String? { if case .name(let text) = self { text } else { nil } }
    var string: String? { if case .string(let text) = self { text } else { nil } }
    var group: String? { if case .group(let text) = self { text } else { nil } }

    static func split(_ text: String) -> [DefinitionPiece] {
        // Bytes: a name may begin with a mark that would be one character with the quote before it.
        var rest = Array(text.utf8)[...]
        var pieces: [DefinitionPiece] = []
        while let first = rest.first {
            switch first {
            case backquote: pieces.append(.name(quoted(&rest)))
            case quote, doubleQuote: pieces.append(.string(quoted(&rest)))
            case open: pieces.append(.group(group(&rest)))
            case comma:
                rest.removeFirst()
                pieces.append(.word(","))
            case ...space: rest.removeFirst()
            default: pieces.append(.word(word(&rest)))
            }
        }
        return pieces
    }

    private static let backquote = UInt8(ascii: "`")
    private static let quote = UInt8(ascii: "'")
    private static let doubleQuote = UInt8(ascii: "\"")
    private static let backslash = UInt8(ascii: "\\")
    private static let open = UInt8(ascii: "(")
    private static let close = UInt8(ascii: ")")
    private static let comma = UInt8(ascii: ",")
    private static let space = UInt8(ascii: " ")

    private static func word(_ rest: inout ArraySlice<UInt8>) -> String {
        let word = rest.prefix {
            $0 > space && ![backquote, quote, doubleQuote, open, comma].contains($0)
        }
        rest = rest[word.endIndex...]
        return String(decoding: word, as: UTF8.self).uppercased()
    }

    /// What the servers put in quotes, taken out of them: doubled quotes, and in strings the
    /// backslash before what does not print.
    private static func quoted(_ rest: inout ArraySlice<UInt8>) -> String {
        let quote = rest.removeFirst()
        var text: [UInt8] = []
        while let next = rest.popFirst() {
            if next == backslash, quote != backquote, let escaped = rest.popFirst() {
                text.append(meaning[escaped] ?? escaped)
            } else if next == quote {
                guard rest.first == quote else { break }
                text.append(rest.removeFirst())
            } else {
                text.append(next)
            }
        }
        return String(decoding: text, as: UTF8.self)
    }

    private static let meaning: [UInt8: UInt8] = [
        UInt8(ascii: "0"): 0, UInt8(ascii: "n"): 10, UInt8(ascii: "r"): 13, UInt8(ascii: "t"): 9,
        UInt8(ascii: "Z"): 26,
    ]

    private static func group(_ rest: inout ArraySlice<UInt8>) -> String {
        rest.removeFirst()
        let inside = rest
        var depth = 1
        while let next = rest.first {
            switch next {
            case backquote, quote, doubleQuote:
                _ = quoted(&rest)
                continue
            case open: depth += 1
            case close: depth -= 1
            default: break
            }
            if depth == 0 { break }
            rest.removeFirst()
        }
        let end = rest.startIndex
        _ = rest.popFirst()
        return String(decoding: inside[..<end], as: UTF8.self)
    }
}
