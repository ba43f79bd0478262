internal import CLibPQ
import Foundation
package import ReplicationModel

/// Maps libpq's and the server's errors to `ReplicationError`.
///
/// Source: PostgreSQL documentation, appendix "PostgreSQL Error Codes".
package enum PGError {
    /// A server error together with its SQLSTATE, for callers that decide by it. Only the primary
    /// message is kept: DETAIL may hold row values (I9).
    package struct Server: Error {
        package var sqlState: String
        package var message: String
        package var schema: String?
        package var table: String?
        package var column: String?
        package var constraint: String?
        package var statement: String

        /// As the engine's error, at a place that the caller knows.
        package func replicationError(
            position: LogPosition? = nil, table name: TableName? = nil
        ) -> ReplicationError {
            var told = ReplicationError(
                PGError.kind(ofState: sqlState), "run \(statement)", position: position,
                table: name ?? namedTable, column: column, why: reason,
                try: PGError.remedy(forState: sqlState))
            if sqlState == "23503" { told.foreignKey = constraint }
            return told
        }

        /// The server's words, unless they may hold a row's value (I9): data exceptions quote what
        /// they refuse, and what users' own code raises may say anything.
        private var reason: String {
            let isTooLong = sqlState == "22001"  // names the type only
            let mayQuote = (sqlState.hasPrefix("22") && !isTooLong) || sqlState.hasPrefix("P0")
            let words = mayQuote ? "the server refused a value" : MessageText.oneLine(message)
            return "\(words) (SQLSTATE \(sqlState))"
        }

        private var namedTable: TableName? {
            guard let schema, let table else { return nil }
            return TableName(schema: schema, name: table)
        }
    }

    static func from(_ result: OpaquePointer, _ connection: PGConnection, _ what: String)
        -> any Error
    {
        func field(_ code: Int32) -> String? {
            PQresultErrorField(result, code).map { String(cString: $0) }
        }
        guard connection.isAlive, let state = field(Int32(UInt8(ascii: "C"))) else {
            return lost(connection, what, field(Int32(UInt8(ascii: "M"))))
        }
        return Server(
            sqlState: state, message: field(Int32(UInt8(ascii: "M"))) ?? "",
            schema: field(Int32(UInt8(ascii: "s"))), table: field(Int32(UInt8(ascii: "t"))),
            column: field(Int32(UInt8(ascii: "c"))),
            constraint: field(Int32(UInt8(ascii: "n"))), statement: MessageText.outline(what)
        )
    }

    static func lost(_ connection: PGConnection, _ what: String, _ message: String? = nil)
        -> ReplicationError
    {
        let text = message ?? String(cString: PQerrorMessage(connection.handle))
        return ReplicationError(
            .connectionLost, "run \(MessageText.outline(what)) on connection '\(connection.label)'",
            why: MessageText.oneLine(text))
    }

    static func connectFailure(_ handle: OpaquePointer) -> ReplicationError {
        let message = MessageText.oneLine(String(cString: PQerrorMessage(handle)))
        let host = PQhost(handle).map { String(cString: $0) } ?? ""
        let port = PQport(handle).map { String(cString: $0) } ?? ""
        let user = PQuser(handle).map { String(cString: $0) } ?? ""
        let place = "PostgreSQL at \(host):\(port)"
        if isRefusal(message) {
            return ReplicationError(
                .authentication, "connect to \(place) as \(user)", why: message,
                try:
                    "check user, password (PGPASSFILE, MARTLET_SOURCE_PASSWORD, "
                    + "MARTLET_TARGET_PASSWORD) and sslmode in the URL"
            )
        }
        return ReplicationError(
            .unreachable, "connect to \(place)", why: message,
            try: "see that the server runs and takes connections there, then start again")
    }

    /// Whether the server answered and does not let us in. libpq gives no SQLSTATE for a failed
    /// connection: the words are all there is, those in quotes left out, which are names.
    static func isRefusal(_ message: String) -> Bool {
        let words = message.replacing(/"[^"]*"/, with: "").lowercased()
        return [
            "password", "authentication", "pg_hba", "certificate", "does not exist",
            "not permitted to log in", "permission denied for database",
        ].contains(where: words.contains)
    }

    static func kind(ofState state: String) -> ReplicationError.Kind {
        switch state {
        case "40001", "40P01": .deadlock
        case "55P03", "53300", "57P03": .serverBusy
        case "57P01", "57P02", "57014", "08000", "08003", "08006": .connectionLost
        case "53100", "53200", "53000", "25006", "58030": .targetUnavailable
        case "28000", "28P01": .authentication
        case "42501": .privilege
        case "53400": .slotExhausted
        case "55006": .slotActive
        case "23505", "23503", "23514", "23502", "23P01": .rowConflict
        case let state where state.hasPrefix("22"): .invalidValue
        case let state where state.hasPrefix("42") || state.hasPrefix("3F"): .unfitSchema
        case let state where state.hasPrefix("0A"): .unsupported
        default: .internalFault
        }
    }

    static func remedy(forState state: String) -> String? {
        switch state {
        case "53100": "free disk space there; the next attempt or start goes on from the checkpoint"
        case "25006": "make the target writable (default_transaction_read_only, or promote it)"
        case "42501": "martlet check PIPELINE --print-grants"
        default: nil
        }
    }
}

extension Error {
    /// Any error of this module as the engine's.
    package func asReplicationError(
        position: LogPosition? = nil, table: TableName? = nil
    ) -> ReplicationError {
        switch self {
        case let error as ReplicationError: error
        case let error as PGError.Server: error.replicationError(position: position, table: table)
        default:
            ReplicationError(.internalFault, "work with PostgreSQL", why: String(describing: self))
        }
    }
}
