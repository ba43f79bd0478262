internal import Foundation
internal import ReplicationModel

/// Text parameters of one single-row statement: NUL-terminated copies of values in a batch.
final class TextParameters {
    private let bytes = OutputBytes()
    /// Offset of each parameter, -1 for NULL.
    private var offsets: [Int] = []
    private var pointers: [UnsafePointer<CChar>?] = []

    func begin() {
        bytes.reset()
        offsets.removeAll(keepingCapacity: true)
    }

    var byteCount: Int { bytes.count }

    /// A NUL inside would end the text early, at the server too: no type of PostgreSQL's holds one.
    func append(_ value: Value, in batch: BatchView) throws(ArrayParameters.UnfitValue) {
        guard value.length >= 0 else { return offsets.append(-1) }
        let (start, count) = (batch.start(of: value), Int(value.length))
        guard memchr(start, 0, count) == nil else { throw ArrayParameters.UnfitValue() }
        offsets.append(bytes.count)
        bytes.append(start, count: count)
        bytes.append(0)
    }

    func withParameters<Result>(
        _ body: (UnsafePointer<UnsafePointer<CChar>?>?) throws -> Result
    ) rethrows -> Result {
        pointers.removeAll(keepingCapacity: true)
        let start = UnsafePointer(bytes.start.assumingMemoryBound(to: CChar.self))
        for offset in offsets { pointers.append(offset < 0 ? nil : start + offset) }
        return try pointers.withUnsafeBufferPointer { try body($0.baseAddress) }
    }
}
