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

    func append(_ value: Value, in batch: BatchView) {
        guard value.length >= 0 else { return offsets.append(-1) }
        offsets.append(bytes.count)
        bytes.append(batch.start(of: value), count: Int(value.length))
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
