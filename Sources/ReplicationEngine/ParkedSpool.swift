import Foundation
internal import ReplicationModel
import Synchronization

/// One file for parked pieces that memory has no room for; removed with its owner.
///
/// A cache: nothing in it is needed after a crash. Pieces are memory images of plain values, read
/// back by the same process.
package final class ParkedSpool: Sendable {
    package struct Entry: Sendable {
        var offset: UInt64
        var counts: [Int]
        var tables: [LoggedTable]
    }

    private struct File {
        var handle: FileHandle?
        var end: UInt64 = 0
    }

    private let path: String
    private let limit: UInt64
    private let file = Mutex(File())

    /// - Parameter limit: bytes the file may hold.
    package init(directory: String, name: String, limit: UInt64) {
        path = directory + "/\(name)-parked-\(getpid()).spool"
        self.limit = limit
    }

    deinit { file.withLock { try? $0.handle?.close() } }

    package func write(_ piece: ParkedChanges.Piece) throws -> Entry {
        let batch = piece.batch
        var data = Data()
        func add<T>(_ values: [T]) { values.withUnsafeBytes { data.append(contentsOf: $0) } }
        add(batch.bytes)
        add(batch.values)
        add(batch.changes)
        add(batch.transactions)
        add(piece.sides)
        let counts = [
            batch.bytes.count, batch.values.count, batch.changes.count, batch.transactions.count,
            piece.sides.count,
        ]
        let offset = try append(data)
        return Entry(offset: offset, counts: counts, tables: batch.tables)
    }

    package func read(_ entry: Entry) throws -> ParkedChanges.Piece {
        let sizes = [
            1, MemoryLayout<Value>.stride, MemoryLayout<Change>.stride,
            MemoryLayout<TransactionMark>.stride, MemoryLayout<ChangeSides>.stride,
        ]
        let length = zip(entry.counts, sizes).reduce(0) { $0 + $1.0 * $1.1 }
        let data = try load(entry.offset, length)
        var at = 0
        func take<T>(_ index: Int, as type: T.Type) -> [T] {
            let bytes = entry.counts[index] * sizes[index]
            defer { at += bytes }
            return data.withUnsafeBytes { all in
                Array(unsafeUninitializedCapacity: entry.counts[index]) { out, count in
                    UnsafeMutableRawBufferPointer(out).copyMemory(
                        from: UnsafeRawBufferPointer(rebasing: all[at..<at + bytes]))
                    count = entry.counts[index]
                }
            }
        }
        var piece = ParkedChanges.Piece()
        piece.batch.bytes = take(0, as: UInt8.self)
        piece.batch.values = take(1, as: Value.self)
        piece.batch.changes = take(2, as: Change.self)
        piece.batch.transactions = take(3, as: TransactionMark.self)
        piece.sides = take(4, as: ChangeSides.self)
        piece.batch.tables = entry.tables
        return piece
    }

    private func append(_ data: Data) throws -> UInt64 {
        try file.withLock { file in
            guard file.end + UInt64(data.count) <= limit else {
                throw full("spool.max is reached")
            }
            do {
                let handle = try file.handle ?? open()
                file.handle = handle
                try handle.seek(toOffset: file.end)
                try handle.write(contentsOf: data)
            } catch { throw full(String(describing: error)) }
            defer { file.end += UInt64(data.count) }
            return file.end
        }
    }

    private func load(_ offset: UInt64, _ length: Int) throws -> Data {
        try file.withLock { file in
            try file.handle?.seek(toOffset: offset)
            guard let data = try file.handle?.read(upToCount: length), data.count == length else {
                throw full("a piece cannot be read back")
            }
            return data
        }
    }

    /// Unlinked as soon as it is open: the file goes with the process, however it ends.
    private func open() throws -> FileHandle {
        try FileManager.default.createDirectory(
            atPath: (path as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
        let made = FileManager.default.createFile(
            atPath: path, contents: nil, attributes: [.posixPermissions: 0o600])
        guard made, let handle = FileHandle(forUpdatingAtPath: path) else {
            throw full("cannot create \(path)")
        }
        unlink(path)
        return handle
    }

    private func full(_ why: String) -> ReplicationError {
        ReplicationError(
            .spoolFull, "keep changes of chunks that are being copied", why: why,
            try: "give spool.directory more room, or raise spool.max")
    }
}
