internal import ReplicationModel

/// The batch being applied, as raw memory: valid inside one call of `apply` only.
///
/// Row code runs for every value; bounds are the decoder's promise and are checked once per row by
/// `row(_:width:)` instead of once per byte.
struct BatchView {
    let bytes: UnsafeRawBufferPointer
    let values: UnsafeBufferPointer<Value>
    let changes: UnsafeBufferPointer<Change>
    /// By index into the batch's tables; nil where the log's columns are not the route's.
    let tables: [AppliedTable?]

    /// The `width` values of the row image that starts at `start`.
    @inline(__always)
    func row(_ start: Int32, width: Int) -> UnsafePointer<Value>? {
        guard start >= 0, Int(start) + width <= values.count, let base = values.baseAddress else {
            return nil
        }
        return base + Int(start)
    }

    /// First byte of a value that is present.
    @inline(__always)
    func start(of value: Value) -> UnsafeRawPointer {
        // An empty batch buffer has no address and only empty values.
        guard let base = bytes.baseAddress else {
            return UnsafeRawPointer(bitPattern: 8).unsafelyUnwrapped
        }
        return base + Int(value.offset)
    }

    @inline(__always)
    func areEqual(_ a: Value, _ b: Value) -> Bool {
        guard a.length == b.length else { return false }
        guard a.length > 0, a.offset != b.offset else { return true }
        let left = UnsafeRawBufferPointer(start: start(of: a), count: Int(a.length))
        let right = UnsafeRawBufferPointer(start: start(of: b), count: Int(b.length))
        return left.elementsEqual(right)
    }
}
