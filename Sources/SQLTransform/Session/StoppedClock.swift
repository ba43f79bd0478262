internal import CSQLite

/// A file system of SQLite's own without a clock: 'now' hides in the arguments of date functions,
/// where no parser sees it, but each of them asks the file system for the time.
final class StoppedClock {
    private struct System {
        var base: sqlite3_vfs
        var wasAsked = false
    }

    let name: String
    private let system: UnsafeMutablePointer<System>
    private let nameBytes: UnsafeMutablePointer<CChar>

    /// - Parameter isStopped: false for a transform that may ask for the time.
    /// - Returns: nil if SQLite has no file system at all.
    init?(isStopped: Bool) {
        guard let standard = sqlite3_vfs_find(nil) else { return nil }
        system = .allocate(capacity: 1)
        name = "martlet-\(UInt(bitPattern: system))"
        nameBytes = .allocate(capacity: name.utf8.count + 1)
        nameBytes.initialize(repeating: 0, count: name.utf8.count + 1)
        for (index, byte) in name.utf8.enumerated() { nameBytes[index] = CChar(bitPattern: byte) }
        system.initialize(to: System(base: standard.pointee))
        system.pointee.base.pNext = nil
        system.pointee.base.zName = UnsafePointer(nameBytes)
        guard isStopped else {
            sqlite3_vfs_register(base, 0)
            return
        }
        system.pointee.base.xCurrentTime = { system, _ in StoppedClock.refuse(system) }
        system.pointee.base.xCurrentTimeInt64 = { system, _ in StoppedClock.refuse(system) }
        sqlite3_vfs_register(base, 0)
    }

    deinit {
        sqlite3_vfs_unregister(base)
        system.deallocate()
        nameBytes.deallocate()
    }

    private var base: UnsafeMutablePointer<sqlite3_vfs> {
        UnsafeMutableRawPointer(system).assumingMemoryBound(to: sqlite3_vfs.self)
    }

    /// Whether somebody asked for the time since the last call.
    func takeWasAsked() -> Bool {
        defer { system.pointee.wasAsked = false }
        return system.pointee.wasAsked
    }

    private static func refuse(_ system: UnsafeMutablePointer<sqlite3_vfs>?) -> Int32 {
        guard let system else { return SQLITE_ERROR }
        UnsafeMutableRawPointer(system).assumingMemoryBound(to: System.self).pointee.wasAsked = true
        return SQLITE_ERROR
    }
}
