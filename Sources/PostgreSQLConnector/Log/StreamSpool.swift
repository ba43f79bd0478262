import Foundation
internal import ReplicationModel

/// Stores what the server sends of transactions that are still open, one file for each.
///
/// Handed: the messages between `S` and `E`, with the subtransaction that made each. Hands on, at
/// the commit: those whose subtransaction was not rolled back, in their order. A cache: nothing in
/// it was confirmed, the server sends it again after a crash. Files are deleted at each connect,
/// with their transaction, and at the end.
///
/// File: records of length, subxid, arrival, checksum (32 bits each, host order), then the message.
/// The checksum is against a disk that lies, as nothing else would notice a changed value (I5).
final class StreamSpool {
    private struct Entry {
        var bytes: Int64 = 0
        /// Rolled-back subtransactions: an xid is never used again, so that they stay in here.
        var aborted: Set<UInt32> = []
    }

    /// The limit is reached: the caller lets the server keep open transactions instead.
    struct Overflow: Error {}

    private static let bufferBytes = 256 << 10

    private let directory: String
    private let prefix: String
    private let limit: Int64
    private var entries: [UInt32: Entry] = [:]
    private var total: Int64 = 0
    private var buffer: [UInt8] = []
    private var current: UInt32 = 0
    private var descriptor: Int32 = -1

    /// - Parameters:
    ///   - slot: names the files, so that pipelines can share a directory.
    ///   - limit: bytes of all files together.
    init(directory: String, slot: String, limit: Int64) throws {
        self.directory = directory
        self.limit = limit
        prefix = "log-\(slot)-"
        do {
            try FileManager.default.createDirectory(
                atPath: directory, withIntermediateDirectories: true,
                attributes: [.posixPermissions: 0o700])
        } catch {
            throw ReplicationError(
                .configuration, "make the spool directory \(directory)",
                why: String(describing: error), try: "set spool.directory to a writable place")
        }
        buffer.reserveCapacity(Self.bufferBytes)
        removeStaleFiles()
    }

    deinit { discardAll() }

    /// No open transaction is stored.
    var isEmpty: Bool { entries.isEmpty }

    private func path(_ xid: UInt32) -> String { "\(directory)/\(prefix)\(xid).spool" }

    /// Files that a killed run left.
    private func removeStaleFiles() {
        for name in (try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? []
        where name.hasPrefix(prefix) && name.hasSuffix(".spool") {
            let number = name.dropFirst(prefix.count).dropLast(6)
            if UInt32(number) != nil { unlink("\(directory)/\(name)") }
        }
    }
}

// MARK: Writing

extension StreamSpool {
    /// A block of `xid` begins. Nothing is kept of a block that turns out to be empty (P29).
    func begin(_ xid: UInt32) { current = xid }

    func append(
        subxid: UInt32, arrival: UInt32, type: UInt8, body: UnsafeRawBufferPointer
    ) throws {
        let length = SpoolRecord.headerBytes + 1 + body.count
        guard total + Int64(length) <= limit else { throw Overflow() }
        let header = SpoolRecord(
            length: UInt32(1 + body.count), subxid: subxid, arrival: arrival,
            checksum: SpoolRecord.checksum(type, body))
        withUnsafeBytes(of: header) { buffer.append(contentsOf: $0) }
        buffer.append(type)
        buffer.append(contentsOf: body)
        entries[current, default: Entry()].bytes += Int64(length)
        total += Int64(length)
        if buffer.count >= Self.bufferBytes { try write() }
    }

    /// The block ends.
    func end() throws {
        try write()
        closeFile()
        if buffer.capacity > 4 * Self.bufferBytes { buffer = [] }
    }

    private func write() throws {
        guard !buffer.isEmpty else { return }
        if descriptor < 0 {
            let flags = O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW
            descriptor = open(path(current), flags, 0o600)
            guard descriptor >= 0 else { throw failure("open") }
        }
        try buffer.withUnsafeBytes { bytes in
            var rest = bytes[...]
            while !rest.isEmpty {
                let count = Foundation.write(
                    descriptor, UnsafeRawBufferPointer(rebasing: rest).baseAddress, rest.count)
                if count < 0 && errno == EINTR { continue }
                guard count > 0 else { throw failure("write to") }
                rest = rest.dropFirst(count)
            }
        }
        buffer.removeAll(keepingCapacity: true)
    }

    private func closeFile() {
        if descriptor >= 0 { close(descriptor) }
        descriptor = -1
    }

    private func failure(_ verb: String) -> ReplicationError {
        ReplicationError(
            .spoolFull, "\(verb) the spool file \(path(current))",
            why: String(cString: strerror(errno)),
            try: "free space in \(directory), or set spool.directory to a larger disk")
    }
}

// MARK: Ends of transactions

extension StreamSpool {
    func abort(_ xid: UInt32, subxid: UInt32) {
        if xid == subxid { discard(xid) } else { entries[xid]?.aborted.insert(subxid) }
    }

    /// Forgets a transaction and deletes its file.
    func discard(_ xid: UInt32) {
        guard let entry = entries.removeValue(forKey: xid) else { return }
        total -= entry.bytes
        unlink(path(xid))
    }

    func discardAll() {
        closeFile()
        buffer.removeAll()
        for xid in entries.keys { discard(xid) }
    }

    /// Calls `body` with each message that was not rolled back, and the arrival noted with it.
    func replay(_ xid: UInt32, _ body: (UnsafeRawBufferPointer, UInt32) throws -> Void) throws {
        guard let entry = entries[xid] else { return }
        let reader = try SpoolReader(path: path(xid))
        var seen: Int64 = 0
        while let record = try reader.next() {
            seen += Int64(SpoolRecord.headerBytes) + Int64(record.length)
            guard !entry.aborted.contains(record.subxid) else { continue }
            try body(try reader.message(record), record.arrival)
        }
        guard seen == entry.bytes else { throw reader.damaged() }
    }
}
