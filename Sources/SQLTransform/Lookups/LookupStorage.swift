import Foundation

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

    func makePlace() throws -> LookupPlace {
        switch self {
        case .memory:
            // Shared by all connections that name it, while one of them is open.
            // Source: SQLite, memdb.c.
            let uri = "file:/\(UUID().uuidString)?vfs=memdb"
            return LookupPlace(uri: uri, readURI: uri)
        case .file(let directory, _):
            let file = try LookupFile(directory: directory)
            let path = file.path.addingPercentEncoding(withAllowedCharacters: .urlPathAllowed)
            let uri = "file:\(path ?? file.path)"
            // Nobody writes it any more: no locks, no look for a journal.
            return LookupPlace(uri: uri, readURI: uri + "?immutable=1&mode=ro", file: file)
        }
    }
}

/// One database, by the names that SQLite opens it under.
struct LookupPlace: Sendable {
    var uri: String
    var readURI: String
    var file: LookupFile?
}
