package import ReplicationModel

/// A batch's values as raw memory: valid inside one call of `apply` only.
///
/// Row code runs for every value; bounds are the decoder's promise and are checked once per row by
/// `row(_:width:)` instead of once per byte.
package struct BatchMemory {
    package let bytes: UnsafeRawBufferPointer
    package let values: UnsafeBufferPointer<Value>

    @inlinable
    package init(bytes: UnsafeRawBufferPointer, values: UnsafeBufferPointer<Value>) {
        self.bytes = bytes
        self.values = values
    }

    /// The `width` values of the row image that starts at `start`.
    @inlinable
    package func row(_ start: Int32, width: Int) -> UnsafePointer<Value>? {
        guard start >= 0, Int(start) + width <= values.count, let base = values.baseAddress else {
            return nil
        }
        return base + Int(start)
    }

    /// First byte of a value that is present.
    @inlinable
    package func start(of value: Value) -> UnsafeRawPointer {
        // An empty batch buffer has no address and only empty values.
        guard let base = bytes.baseAddress else {
            return UnsafeRawPointer(bitPattern: 8).unsafelyUnwrapped
        }
        return base + Int(value.offset)
    }

    /// The bytes of a value that is present.
    @inlinable
    package func bytes(of value: Value) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: start(of: value), count: Int(value.length))
    }

    @inlinable
    package func areEqual(_ a: Value, _ b: Value) -> Bool {
        guard a.length == b.length else { return false }
        guard a.length > 0, a.offset != b.offset else { return true }
        return bytes(of: a).elementsEqual(bytes(of: b))
    }
}
