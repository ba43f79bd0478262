/// The text of one row while it is written; its bytes go to the batch in one piece.
///
/// A writer asks for room first (`reserve`) and then stores without a check: an array would check
/// and count with every byte.
struct RowText: ~Copyable {
    private var start: UnsafeMutableRawPointer
    private var capacity: Int
    private(set) var count = 0

    /// A value has 31 bits for its length, and so has its place in a batch.
    static let limit = Int(Int32.max)

    init(capacity: Int = 4096) {
        self.capacity = capacity
        start = .allocate(byteCount: capacity, alignment: 16)
    }

    deinit { start.deallocate() }

    var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: start, count: count) }

    /// Empties it, and gives back the memory that an unusually large row took.
    mutating func clear() {
        count = 0
        if capacity > 1 << 20 { move(to: 4096) }
    }

    /// Forgets what was written behind a place.
    mutating func cut(to count: Int) { self.count = count }

    @inline(__always)
    mutating func reserve(_ more: Int) throws(MalformedEvent) {
        if capacity &- count < more { try grow(more) }
    }

    private mutating func grow(_ more: Int) throws(MalformedEvent) {
        guard more <= Self.limit - count else { throw .tooLarge("a row") }
        move(to: max(count + more, min(2 * capacity, Self.limit)))
    }

    private mutating func move(to newCapacity: Int) {
        let target = UnsafeMutableRawPointer.allocate(byteCount: newCapacity, alignment: 16)
        target.copyMemory(from: start, byteCount: count)
        start.deallocate()
        (start, capacity) = (target, newCapacity)
    }

    // MARK: Stores, after `reserve`

    @inline(__always)
    mutating func put(_ byte: UInt8) {
        start.storeBytes(of: byte, toByteOffset: count, as: UInt8.self)
        count &+= 1
    }

    @inline(__always)
    mutating func put(_ text: StaticString) {
        start.advanced(by: count).copyMemory(
            from: text.utf8Start, byteCount: text.utf8CodeUnitCount)
        count &+= text.utf8CodeUnitCount
    }

    @inline(__always)
    mutating func put(_ source: UnsafeRawBufferPointer) {
        guard let base = source.baseAddress else { return }
        start.advanced(by: count).copyMemory(from: base, byteCount: source.count)
        count &+= source.count
    }

    /// Exactly two digits.
    @inline(__always)
    mutating func putTwo(_ value: Int) {
        put(UInt8(truncatingIfNeeded: 48 &+ value / 10))
        put(UInt8(truncatingIfNeeded: 48 &+ value % 10))
    }

    /// Exactly `width` digits, zeros in front.
    @inline(__always)
    mutating func putDigits(_ value: Int, width: Int) {
        var rest = value
        var index = count &+ width
        count = index
        for _ in 0..<width {
            index &-= 1
            start.storeBytes(
                of: UInt8(truncatingIfNeeded: 48 &+ rest % 10), toByteOffset: index,
                as: UInt8.self)
            rest /= 10
        }
    }

    /// Up to 20 digits.
    @inline(__always)
    mutating func put(_ value: UInt64) {
        var width = 1
        var bound: UInt64 = 10
        while value >= bound {
            width &+= 1
            guard width < 20 else { break }
            bound &*= 10
        }
        var rest = value
        var index = count &+ width
        count = index
        for _ in 0..<width {
            index &-= 1
            start.storeBytes(
                of: UInt8(truncatingIfNeeded: 48 &+ rest % 10), toByteOffset: index,
                as: UInt8.self)
            rest /= 10
        }
    }

    @inline(__always)
    mutating func put(_ value: Int64) {
        if value < 0 { put(UInt8(ascii: "-")) }
        put(value.magnitude)
    }

    /// A character in UTF-8: up to four bytes.
    @inline(__always)
    mutating func put(scalar code: UInt32) {
        func tail(_ shift: UInt32) -> UInt8 {
            UInt8(truncatingIfNeeded: 0x80 | code >> shift & 0x3F)
        }
        if code < 0x80 { return put(UInt8(truncatingIfNeeded: code)) }
        if code < 0x800 {
            put(UInt8(truncatingIfNeeded: 0xC0 | code >> 6))
        } else {
            if code < 0x10000 {
                put(UInt8(truncatingIfNeeded: 0xE0 | code >> 12))
            } else {
                put(UInt8(truncatingIfNeeded: 0xF0 | code >> 18))
                put(tail(12))
            }
            put(tail(6))
        }
        put(tail(0))
    }

    /// Takes off the last bytes.
    mutating func remove(last: Int) { count -= last }
}
