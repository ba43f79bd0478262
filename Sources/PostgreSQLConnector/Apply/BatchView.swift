internal import ReplicationEngine
internal import ReplicationModel

/// The batch being applied: valid inside one call of `apply` only.
struct BatchView {
    let bytes: UnsafeRawBufferPointer
    let values: UnsafeBufferPointer<Value>
    let changes: UnsafeBufferPointer<Change>
    /// By index into the batch's tables; nil where the log's columns are not the route's.
    let tables: [AppliedTable?]

    @inline(__always)
    var memory: BatchMemory { BatchMemory(bytes: bytes, values: values) }

    @inline(__always)
    func row(_ start: Int32, width: Int) -> UnsafePointer<Value>? {
        memory.row(start, width: width)
    }

    @inline(__always)
    func start(of value: Value) -> UnsafeRawPointer { memory.start(of: value) }

    @inline(__always)
    func areEqual(_ a: Value, _ b: Value) -> Bool { memory.areEqual(a, b) }
}

extension NetChanges {
    @inline(__always)
    func value(_ row: Row, _ column: Int, in view: BatchView) -> Value {
        value(row, column, in: view.memory)
    }

    mutating func insert(_ image: Int32, in view: BatchView) -> Bool {
        insert(image, in: view.memory)
    }

    mutating func update(key: Int32, image: Int32, in view: BatchView) -> Bool {
        update(key: key, image: image, in: view.memory)
    }

    mutating func delete(_ key: Int32, in view: BatchView) -> Bool {
        delete(key, in: view.memory)
    }
}
