internal import CMariaDB
import Foundation
import ReplicationModel

/// The way from an address to a connected handle: options, TLS, the password.
///
/// Connector/C 3.3 checks the certificate's chain as soon as it has an authority, and the name with
/// MYSQL_OPT_SSL_VERIFY_SERVER_CERT; from 3.4 on that option switches both. [measured with 3.3.20]
struct Login {
    let address: ServerAddress
    let password: String?
    let label: String
    let purpose: MySQLConnection.Purpose
    let readTimeoutSeconds: UInt32

    /// What never shows the password to whoever answers: no TLS, and nobody vouches for the server.
    private static let blindMethods = "mysql_native_password,client_ed25519"
    private static let tlsFailure: UInt32 = 2026
    private static let methodNotAllowed: UInt32 = 5010
    private static let library: Void = { _ = mysql_server_init(0, nil, nil) }()

    func connect() throws -> UnsafeMutablePointer<MYSQL> {
        _ = Self.library
        guard address.socket == nil, address.tls != .disable else {
            return try open(encrypted: false)
        }
        do { return try open(encrypted: true) } catch is ServerWithoutTLS {
            return try open(encrypted: false)
        }
    }

    /// `prefer` goes on without TLS only where the server has none.
    private struct ServerWithoutTLS: Error {}

    private func open(encrypted: Bool) throws -> UnsafeMutablePointer<MYSQL> {
        guard let handle = mysql_init(nil) else {
            throw ReplicationError(
                .internalFault, "connect to \(address.place)", why: "out of memory")
        }
        do {
            try setOptions(handle, encrypted: encrypted)
            try connect(handle, encrypted: encrypted)
        } catch {
            mysql_close(handle)
            throw error
        }
        if address.socket == nil { Self.keepAlive(mysql_get_socket(handle)) }
        return handle
    }

    private func connect(_ handle: UnsafeMutablePointer<MYSQL>, encrypted: Bool) throws {
        let file = OptionFile()
        let flags = UInt(CLIENT_FOUND_ROWS)
        guard
            mysql_real_connect(
                handle, address.host, address.user ?? file.user, password ?? file.password,
                address.database, address.port, address.socket, flags) != nil
        else { throw failure(handle, encrypted: encrypted) }
    }

    private func setOptions(_ handle: UnsafeMutablePointer<MYSQL>, encrypted: Bool) throws {
        func set<Value: BitwiseCopyable>(_ option: mysql_option, _ value: Value) throws {
            try check(withUnsafePointer(to: value) { mysql_options(handle, option, $0) }, option)
        }
        func set(_ option: mysql_option, text: String) throws {
            try check(mysql_options(handle, option, text), option)
        }
        try set(MYSQL_OPT_CONNECT_TIMEOUT, address.connectTimeoutSeconds)
        if readTimeoutSeconds > 0 { try set(MYSQL_OPT_READ_TIMEOUT, readTimeoutSeconds) }
        let viaSocket = address.socket != nil
        try set(
            MYSQL_OPT_PROTOCOL,
            (viaSocket ? MYSQL_PROTOCOL_SOCKET : MYSQL_PROTOCOL_TCP).rawValue)
        try set(MYSQL_SET_CHARSET_NAME, text: "utf8mb4")
        // 1 GB is the protocol's own limit (B28).
        try set(MYSQL_OPT_MAX_ALLOWED_PACKET, UInt(1 << 30))
        // A server may ask for a file at any time: only ours is ever sent (`LocalInfile`).
        try set(MYSQL_OPT_LOCAL_INFILE, UInt32(purpose == .target ? 1 : 0))
        try check(
            mysql_options4(
                handle, MYSQL_OPT_CONNECT_ATTR_ADD, "program_name", "martlet \(label)"),
            MYSQL_OPT_CONNECT_ATTR_ADD)
        try set(MYSQL_OPT_SSL_ENFORCE, my_bool(encrypted ? 1 : 0))
        try set(MYSQL_OPT_SSL_VERIFY_SERVER_CERT, my_bool(encrypted && verifiesName ? 1 : 0))
        if encrypted {
            let authority = address.rootCertificate.flatMap { $0 == "system" ? nil : $0 }
            let files = [
                (MYSQL_OPT_SSL_CA, "sslrootcert", authority),
                (MYSQL_OPT_SSL_CERT, "sslcert", address.certificate),
                (MYSQL_OPT_SSL_KEY, "sslkey", address.key),
            ]
            for case (let option, let name, let path?) in files {
                try checkReadable(path, name)
                try set(option, text: path)
            }
        } else if !viaSocket, !address.takesServerKey {
            try set(MARIADB_OPT_RESTRICTED_AUTH, text: Self.blindMethods)
        }
    }

    /// Where the library cannot check the chain alone, the name is checked as well: stricter than
    /// asked for is safe, looser is not.
    private var verifiesName: Bool {
        switch address.tls {
        case .verifyFull: true
        case .verifyCA: martlet_mysql_library_version() >= 30400
        case .disable, .prefer, .require: false
        }
    }

    /// The library says that there is no such file, and not which.
    private func checkReadable(_ path: String, _ parameter: String) throws {
        guard access(path, R_OK) != 0 else { return }
        throw ReplicationError(
            .authentication, "connect to MySQL or MariaDB at \(address.place)",
            why: "\(parameter) \(path): \(String(cString: strerror(errno)))",
            try: remedy(for: Self.tlsFailure))
    }

    private func check(_ status: Int32, _ option: mysql_option) throws {
        guard status == 0 else {
            throw ReplicationError(
                .internalFault, "connect to \(address.place)",
                why: "the client library does not take option \(option.rawValue)")
        }
    }

    /// A network that swallows packets is noticed within a minute, not after TCP's quarter hour.
    private static func keepAlive(_ socket: Int32) {
        let options = [
            (SOL_SOCKET, SO_KEEPALIVE, 1), (Int32(IPPROTO_TCP), TCP_KEEPIDLE, 10),
            (Int32(IPPROTO_TCP), TCP_KEEPINTVL, 10), (Int32(IPPROTO_TCP), TCP_KEEPCNT, 3),
            (Int32(IPPROTO_TCP), TCP_USER_TIMEOUT, Int32(60_000)),
        ]
        for (level, name, value) in options {
            var value = Int32(value)
            _ = setsockopt(socket, level, name, &value, socklen_t(MemoryLayout<Int32>.size))
        }
    }
}

// MARK: What went wrong

extension Login {
    private func failure(_ handle: UnsafeMutablePointer<MYSQL>, encrypted: Bool) -> any Error {
        let code = mysql_errno(handle)
        let message = MessageText.oneLine(String(cString: mysql_error(handle)))
        if code == Self.tlsFailure, encrypted, address.tls == .prefer,
            message.contains("server does not support it")
        {
            return ServerWithoutTLS()
        }
        let user = address.user.map { " as \($0)" } ?? ""
        return ReplicationError(
            kind(of: code, String(cString: mysql_sqlstate(handle))),
            "connect to MySQL or MariaDB at \(address.place)\(user)", why: message,
            try: remedy(for: code))
    }

    private func kind(of code: UInt32, _ sqlState: String) -> ReplicationError.Kind {
        switch code {
        // A database that is not there, or not for this user, is a mistake in the URL.
        case Self.tlsFailure, 1044, 1049: return .authentication
        default:
            let kind = MySQLError.kind(of: code, sqlState: sqlState)
            return kind == .internalFault || kind == .connectionLost ? .unreachable : kind
        }
    }

    private func remedy(for code: UInt32) -> String {
        switch code {
        case Self.methodNotAllowed:
            "sslmode=require in the URL, or get-server-public-key=true if the network is trusted"
        case Self.tlsFailure: "check sslmode, sslrootcert, sslcert and sslkey in the URL"
        case 2002, 2003, 2005:
            "see that the server runs and takes connections there, then start again"
        default:
            "check user, password (MARTLET_SOURCE_PASSWORD, MARTLET_TARGET_PASSWORD, ~/.my.cnf), "
                + "database and sslmode in the URL"
        }
    }
}
