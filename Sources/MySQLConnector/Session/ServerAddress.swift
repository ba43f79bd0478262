import Foundation
internal import ReplicationModel

/// Where a server is and how to get in, from
/// `mysql://user@host:port/database?socket=/path&sslmode=require`.
///
/// TLS is named as libpq names it, with the same meanings, so that both ends of a pipeline are
/// written alike. Source: PostgreSQL documentation, "SSL Mode Descriptions".
struct ServerAddress: Equatable {
    enum TLSMode: String, CaseIterable {
        case disable, prefer, require
        case verifyCA = "verify-ca"
        case verifyFull = "verify-full"
    }

    var user: String?
    var host = "localhost"
    var port: UInt32 = 3306
    var database: String?
    /// A unix socket: host and port mean nothing then, and neither does TLS.
    var socket: String?
    var tls = TLSMode.prefer
    var rootCertificate: String?
    var certificate: String?
    var key: String?
    /// `get-server-public-key=true`: without TLS, a password may be encrypted with a key that
    /// whoever answers hands out.
    var takesServerKey = false
    var connectTimeoutSeconds: UInt32 = 10

    /// - Throws: `.configuration`; the message names the part, never the URL.
    init(parsing url: String) throws {
        guard let scheme = url.range(of: "://") else { throw Self.malformed("'://' is missing") }
        let (place, query) = Self.cut(url[scheme.upperBound...], at: "?")
        let (server, path) = Self.cut(place, at: "/")
        if let end = server.lastIndex(of: "@") {
            let (user, _) = Self.cut(server[..<end], at: ":")
            self.user = user.isEmpty ? nil : try Self.decoded(user)
            try take(server: server[server.index(after: end)...])
        } else {
            try take(server: server)
        }
        if let path, !path.isEmpty { database = try Self.decoded(path) }
        for pair in (query ?? "").split(separator: "&") {
            let (name, value) = Self.cut(pair, at: "=")
            try take(parameter: String(name), Self.decoded(value ?? ""))
        }
    }

    /// For messages: where the connection was meant to go.
    var place: String { socket ?? "\(host):\(port)" }

    private mutating func take(server: Substring) throws {
        guard !server.contains(",") else { throw Self.malformed("it names several hosts") }
        var name = server
        var port: Substring?
        if server.hasPrefix("["), let end = server.firstIndex(of: "]") {
            name = server[server.index(after: server.startIndex)..<end]
            let rest = server[server.index(after: end)...]
            port = rest.hasPrefix(":") ? rest.dropFirst() : nil
        } else {
            (name, port) = Self.cut(server, at: ":")
        }
        if !name.isEmpty { host = try Self.decoded(name) }
        guard let port, !port.isEmpty else { return }
        guard let number = UInt16(port) else { throw Self.malformed("its port is no port") }
        self.port = UInt32(number)
    }

    private mutating func take(parameter name: String, _ value: String) throws {
        switch name {
        case "socket": socket = value
        case "user": user = value
        case "dbname": database = value
        case "sslrootcert": rootCertificate = value
        case "sslcert": certificate = value
        case "sslkey": key = value
        case "sslmode":
            guard let mode = TLSMode(rawValue: value) else {
                let known = TLSMode.allCases.map(\.rawValue).joined(separator: ", ")
                throw Self.malformed("sslmode is none of \(known)")
            }
            tls = mode
        case "get-server-public-key":
            guard let wanted = Bool(value) else { throw Self.malformed("\(name) is true or false") }
            takesServerKey = wanted
        case "connect_timeout":
            guard let seconds = UInt32(value), (1...3600).contains(seconds) else {
                throw Self.malformed("connect_timeout is 1 to 3600 seconds")
            }
            connectTimeoutSeconds = seconds
        default: throw Self.malformed("'\(name)' is no parameter of a mysql URL")
        }
    }

    private static func cut(_ text: Substring, at separator: Character) -> (Substring, Substring?) {
        guard let index = text.firstIndex(of: separator) else { return (text, nil) }
        return (text[..<index], text[text.index(after: index)...])
    }

    private static func decoded(_ text: Substring) throws -> String {
        guard let plain = text.removingPercentEncoding else {
            throw malformed("a % in it is not followed by two hexadecimal digits")
        }
        return plain
    }

    private static func malformed(_ why: String) -> ReplicationError {
        ReplicationError(
            .configuration, "read a database URL", why: why,
            try: "mysql://user@host:3306/database?sslmode=verify-full&sslrootcert=ca.crt")
    }
}
