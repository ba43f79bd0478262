/// A 64-bit PostgreSQL transaction id (`xid8`): epoch and 32-bit xid, so that it never wraps.
package struct TransactionID: Hashable, Comparable, Sendable, CustomStringConvertible {
    package var rawValue: UInt64

    package init(rawValue: UInt64) { self.rawValue = rawValue }

    /// Widens the log's 32-bit xid to the 64-bit id nearest to `reference` (a snapshot's xmax):
    /// two xids that are in use at once are less than 2^31 apart.
    package init(widening xid: UInt32, near reference: TransactionID) {
        let distance = Int64(
            Int32(bitPattern: xid &- UInt32(truncatingIfNeeded: reference.rawValue)))
        rawValue = UInt64(bitPattern: Int64(bitPattern: reference.rawValue) &+ distance)
    }

    package var description: String { String(rawValue) }

    package static func < (a: TransactionID, b: TransactionID) -> Bool { a.rawValue < b.rawValue }
}
