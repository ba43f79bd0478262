internal import CMariaDB
import ReplicationModel

/// Answers the server's request for a local file: with our rows while a load runs, with a refusal
/// at any other time. The library's own handler would open whatever file the server names.
final class LocalInfile {
    /// The name in our statements; it is no file.
    private static let name = "martlet"

    private var supply: ((UnsafeMutableRawBufferPointer) throws -> Int)?
    private var error: (any Error)?
    private weak var connection: MySQLConnection?

    /// The connection owns this object, so that it lives as long as the handle.
    func attach(to connection: MySQLConnection) {
        self.connection = connection
        mysql_set_local_infile_handler(
            connection.handle,
            { state, name, owner in
                state?.pointee = owner
                guard let owner, let name else { return 1 }
                return LocalInfile.at(owner).begins(String(cString: name)) ? 0 : 1
            },
            { state, buffer, length in
                guard let state, let buffer else { return -1 }
                return LocalInfile.at(state).read(
                    UnsafeMutableRawBufferPointer(start: buffer, count: Int(length)))
            },
            { _ in },
            { _, message, length in
                if let message, length > 0 { message.pointee = 0 }
                return 2000  // CR_UNKNOWN_ERROR: `takeError` knows more
            },
            Unmanaged.passUnretained(self).toOpaque())
    }

    func armed<Result>(
        with supply: (UnsafeMutableRawBufferPointer) throws -> Int, _ body: () throws -> Result
    ) throws -> Result {
        try withoutActuallyEscaping(supply) { supply in
            self.supply = supply
            defer { self.supply = nil }
            return try body()
        }
    }

    /// Why the last request was refused or cut off.
    func takeError() -> (any Error)? {
        defer { error = nil }
        return error
    }

    private static func at(_ pointer: UnsafeMutableRawPointer) -> LocalInfile {
        Unmanaged<LocalInfile>.fromOpaque(pointer).takeUnretainedValue()
    }

    private func begins(_ name: String) -> Bool {
        if supply != nil, name == Self.name { return true }
        error = ReplicationError(
            .protocolViolation, "answer the server", why: "it asks for a file that nobody offered")
        connection?.abandon()
        return false
    }

    /// An error ends the connection first: the library would end the file in good order, and the
    /// server would keep the part that it has.
    private func read(_ buffer: UnsafeMutableRawBufferPointer) -> Int32 {
        do { return Int32(try supply?(buffer) ?? 0) } catch {
            self.error = error
            connection?.abandon()
            return -1
        }
    }
}
