internal import CMariaDB
import Foundation
package import ReplicationModel

/// Maps the client library's and the server's errors to `ReplicationError`.
///
/// Source: MySQL Server Error Reference, MariaDB Error Code Reference, `errmsg.h` for the client's
/// own (2000...2999 and 5000...5999).
package enum MySQLError {
    /// An error of the server together with its number, for callers that decide by it.
    package struct Server: Error {
        package var code: UInt32
        package var sqlState: String
        /// The server's words. They may hold row values (I9): show `reason` instead.
        package var message: String
        /// The first words of the statement.
        package var statement: String

        /// As the engine's error, at a place that the caller knows.
        package func replicationError(
            position: LogPosition? = nil, table: TableName? = nil
        ) -> ReplicationError {
            var told = ReplicationError(
                MySQLError.kind(of: code, sqlState: sqlState), "run \(statement)",
                position: position, table: table, column: column, why: reason,
                try: MySQLError.remedy(for: code))
            if code == 1452 { told.foreignKey = named("CONSTRAINT `", until: "`") }
            return told
        }

        /// The server's words, unless they may quote a row's value or the statement.
        package var reason: String {
            let words = mayQuote ? quotable : MessageText.oneLine(message)
            return "\(words) (error \(code), SQLSTATE \(sqlState))"
        }

        /// Data and constraint errors quote what they refuse, a syntax error quotes the statement,
        /// and what users' own code signals may say anything. These name only columns and keys.
        private var mayQuote: Bool {
            if [1048, 1264, 1265, 1364, 1406, 1451, 1452, 3819, 4025].contains(code) {
                return false
            }
            return ["22", "23", "45"].contains(String(sqlState.prefix(2)))
                || [1064, 1105, 1149, 1366, 1411, 1525, 1557, 1586, 1690, 3140].contains(code)
        }

        private var quotable: String {
            switch code {
            case 1062, 1557, 1586: "a row with the same value of a unique key is there" + keyName
            case 1064, 1149: "the server does not understand the statement"
            default: "the server refused a value"
            }
        }

        private var keyName: String {
            named("for key '", until: "'").map { ", key \($0)" } ?? ""
        }

        /// "... for column 'c' at row 1", "Column 'c' cannot be null".
        private var column: String? { named("olumn '", until: "'") }

        private func named(_ before: String, until after: Character) -> String? {
            guard let start = message.range(of: before, options: .backwards),
                let end = message[start.upperBound...].firstIndex(of: after)
            else { return nil }
            return String(message[start.upperBound..<end])
        }
    }

    /// The handle's last error; the link's if that is what it is.
    static func last(_ handle: UnsafeMutablePointer<MYSQL>, _ label: String, _ what: String)
        -> any Error
    {
        let code = mysql_errno(handle)
        let message = String(cString: mysql_error(handle))
        if lostCodes.contains(code) || code == 0 {
            return ReplicationError(
                .connectionLost, "run \(MessageText.outline(what)) on connection '\(label)'",
                why: code == 0 ? "the server closed the connection" : MessageText.oneLine(message))
        }
        return Server(
            code: code, sqlState: String(cString: mysql_sqlstate(handle)), message: message,
            statement: MessageText.outline(what))
    }
}

extension Error {
    /// Any error of this module as the engine's.
    package func asReplicationError(
        position: LogPosition? = nil, table: TableName? = nil
    ) -> ReplicationError {
        switch self {
        case let error as ReplicationError: error
        case let error as MySQLError.Server:
            error.replicationError(position: position, table: table)
        default:
            ReplicationError(
                .internalFault, "work with MySQL or MariaDB", why: String(describing: self))
        }
    }
}
