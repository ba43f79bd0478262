import Foundation
import ReplicationModel

/// A file for rows that memory has no room for: its owner's while it holds the lock, nobody's after
/// a crash. Sources: flock(2), rename(2).
final class LookupFile: Sendable {
    let path: String
    private let descriptor: Int32

    private static let prefix = "lookups-"
    private static let suffix = ".db"

    init(directory: String) throws {
        try FileManager.default.createDirectory(
            atPath: directory, withIntermediateDirectories: true)
        Self.removeLeft(in: directory)
        let name = URL(filePath: directory).appending(path: Self.prefix + UUID().uuidString).path
        path = name + Self.suffix
        descriptor = open(name, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0o600)
        // It has the name that others look for when it is locked already.
        guard descriptor >= 0, flock(descriptor, LOCK_EX | LOCK_NB) == 0, rename(name, path) == 0
        else {
            throw ReplicationError(
                .spoolFull, "make a file for the lookups", place: name,
                why: String(cString: strerror(errno)), try: "look at spool.directory")
        }
    }

    deinit {
        remove()
        close(descriptor)
    }

    /// Who has it open still reads it.
    func remove() { unlink(path) }

    /// A process that was killed leaves its file behind.
    private static func removeLeft(in directory: String) {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? []
        for name in names where name.hasPrefix(prefix) && name.hasSuffix(suffix) {
            let path = directory + "/" + name
            let descriptor = open(path, O_RDWR | O_CLOEXEC)
            guard descriptor >= 0 else { continue }
            if flock(descriptor, LOCK_EX | LOCK_NB) == 0 { unlink(path) }
            close(descriptor)
        }
    }
}
