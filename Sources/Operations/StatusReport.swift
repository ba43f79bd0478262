package import Configuration
package import ReplicationEngine
package import ReplicationModel

/// One look at a pipeline, from what the target stores and what the source says: `run` need not be
/// up.
package struct StatusReport: Report {
    package let pipeline: String
    /// nil if the pipeline never ran.
    package let stored: StoredPipeline?
    package let source: Result<SourceReport, ReplicationError>
    /// The slot's own word on what is confirmed; nil if the source does not answer.
    package let slot: SlotState?
    package var maxLag: TimeSpan?

    package init(
        pipeline: String, stored: StoredPipeline?, source: Result<SourceReport, ReplicationError>,
        slot: SlotState? = nil, maxLag: TimeSpan? = nil
    ) {
        self.pipeline = pipeline
        self.stored = stored
        self.source = source
        self.slot = slot
        self.maxLag = maxLag
    }

    /// Asks both ends. A silent source is part of the answer, a silent target is an error.
    ///
    /// - Parameter source: opened when asked, because opening may already connect.
    package static func take(
        _ configuration: PipelineConfiguration, target: any ReplicationTarget,
        source: () throws -> any ReplicationSource, maxLag: TimeSpan? = nil
    ) throws -> StatusReport {
        let stored = try target.load(pipeline: configuration.name)
        let capture = stored?.setup.capture ?? configuration.capture
        var slot: SlotState?
        let answer: Result<SourceReport, ReplicationError>
        do {
            let source = try source()
            slot = try source.slotState(capture)
            answer = .success(
                try source.report(capture, applied: stored?.checkpoint?.position))
        } catch {
            answer = .failure(ReplicationError(wrapping: error, "ask the source"))
        }
        return StatusReport(
            pipeline: configuration.name, stored: stored, source: answer, slot: slot,
            maxLag: maxLag)
    }

    // MARK: What it comes to

    package var isRunning: Bool { stored?.leaseIsValid ?? false }

    /// A process that said it was at work and whose lease has ended is stopped, whatever it said.
    package var state: String {
        guard let stored, let report = stored.report else { return "stopped" }
        switch report.state {
        case .failed, .fenced: return report.state.rawValue
        case .stopped: return "stopped"
        case .starting, .loading, .streaming, .paused:
            guard stored.leaseIsValid else { return "stopped" }
            if report.state == .starting { return isLoading ? "loading" : "streaming" }
            return report.state.rawValue
        }
    }

    private var isLoading: Bool {
        guard let stored else { return true }
        return stored.tables.isEmpty || stored.tables.contains { $0.state != .live }
    }

    /// Seconds; nil when it cannot be known, `lagReason` says why.
    ///
    /// The heartbeat comes every second, so that much age is no lag. Both times are the source's
    /// clock: the difference between the clocks of two machines does not enter.
    package var lagSeconds: Double? {
        guard case .success(let report) = source, let newest = stored?.checkpoint?.heartbeatAt
        else { return nil }
        return max(0, Double(report.now - newest) / 1_000_000 - 1)
    }

    package var lagReason: String? {
        if stored == nil { return "nothing is stored for this pipeline: it never ran" }
        if case .failure(let error) = source {
            return "\(error.what): \(error.why)".split(whereSeparator: \.isWhitespace)
                .joined(separator: " ")
        }
        return lagSeconds == nil ? "no heartbeat has been applied yet" : nil
    }

    /// Bytes of log between what is applied and the source's end.
    package var lagBytes: Int64? {
        guard case .success(let report) = source else { return nil }
        return report.backlogBytes
    }

    /// A lag that cannot be known is not known to be below the threshold.
    package var exitCode: Int32 {
        guard let maxLag else { return 0 }
        return (lagSeconds ?? .infinity) > maxLag.seconds ? 8 : 0
    }

    /// While a table loads, its chunks know more than its own row, which changes with its state.
    func rowsCopied(_ table: TableProgress) -> Int64 {
        let chunks =
            stored?.chunks.filter {
                $0.table == table.id && ($0.seal != nil || $0.isCopiedInPart)
            } ?? []
        return max(table.rowsCopied, chunks.reduce(0) { $0 + $1.rows })
    }

    var applied: LogPosition? { stored?.checkpoint?.position }
    /// Reported every second, and `applied` is stored more often: never shown behind it.
    var received: LogPosition? {
        guard let reported = stored?.report?.received else { return applied }
        return max(reported, applied ?? reported)
    }
    var confirmed: LogPosition? { slot?.confirmed ?? stored?.report?.confirmed }

    /// Known exactly only when everything received is applied.
    var pendingTransactions: Int64? {
        guard let applied, let received else { return nil }
        return received <= applied ? 0 : nil
    }
}

// MARK: JSON

extension StatusReport {
    package var json: JSONValue {
        .object([
            ("schema", .integer(1)), ("pipeline", .string(pipeline)), ("state", .string(state)),
            ("running", .bool(isRunning)), ("epoch", .integer(stored?.epoch ?? 0)),
            ("source", sourceJSON),
            ("received", .optional(received)), ("applied", .optional(applied)),
            ("confirmed", .optional(confirmed)),
            ("lag_seconds", .seconds(lagSeconds)), ("why", .optional(lagReason)),
            ("lag_bytes", .optional(lagBytes)),
            ("pending_transactions", .optional(pendingTransactions)),
            ("last_progress_age_seconds", .seconds(stored?.checkpointAge)),
            ("waiting", .optional(isRunning ? stored?.report?.waiting : nil)),
            ("tables", .array((stored?.tables ?? []).map(json))),
            ("conflicts", .object([])), ("lossy", lossy), ("held_ddl", .array([])),
            ("errors", .array(errors.map(\.json))),
        ])
    }

    /// Converted values, by the key of the configuration; what never happened is left out.
    private var lossy: JSONValue {
        let counts = (stored?.lossy ?? [:]).sorted { $0.key.rawValue < $1.key.rawValue }
        return .object(counts.map { ($0.key.rawValue, .integer($0.value)) })
    }

    private var sourceJSON: JSONValue {
        guard case .success(let report) = source else {
            return .object([("position", .null), ("retained_bytes", .null)])
        }
        return .object([
            ("position", .string(report.position.description)),
            ("retained_bytes", .optional(report.retainedBytes)),
        ])
    }

    var errors: [ErrorText] { (stored?.report?.error).map { [ErrorText($0)] } ?? [] }

    private func json(_ table: TableProgress) -> JSONValue {
        .object([
            ("source", .string(table.source.description)),
            ("target", .string(table.target.description)),
            ("state", .string(table.state.rawValue)),
            ("rows_copied", .integer(rowsCopied(table))),
            ("rows_estimated", .integer(max(0, table.rowsEstimated))),
            ("inserts", .integer(table.counts.inserts)),
            ("updates", .integer(table.counts.updates)),
            ("deletes", .integer(table.counts.deletes)),
            ("unproven", .bool(table.isUnproven)),
        ])
    }
}

// MARK: Text

extension StatusReport {
    package var lines: [String] {
        let running = isRunning ? "running" : "not running"
        var lines = ["pipeline \(pipeline): \(state), \(running), epoch \(stored?.epoch ?? 0)"]
        lines.append(positions)
        lines.append(lagLine)
        if isRunning, let waiting = stored?.report?.waiting { lines.append("waiting: \(waiting)") }
        lines += errors.flatMap(\.lines)
        return lines + tableLines
    }

    private var positions: String {
        func show(_ position: LogPosition?) -> String { position?.description ?? "-" }
        var text =
            "received \(show(received)) | applied \(show(applied))"
            + " | confirmed \(show(confirmed))"
        if case .success(let report) = source { text += " | source \(report.position)" }
        return text
    }

    private var lagLine: String {
        var text = "lag " + (lagSeconds.map(Units.span) ?? "unknown (\(lagReason ?? ""))")
        if let lagBytes { text += ", \(Units.bytes(lagBytes))" }
        if case .success(let report) = source, let retained = report.retainedBytes {
            text += " | the slot retains \(Units.bytes(retained))"
        }
        if let age = stored?.checkpointAge { text += " | last progress \(Units.span(age)) ago" }
        return text
    }

    private var tableLines: [String] {
        guard let tables = stored?.tables, !tables.isEmpty else { return [] }
        let header = Self.row("table", "state", "rows", "inserts", "updates", "deletes")
        return ["", header]
            + tables.map { table in
                Self.row(
                    table.source.description, Self.state(table), Units.count(rowsCopied(table)),
                    Units.count(table.counts.inserts), Units.count(table.counts.updates),
                    Units.count(table.counts.deletes))
            }
    }

    private static func state(_ table: TableProgress) -> String {
        table.isUnproven ? "unproven" : table.state.rawValue
    }

    private static func row(_ cells: String...) -> String {
        cells[0].padded(to: 26) + " " + cells[1].padded(to: 11)
            + cells[2].rightAligned(in: 12)
            + cells[3...].map { $0.rightAligned(in: 10) }.joined()
    }
}

extension ReplicationError {
    /// Any error as the engine's; connectors throw nothing else, so that another one is a fault.
    package init(wrapping error: any Error, _ what: String) {
        self =
            error as? ReplicationError
            ?? ReplicationError(.internalFault, what, why: String(describing: error))
    }
}
