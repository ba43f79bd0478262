import Foundation
internal import ReplicationEngine
internal import ReplicationModel

/// What the server says of one slot, and its end.
struct SlotQueries {
    private static let dropDeadlineSeconds = 30.0

    let connection: PGConnection
    let slot: String

    /// `conflicting` came with 16, `invalidation_reason` with 17; before, a lost slot tells no
    /// reason.
    func state() throws -> SlotState? {
        let reason =
            switch connection.serverVersion {
            case 170000...: "invalidation_reason"
            case 160000...:
                "CASE WHEN conflicting THEN 'conflict with recovery' "
                    + "WHEN wal_status = 'lost' THEN 'wal_removed' END"
            default: "CASE WHEN wal_status = 'lost' THEN 'wal_removed' END"
            }
        let result = try connection.query(
            """
            SELECT confirmed_flush_lsn, active, active_pid, wal_status, plugin, database, two_phase,
              \(reason) FROM pg_replication_slots WHERE slot_name = $1
            """, [slot])
        guard result.rowCount == 1 else { return nil }
        return SlotState(
            confirmed: LogPosition(parsing: result.string(0, 0)) ?? .zero,
            isActive: result.boolean(0, 1), activePID: result.integer(0, 2).map { Int32($0) },
            walStatus: result.string(0, 3), plugin: result.string(0, 4),
            database: result.string(0, 5), isTwoPhase: result.boolean(0, 6),
            invalidationReason: result.text(0, 7))
    }

    /// Ends the session that reads the slot, if we may, and drops the slot; returns when it is
    /// gone.
    func drop() throws {
        let start = ContinuousClock.now
        while let state = try state() {
            if let pid = state.activePID { try terminate(pid) }
            do {
                try connection.query("SELECT pg_drop_replication_slot($1)", [slot])
                return
            } catch let error as PGError.Server where error.sqlState == "42704" {
                return
            } catch let error as PGError.Server where error.sqlState == "55006" {
                guard (ContinuousClock.now - start) / .seconds(1) < Self.dropDeadlineSeconds else {
                    throw inUse(state.activePID, error.message)
                }
                Thread.sleep(forTimeInterval: 0.1)
            }
        }
    }

    private func terminate(_ pid: Int32) throws {
        do {
            try connection.query("SELECT pg_terminate_backend($1::int)", [String(pid)])
        } catch let error as PGError.Server where error.sqlState == "42501" {
            throw inUse(pid, error.message)
        }
    }

    private func inUse(_ pid: Int32?, _ why: String) -> ReplicationError {
        ReplicationError(
            .slotActive, "drop the slot \(slot)", why: why,
            try: pid.map { "SELECT pg_terminate_backend(\($0)), as a role that may" })
    }

    /// P33: the log is decoded with the catalogue of its own time. A publication younger than the
    /// slot's position is not there yet: 17 and earlier stop, 18 and later skip the changes.
    ///
    /// Nothing in the catalogue tells at which position the publication was made. Certain is: if
    /// the transaction that wrote its oldest row (ALTER rewrites only some) is older than the
    /// slot's `catalog_xmin`, it was there. Right after its creation a slot may be too young for
    /// that; then Martlet's mark on its own publication vouches for the order.
    /// Of a slot that somebody else made it cannot.
    func publicationIsOlder(_ publication: String, trustingMark: Bool = true) throws -> Bool {
        let result = try connection.query(
            """
            SELECT $4::bool AND obj_description(p.oid, 'pg_publication') = $3
              OR greatest(age(p.xmin), (
                SELECT max(age(m.xmin)) FROM pg_publication_rel m WHERE m.prpubid = p.oid
              )) > (SELECT age(s.catalog_xmin) FROM pg_replication_slots s WHERE s.slot_name = $2)
            FROM pg_publication p WHERE p.pubname = $1
            """, [publication, slot, Publication.mark, trustingMark ? "t" : "f"])
        guard result.rowCount == 1 else {
            throw ReplicationError(
                .unfitSchema, "read the log through the publication \(publication)",
                why: "there is no such publication at the source any more",
                try: "martlet run PIPELINE --fresh")
        }
        return result.boolean(0, 0)
    }
}
