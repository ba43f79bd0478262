internal import CSQLite
import Foundation
import ReplicationModel

/// Where the rows of lookups are: in memory, or in a file where they are too many for it. Both are
/// a database of SQLite's that every session attaches and none writes.
package enum LookupStorage: Sendable {
    /// At most so many bytes.
    case memory(Int)
    /// A file of this directory, of at most so many bytes.
    case file(directory: String, Int)

    var limit: Int {
        switch self {
        case .memory(let limit), .file(_, let limit): limit
        }
    }

    /// A name that no other lookups of this or another process have.
    func makeURI() throws -> (uri: String, path: String?) {
        let name = "\(Self.prefix)\(UUID().uuidString)"
        switch self {
        // Shared by all connections that name it, while one of them is open.
        // Source: SQLite, memdb.c.
        case .memory: return ("file:/\(name)?vfs=memdb", nil)
        case .file(let directory, _):
            try FileManager.default.createDirectory(
                atPath: directory, withIntermediateDirectories: true)
            Self.removeLeft(in: directory)
            let path = URL(filePath: directory).appending(path: name + Self.suffix).path
            FileManager.default.createFile(
                atPath: path, contents: nil, attributes: [.posixPermissions: 0o600])
            return ("file:\(Self.escaped(path))", path)
        }
    }

    private static let prefix = "martlet-lookups-"
    private static let suffix = ".db"

    private static func escaped(_ path: String) -> String {
        path.addingPercentEncoding(withAllowedCharacters: .urlPathAllowed) ?? path
    }

    /// A process that was killed leaves its file behind. Who uses one holds a lock on it.
    private static func removeLeft(in directory: String) {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? []
        for name in names where name.hasPrefix(prefix) && name.hasSuffix(suffix) {
            let path = directory + "/" + name
            var handle: OpaquePointer?
            defer { sqlite3_close(handle) }
            guard sqlite3_open_v2(path, &handle, SQLITE_OPEN_READWRITE, nil) == SQLITE_OK,
                sqlite3_exec(handle, "BEGIN EXCLUSIVE", nil, nil, nil) == SQLITE_OK
            else { continue }
            unlink(path)
        }
    }
}
