import Foundation
import ReplicationModel

/// Puts environment variables and files in place of `${NAME}` and `${file:/path}`.
///
/// `$${` stands for a literal `${`. What is put in is not looked at again. A file's last line
/// break is dropped, because editors add one to secrets.
struct Substitution {
    let environment: [String: String]

    /// - Throws: `.configuration` if a variable is not set or a file cannot be read; never holds
    ///   what was put in.
    func apply(to text: String, place: String) throws -> String {
        var result = ""
        var rest = text[...]
        while let start = rest.range(of: "${") {
            let before = rest[..<start.lowerBound]
            rest = rest[start.upperBound...]
            if before.hasSuffix("$") {
                result += before.dropLast() + "${"
                continue
            }
            guard let end = rest.firstIndex(of: "}") else {
                throw failure("${", place, "it is not closed by }")
            }
            result += before + (try value(of: String(rest[..<end]), place))
            rest = rest[rest.index(after: end)...]
        }
        return result + rest
    }

    private func value(of name: String, _ place: String) throws -> String {
        if name.hasPrefix("file:") {
            let path = String(name.dropFirst(5))
            guard let data = FileManager.default.contents(atPath: path) else {
                throw failure("${\(name)}", place, "the file \(path) cannot be read")
            }
            var text = String(decoding: data, as: UTF8.self)
            if text.hasSuffix("\n") || text.hasSuffix("\r\n") { text.removeLast() }
            return text
        }
        guard let value = environment[name] else {
            throw failure("${\(name)}", place, "the environment variable \(name) is not set")
        }
        return value
    }

    private func failure(_ what: String, _ place: String, _ why: String) -> ReplicationError {
        ReplicationError(
            .configuration, "put in the value of \(what)", place: place, why: why,
            try: "a literal ${ is written $${")
    }
}
