package import ReplicationEngine
package import ReplicationModel
import Synchronization

extension PostgreSQLSource {
    /// Refuses a slot that is gone, invalidated, of another plug-in or two-phase, and a publication
    /// that may be younger than the slot's position (P23, P26, P33).
    package func openLog(
        _ capture: CaptureNames, routes: [TableRoute], from start: LogPlace
    ) throws -> any ChangeSource {
        let isMadeHere = madeHere.withLock { $0.contains(capture.slot) }
        try sessions.use { connection in
            let slot = SlotQueries(connection: connection, slot: capture.slot)
            try refuse(try slot.state(), capture)
            let isOlder = try slot.publicationIsOlder(capture.publication)
            guard isMadeHere || isOlder else {
                throw younger(capture.publication, start.position)
            }
        }
        return try reader(capture, start.position)
    }

    package func adoptCapture(_ capture: CaptureNames, at start: LogStart) throws
        -> CaptureStart
    {
        guard case .position(let position) = start else {
            throw ReplicationError(
                .usage, "follow from a given position", place: "option --start-at",
                why: "the source is PostgreSQL: its positions are LSNs",
                try: "--start-at lsn:0/16B3748")
        }
        try sessions.use { connection in
            let slot = SlotQueries(connection: connection, slot: capture.slot)
            let state = try slot.state()
            try refuse(state, capture)
            try refuseStart(at: position, state, end: report(capture, applied: nil).position)
            guard try slot.publicationIsOlder(capture.publication, trustingMark: false) else {
                var error = younger(capture.publication, position)
                error.remedy =
                    "make the slot again; other slots that are behind hold back what tells its age"
                throw error
            }
        }
        return CaptureStart(place: LogPlace(position: position))
    }

    private func refuseStart(at position: LogPosition, _ state: SlotState?, end: LogPosition)
        throws
    {
        let what = "follow from a given position"
        if let state, state.confirmed > position {
            throw ReplicationError(
                .positionGap, what, position: position,
                why: "the slot is confirmed up to \(state.confirmed): "
                    + "what lies between is not sent",
                try: "give a position that the target holds from \(state.confirmed) on")
        }
        guard position <= end else {
            throw ReplicationError(
                .positionGap, what, position: position,
                why: "the source's log ends at \(end): "
                    + "what is committed until then would be missing")
        }
    }

    private func younger(_ publication: String, _ position: LogPosition) -> ReplicationError {
        ReplicationError(
            .positionGap, "read the log through the publication \(publication)",
            position: position,
            why: "it may be younger than the slot: changes before it would be missing",
            try: "martlet run PIPELINE --fresh")
    }

    /// Another cluster or database, another timeline (history may have been replaced), a slot that
    /// is gone, lost or ahead of the target: committed changes would be missing (P19, P20, P23,
    /// P24).
    package func resume(
        _ capture: CaptureNames, known: SourceIdentity, from place: LogPlace
    ) throws -> LogPlace {
        try refusePromoted()
        let identity = try identity()
        guard known.systemIdentifier == identity.systemIdentifier,
            known.databaseID == identity.databaseID
        else {
            throw ReplicationError(
                .otherSource, "go on from the checkpoint",
                why: "the source is another cluster or database than the one the checkpoint is of",
                try: "martlet run PIPELINE --fresh --yes, or put the source URL back")
        }
        guard known.timeline == identity.timeline else {
            throw gap(
                .positionGap,
                "the source is on timeline \(identity.timeline), the checkpoint on "
                    + "\(known.timeline): after a failover history may have been replaced (P24)")
        }
        try refuseGap(slotState(capture), capture, place.position)
        return place
    }

    private func refuseGap(_ state: SlotState?, _ capture: CaptureNames, _ applied: LogPosition)
        throws
    {
        guard let state else {
            throw gap(.slotMissing, "slot \(capture.slot) does not exist any more")
        }
        if state.walStatus == "lost" || state.invalidationReason != nil {
            let reason = state.invalidationReason ?? "WAL removed"
            throw gap(.slotInvalidated, "slot \(capture.slot) was invalidated (\(reason))")
        }
        if state.confirmed > applied {
            throw gap(
                .positionGap,
                "the slot is confirmed up to \(state.confirmed), the target has \(applied): "
                    + "what lies between is not sent again")
        }
    }

    private func gap(_ kind: ReplicationError.Kind, _ why: String) -> ReplicationError {
        ReplicationError(
            kind, "go on from the checkpoint", why: why,
            try: "martlet run PIPELINE --fresh --yes (copies everything again)")
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
