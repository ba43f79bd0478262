package import ReplicationModel

/// Names and literals for statements, under the session's fixed `sql_mode`.
package enum SQLText {
    /// A name in backquotes.
    package static func name(_ text: String) -> String {
        "`" + text.replacing("`", with: "``") + "`"
    }

    /// `` `schema`.`name` ``.
    package static func name(_ table: TableName) -> String {
        name(table.schema) + "." + name(table.name)
    }

    /// A string literal. Backslash escapes are on (`NO_BACKSLASH_ESCAPES` is not in our mode).
    package static func literal(_ text: String) -> String {
        "'" + text.replacing("\\", with: "\\\\").replacing("'", with: "''") + "'"
    }

    /// The bytes of a text. `CAST(... AS BINARY)` would be NULL in MariaDB for what is longer than
    /// `max_allowed_packet` (B28).
    package static func bytes(of text: String) -> String { "CONVERT(\(text) USING binary)" }

    /// A text in UTF-8, whatever its own character set is.
    package static func utf8(_ text: String) -> String { "CONVERT(\(text) USING utf8mb4)" }

    /// Bytes as a literal that no character set touches; empty as `''`, since `x''` is the same.
    package static func literal(bytes: some Sequence<UInt8>) -> String {
        let digits = Array("0123456789ABCDEF".utf8)
        var text: [UInt8] = Array("x'".utf8)
        for byte in bytes {
            text.append(digits[Int(byte >> 4)])
            text.append(digits[Int(byte & 15)])
        }
        text.append(UInt8(ascii: "'"))
        return String(decoding: text, as: UTF8.self)
    }
}
