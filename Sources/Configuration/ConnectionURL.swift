import Foundation
import ReplicationModel

/// A text that must not be shown: printing, interpolation and reflection give `***`.
package struct Secret: Hashable, Sendable, CustomStringConvertible, CustomReflectable {
    package let text: String

    package init(_ text: String) { self.text = text }

    package var description: String { "***" }
    package var customMirror: Mirror { Mirror(self, children: []) }
}

/// Where a database is. Its description never shows a password.
package struct ConnectionURL: Hashable, Sendable, CustomStringConvertible {
    package enum Engine: String, Sendable { case postgres, mysql, sqlite }

    package let engine: Engine
    /// For the client library, without the password; for SQLite the path.
    package let address: String
    package let password: Secret?
    /// The database's name; nil if the URL leaves it to the server.
    package let database: String?
    /// May be shown: a password in it reads `***`.
    package let redacted: String

    package var description: String { redacted }

    /// The same place with this password, if there is one.
    package func with(password: String?) -> ConnectionURL {
        guard let password, !password.isEmpty else { return self }
        return ConnectionURL(
            engine: engine, address: address, password: Secret(password), database: database,
            redacted: redacted)
    }

    private init(
        engine: Engine, address: String, password: Secret?, database: String?, redacted: String
    ) {
        self.engine = engine
        self.address = address
        self.password = password
        self.database = database
        self.redacted = redacted
    }

    /// - Throws: `.configuration` without place; the message never repeats the text, because a
    ///   mistyped URL may hold a password.
    package init(parsing text: String) throws {
        guard let colon = text.firstIndex(of: ":") else { throw Self.malformed("it has no scheme") }
        let rest = text[text.index(after: colon)...]
        switch text[..<colon].lowercased() {
        case "sqlite": try self.init(sqlite: rest)
        case "postgres", "postgresql": try self.init(server: rest, .postgres)
        case "mysql", "mariadb": try self.init(server: rest, .mysql)
        case let scheme where scheme.allSatisfy { $0.isASCII && $0.isLetter }:
            throw Self.malformed("'\(scheme):' is no scheme that Martlet knows")
        default: throw Self.malformed("it does not begin with a scheme")
        }
    }

    private init(sqlite rest: Substring) throws {
        let path = rest.hasPrefix("//") ? String(rest.dropFirst(2)) : String(rest)
        guard !path.isEmpty, path != ":memory:" else {
            throw Self.malformed(
                path.isEmpty ? "it names no file" : "a database in memory is gone when run ends")
        }
        let file = (path as NSString).lastPathComponent as NSString
        self.init(
            engine: .sqlite, address: path, password: nil, database: file.deletingPathExtension,
            redacted: "sqlite:\(path)")
    }

    /// Splits where libpq does: the user part ends at the first `@` before the first `/`.
    private init(server rest: Substring, _ engine: Engine) throws {
        guard rest.hasPrefix("//") else { throw Self.malformed("'//' is missing") }
        let (login, place) = Self.login(of: rest.dropFirst(2))
        let (beforeQuery, query) = Self.cut(place, at: "?")
        let (host, path) = Self.cut(beforeQuery, at: "/")
        try Self.check(host: host, path: path)
        let (user, inLogin) = Self.cut(login ?? "", at: ":")
        let parameters = Self.parameters(query)
        let inQuery = parameters.first { $0.name == "password" }?.value
        let password = try (inQuery ?? inLogin.map(String.init)).map(Self.decoded)

        func assemble(_ shown: String, _ value: (Parameter) -> String?) -> String {
            let pairs = parameters.compactMap { p in value(p).map { "\(p.name)=\($0)" } }
            return "\(engine.rawValue)://" + (login == nil ? "" : "\(user)\(shown)@") + host
                + (path.map { "/\($0)" } ?? "")
                + (pairs.isEmpty ? "" : "?" + pairs.joined(separator: "&"))
        }
        let inPath = try path.map { try Self.decoded(String($0)) } ?? ""
        let inParameters = parameters.first { $0.name == "dbname" }?.value
        self.init(
            engine: engine,
            address: assemble("") { $0.name == "password" ? nil : $0.value },
            password: password.flatMap { $0.isEmpty ? nil : Secret($0) },
            database: inPath.isEmpty ? try inParameters.map(Self.decoded) : inPath,
            redacted: assemble(inLogin == nil ? "" : ":***") {
                $0.name.lowercased().contains("password") ? "***" : $0.value
            })
    }

    private static func login(of body: Substring) -> (login: Substring?, rest: Substring) {
        guard let end = body.firstIndex(where: { $0 == "@" || $0 == "/" }), body[end] == "@" else {
            return (nil, body)
        }
        return (body[..<end], body[body.index(after: end)...])
    }

    /// Refuses what is probably a piece of a password, before a message of the client library
    /// repeats it.
    private static func check(host: Substring, path: Substring?) throws {
        guard !host.contains("@"), !(path ?? "").contains("@") else {
            throw malformed("an @ or / in user, password or database must be written %40 or %2F")
        }
        for one in host.split(separator: ",") {
            let port = (one.split(separator: "]").last ?? "").split(separator: ":").dropFirst()
            guard port.allSatisfy({ $0.allSatisfy(\.isNumber) }) || one.hasSuffix("]") else {
                throw malformed("what follows the ':' of the host is no port")
            }
        }
    }

    private typealias Parameter = (name: String, value: String)

    private static func parameters(_ query: Substring?) -> [Parameter] {
        (query ?? "").split(separator: "&").map { pair in
            let (name, value) = cut(pair, at: "=")
            return (String(name), String(value ?? ""))
        }
    }

    private static func cut(_ text: Substring, at separator: Character)
        -> (Substring, Substring?)
    {
        guard let index = text.firstIndex(of: separator) else { return (text, nil) }
        return (text[..<index], text[text.index(after: index)...])
    }

    private static func decoded(_ text: String) throws -> String {
        guard let plain = text.removingPercentEncoding else {
            throw malformed("a % in it is not followed by two hexadecimal digits")
        }
        return plain
    }

    private static func malformed(_ why: String) -> ReplicationError {
        ReplicationError(
            .configuration, "read a database URL", why: why,
            try: "postgres://user@host:port/database or sqlite:path.db")
    }
}
