package import ReplicationModel

/// The net change per key of one table over a run of changes (A27).
///
/// Handed: changes of one table in log order. Hands on: which rows to delete, update and insert so
/// that the result equals applying them one after the other, and what each row says about the row
/// that was there before:
///
///     first operation   last state    net                          must have been there
///     insert            present       INSERT of the merged image   no
///     insert            gone          DELETE that hits nothing     no
///     update            present       UPDATE of merged columns     yes
///     update            gone          DELETE                       yes
///     delete            gone          DELETE                       yes
///     delete            present       DELETE, then INSERT          yes
///
/// The last one is not an UPDATE: columns that only the target has get their defaults again.
///
/// A sequence that strict application would refuse (insert of a present key, update of a deleted
/// one) is not netted: `add` says so, and the changes are applied one by one to name the culprit.
package struct NetChanges {
    package struct Row: Sendable {
        package var hash: UInt64
        /// Image with the key's values: index into the batch's values.
        package var key: Int32
        /// Image of the row as it is last: index into the batch's values, or, negative, the
        /// complement of an index into `merged`.
        package var image: Int32
        package var mustExist: Bool
        package var isPresent: Bool
        /// Was gone in between: its last image is whole.
        package var isNew: Bool
    }

    package private(set) var rows: [Row] = []
    /// Images made of two: an update that does not repeat a large value keeps the earlier one
    /// (P03).
    package private(set) var merged: [Value] = []
    /// Rows of a table without a key.
    package private(set) var appended: [Int32] = []
    /// Open addressing: index into `rows`, or -1.
    private var slots: [Int32] = Array(repeating: -1, count: 64)

    private let key: [Int]
    private let width: Int
    private let seed = UInt64.random(in: .min ... .max)

    package init(key: [Int], width: Int) {
        self.key = key
        self.width = width
    }

    package var isEmpty: Bool { rows.isEmpty && appended.isEmpty }

    package mutating func removeAll() {
        // The table of slots is emptied by what was in it, not by its size.
        if rows.count * 4 > slots.count {
            for index in slots.indices { slots[index] = -1 }
        } else {
            for row in rows { clearSlot(of: row.hash) }
        }
        rows.removeAll(keepingCapacity: true)
        merged.removeAll(keepingCapacity: true)
        appended.removeAll(keepingCapacity: true)
    }

    private mutating func clearSlot(of hash: UInt64) {
        var slot = Int(truncatingIfNeeded: hash) & (slots.count - 1)
        // Runs of occupied slots are emptied whole: every entry of a run is in `rows`.
        while slots[slot] >= 0 {
            slots[slot] = -1
            slot = (slot + 1) & (slots.count - 1)
        }
    }

    /// The image of a row: `width` values.
    @inline(__always)
    package func value(_ row: Row, _ column: Int, in batch: BatchMemory) -> Value {
        row.image >= 0
            ? batch.values[Int(row.image) + column] : merged[Int(~row.image) + column]
    }

    package mutating func append(_ image: Int32) { appended.append(image) }

    /// False: not to be netted.
    package mutating func insert(_ image: Int32, in batch: BatchMemory) -> Bool {
        let (index, isFirst) = find(image, in: batch)
        if isFirst {
            rows[index].mustExist = false
        } else if rows[index].isPresent {
            return false
        }
        rows[index].image = image
        rows[index].isPresent = true
        rows[index].isNew = true
        return true
    }

    package mutating func update(key: Int32, image: Int32, in batch: BatchMemory) -> Bool {
        let (index, isFirst) = find(key, in: batch)
        guard isFirst || rows[index].isPresent else { return false }
        rows[index].image = isFirst ? image : merge(rows[index], image, in: batch)
        rows[index].isPresent = true
        return true
    }

    package mutating func delete(_ key: Int32, in batch: BatchMemory) -> Bool {
        let (index, isFirst) = find(key, in: batch)
        guard isFirst || rows[index].isPresent else { return false }
        rows[index].isPresent = false
        rows[index].isNew = false
        return true
    }

    private mutating func merge(_ row: Row, _ image: Int32, in batch: BatchMemory) -> Int32 {
        let values = batch.values
        let isWhole = (0..<width).allSatisfy { values[Int(image) + $0].length != -2 }
        if isWhole { return image }
        let start = merged.count
        for column in 0..<width {
            let new = values[Int(image) + column]
            merged.append(new.length == -2 ? value(row, column, in: batch) : new)
        }
        return ~Int32(start)
    }
}

// MARK: Look-up by key

extension NetChanges {
    /// The row of the key in the image at `start`, made if there is none.
    @inline(__always)
    private mutating func find(_ start: Int32, in batch: BatchMemory) -> (index: Int, isFirst: Bool)
    {
        let hash = hash(of: start, in: batch)
        var slot = Int(truncatingIfNeeded: hash) & (slots.count - 1)
        while true {
            let index = Int(slots[slot])
            if index < 0 { break }
            if rows[index].hash == hash, isSameKey(rows[index].key, start, in: batch) {
                return (index, false)
            }
            slot = (slot + 1) & (slots.count - 1)
        }
        slots[slot] = Int32(rows.count)
        rows.append(
            Row(
                hash: hash, key: start, image: start, mustExist: true, isPresent: false,
                isNew: false))
        if rows.count * 2 > slots.count { grow() }
        return (rows.count - 1, true)
    }

    private mutating func grow() {
        slots = Array(repeating: -1, count: slots.count * 4)
        for (index, row) in rows.enumerated() {
            var slot = Int(truncatingIfNeeded: row.hash) & (slots.count - 1)
            while slots[slot] >= 0 { slot = (slot + 1) & (slots.count - 1) }
            slots[slot] = Int32(index)
        }
    }

    @inline(__always)
    private func isSameKey(_ a: Int32, _ b: Int32, in batch: BatchMemory) -> Bool {
        for column in key
        where !batch.areEqual(
            batch.values[Int(a) + column], batch.values[Int(b) + column])
        {
            return false
        }
        return true
    }

    /// Multiply and fold, eight bytes at a time; the lengths keep ('a','bc') from ('ab','c').
    @inline(__always)
    private func hash(of start: Int32, in batch: BatchMemory) -> UInt64 {
        var state = seed
        for column in key {
            let value = batch.values[Int(start) + column]
            var at = batch.start(of: value)
            var left = Int(value.length)
            state = Self.fold(state ^ UInt64(truncatingIfNeeded: left))
            while left >= 8 {
                state = Self.fold(state ^ at.loadUnaligned(as: UInt64.self))
                at += 8
                left -= 8
            }
            var tail: UInt64 = 0
            while left > 0 {
                tail = tail << 8 | UInt64(at.load(as: UInt8.self))
                at += 1
                left -= 1
            }
            state = Self.fold(state ^ tail)
        }
        return state
    }

    @inline(__always)
    private static func fold(_ word: UInt64) -> UInt64 {
        let product = word.multipliedFullWidth(by: 0x9E37_79B9_7F4A_7C15)
        return product.high ^ product.low
    }
}
