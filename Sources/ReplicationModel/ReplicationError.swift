/// The one error of the engine's border: what was attempted, where, why, and what to do next.
/// Never carries a row value or a secret (I9).
package struct ReplicationError: Error, Sendable, CustomStringConvertible {
    /// What went wrong, coarse enough to decide by. `policy` maps it to what happens next.
    package enum Kind: String, Sendable {
        case usage, configuration
        case authentication, privilege, unfitSetting, unfitSchema, unfitValue, preflight
        case unreachable, connectionLost, serverBusy, deadlock, targetUnavailable, snapshotGone
        case slotActive, slotMissing, slotInvalidated, slotExhausted, positionGap, otherSource
        case unseenSchemaChange, unsupported, rowMissing, rowConflict, invalidValue
        case protocolViolation, fenced, held, spoolFull, stateTooNew, internalFault
    }

    package enum Policy: Sendable {
        /// Reconnect and go on from the checkpoint, with back-off.
        case retry
        /// Stop the pipeline: a person has to decide. Exit code as the contract says.
        case stop(exitCode: Int32)
    }

    package var kind: Kind
    /// What was attempted, in plain words: "apply UPDATE".
    package var what: String
    package var position: LogPosition?
    package var table: TableName?
    package var column: String?
    /// The foreign key that rows do not keep.
    package var foreignKey: String?
    /// A place that is none of these: file and line, an environment variable, an option.
    package var place: String?
    package var why: String
    /// The exact next command or SQL.
    package var remedy: String?

    package init(
        _ kind: Kind, _ what: String, position: LogPosition? = nil, table: TableName? = nil,
        column: String? = nil, place: String? = nil, why: String, try remedy: String? = nil
    ) {
        self.kind = kind
        self.what = what
        self.position = position
        self.table = table
        self.column = column
        self.place = place
        self.why = why
        self.remedy = remedy
    }

    package var policy: Policy {
        switch kind {
        case .usage, .configuration: .stop(exitCode: 2)
        case .authentication, .privilege, .unfitSetting, .unfitSchema, .unfitValue, .preflight,
            .slotExhausted, .stateTooNew, .otherSource:
            .stop(exitCode: 3)
        case .unreachable, .connectionLost, .serverBusy, .deadlock, .targetUnavailable,
            .snapshotGone, .slotActive:
            .retry
        case .slotMissing, .slotInvalidated, .positionGap, .unseenSchemaChange, .unsupported,
            .rowMissing, .rowConflict, .invalidValue, .held, .spoolFull:
            .stop(exitCode: 6)
        case .protocolViolation, .internalFault: .stop(exitCode: 1)
        case .fenced: .stop(exitCode: 75)
        }
    }

    /// Exit code when a command ends with this error (docs/reference/cli.md).
    package var exitCode: Int32 {
        switch policy {
        case .retry: 75
        case .stop(let code): code
        }
    }

    /// The contract's four lines: error, where, why, try.
    package var description: String {
        var lines = ["error: \(what)"]
        var places = place.map { [$0] } ?? []
        if let position { places.append("position \(position)") }
        if let table { places.append("table \(table)") }
        if let column { places.append("column \(column)") }
        if !places.isEmpty { lines.append("where: " + places.joined(separator: ", ")) }
        lines.append("why: \(why)")
        if let remedy { lines.append("try: \(remedy)") }
        return lines.joined(separator: "\n")
    }
}
