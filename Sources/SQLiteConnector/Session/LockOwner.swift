import Foundation

/// Who holds a file's write lock, as far as the system tells (Linux: `/proc/locks`).
///
/// `fcntl(F_GETLK)` would tell as well, but closing the descriptor it needs would drop every lock
/// this process holds on the file.
enum LockOwner {
    /// "process 4711", or nil if unknown. `path` is the database's; WAL locks are on `path-shm`.
    static func describe(_ path: String) -> String? {
        guard let locks = try? String(contentsOfFile: "/proc/locks", encoding: .utf8),
            let inode = inode(of: path + "-shm")
        else { return nil }
        return owner(in: locks, inode: inode, besides: getpid()).map { "process \($0)" }
    }

    /// The first other process with a write lock on `inode`. Lines are like
    /// `1: POSIX  ADVISORY  WRITE 4711 fe:01:1234 120 120` (proc(5)).
    static func owner(in locks: String, inode: UInt64, besides own: Int32) -> Int32? {
        for line in locks.split(separator: "\n") {
            let fields = line.split(separator: " ", omittingEmptySubsequences: true)
            guard fields.count >= 6, fields[3] == "WRITE", let pid = Int32(fields[4]), pid != own,
                fields[5].split(separator: ":").last.flatMap({ UInt64($0) }) == inode
            else { continue }
            return pid
        }
        return nil
    }

    private static func inode(of path: String) -> UInt64? {
        var found = stat()
        return stat(path, &found) == 0 ? UInt64(found.st_ino) : nil
    }
}
