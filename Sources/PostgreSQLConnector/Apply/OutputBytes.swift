/// A growing run of bytes outside Swift's arrays: its address goes to libpq together with others,
/// which nested `withUnsafeBytes` calls cannot do for a number of buffers known only at run time.
///
/// Reused from statement to statement; `reset` gives back what a single wide row made it grow to.
final class OutputBytes {
    private(set) var start: UnsafeMutableRawPointer
    private(set) var count = 0
    private var capacity: Int

    /// What is kept between statements, in bytes (I6).
    private static let keptCapacity = 1 << 20

    init(capacity: Int = 1 << 10) {
        self.capacity = capacity
        start = .allocate(byteCount: capacity, alignment: 8)
    }

    deinit { start.deallocate() }

    func reset() {
        count = 0
        guard capacity > Self.keptCapacity else { return }
        start.deallocate()
        capacity = 1 << 10
        start = .allocate(byteCount: capacity, alignment: 8)
    }

    @inline(__always)
    private func reserve(_ more: Int) {
        if count + more > capacity { grow(to: count + more) }
    }

    @inline(never)
    private func grow(to needed: Int) {
        capacity = max(needed, capacity * 2)
        let larger = UnsafeMutableRawPointer.allocate(byteCount: capacity, alignment: 8)
        larger.copyMemory(from: start, byteCount: count)
        start.deallocate()
        start = larger
    }

    @inline(__always)
    func append(_ byte: UInt8) {
        reserve(1)
        start.storeBytes(of: byte, toByteOffset: count, as: UInt8.self)
        count += 1
    }

    /// Appends in network byte order.
    @inline(__always)
    func append<Number: FixedWidthInteger>(bigEndian number: Number) {
        reserve(MemoryLayout<Number>.size)
        (start + count).storeBytes(of: number.bigEndian, as: Number.self)
        count += MemoryLayout<Number>.size
    }

    @inline(__always)
    func append(_ source: UnsafeRawPointer, count length: Int) {
        reserve(length)
        (start + count).copyMemory(from: source, byteCount: length)
        count += length
    }

    func overwrite(at offset: Int, bigEndian number: Int32) {
        (start + offset).storeBytes(of: number.bigEndian, as: Int32.self)
    }
}
