import Foundation
package import ReplicationModel

/// JSON whose keys come out in the order they were given and whose numbers keep every digit.
/// (`JSONEncoder` hashes keys and reads numbers into `Double`.)
package enum JSONValue: Sendable, Equatable {
    case null
    case bool(Bool)
    case integer(Int64)
    /// Not finite values become null.
    case double(Double)
    /// A number's text, already known to be one.
    case number(String)
    case string(String)
    case array([JSONValue])
    case object([(String, JSONValue)])

    package static func == (a: JSONValue, b: JSONValue) -> Bool { a.compact == b.compact }

    package static func optional(_ text: String?) -> JSONValue {
        text.map(JSONValue.string) ?? .null
    }
    package static func optional(_ number: Int64?) -> JSONValue {
        number.map(JSONValue.integer) ?? .null
    }
    package static func optional(_ position: LogPosition?) -> JSONValue {
        optional(position?.description)
    }
    /// Seconds, to the millisecond.
    package static func seconds(_ value: Double?) -> JSONValue {
        value.map { .double(($0 * 1000).rounded() / 1000) } ?? .null
    }

    /// One line without blanks.
    package var compact: String {
        var text = ""
        write(to: &text)
        return text
    }

    package func write(to text: inout String) {
        switch self {
        case .null: text += "null"
        case .bool(let value): text += value ? "true" : "false"
        case .integer(let value): text += String(value)
        case .double(let value): text += value.isFinite ? "\(value)" : "null"
        case .number(let digits): text += digits
        case .string(let value): Self.quote(value, into: &text)
        case .array(let items): Self.list("[", items, "]", into: &text) { $0.write(to: &$1) }
        case .object(let entries):
            Self.list("{", entries, "}", into: &text) { entry, text in
                Self.quote(entry.0, into: &text)
                text += ":"
                entry.1.write(to: &text)
            }
        }
    }

    private static func list<Item>(
        _ open: String, _ items: [Item], _ close: String, into text: inout String,
        _ write: (Item, inout String) -> Void
    ) {
        text += open
        for (index, item) in items.enumerated() {
            if index > 0 { text += "," }
            write(item, &text)
        }
        text += close
    }

    /// Escapes what RFC 8259 asks for: quote, backslash, control characters.
    static func quote(_ value: String, into text: inout String) {
        text += "\""
        for scalar in value.unicodeScalars {
            switch scalar {
            case "\"": text += "\\\""
            case "\\": text += "\\\\"
            case "\n": text += "\\n"
            case "\r": text += "\\r"
            case "\t": text += "\\t"
            case _ where scalar.value < 0x20: text += String(format: "\\u%04x", scalar.value)
            default: text.unicodeScalars.append(scalar)
            }
        }
        text += "\""
    }
}

/// What a command has to say at its end, for people and for programs.
package protocol Report {
    /// An object that begins with `"schema": 1`.
    var json: JSONValue { get }
    /// Lines of at most 80 columns where that is possible.
    var lines: [String] { get }
    var exitCode: Int32 { get }
}

extension Report {
    package func output(json asJSON: Bool) -> String {
        asJSON ? json.compact + "\n" : lines.map { $0 + "\n" }.joined()
    }
}
