package import ReplicationEngine
package import ReplicationModel
import Synchronization

extension PostgreSQLSource {
    /// Refuses a slot that is gone, invalidated, of another plug-in or two-phase, and a publication
    /// that may be younger than the slot's position (P23, P26, P33).
    package func openLog(_ capture: CaptureNames, from start: LogPosition) throws
        -> any ChangeSource
    {
        let isMadeHere = madeHere.withLock { $0.contains(capture.slot) }
        try sessions.use { connection in
            let slot = SlotQueries(connection: connection, slot: capture.slot)
            try refuse(try slot.state(), capture)
            let isOlder = try slot.publicationIsOlder(capture.publication)
            guard isMadeHere || isOlder else {
                throw ReplicationError(
                    .positionGap, "read the log through the publication \(capture.publication)",
                    position: start,
                    why: "it may be younger than the slot: changes before it would be missing",
                    try: "martlet run PIPELINE --fresh")
            }
        }
        return try reader(capture, start)
    }

    private func reader(_ capture: CaptureNames, _ start: LogPosition) throws -> any ChangeSource {
        try PGLogReader(
            url: url, password: password, capture: capture, start: start,
            spoolDirectory: spoolDirectory, spoolMax: spoolMax, memoryShare: memoryShare,
            senderTimeoutMilliseconds: Int(lease * 1000))
    }

    private func refuse(_ state: SlotState?, _ capture: CaptureNames) throws {
        let what = "read the log through the slot \(capture.slot)"
        let fresh = "martlet run PIPELINE --fresh"
        guard let state else {
            throw ReplicationError(.slotMissing, what, why: "there is no such slot", try: fresh)
        }
        if let reason = state.invalidationReason ?? (state.walStatus == "lost" ? "lost" : nil) {
            throw ReplicationError(
                .slotInvalidated, what, why: "the server invalidated it: \(reason)", try: fresh)
        }
        guard state.plugin == "pgoutput", !state.isTwoPhase else {
            throw ReplicationError(
                .unfitSetting, what,
                why: state.isTwoPhase ? "it is two-phase" : "its plug-in is '\(state.plugin)'",
                try: "SELECT pg_drop_replication_slot(\(capture.slot.quotedLiteral)), then \(fresh)"
            )
        }
    }
}
