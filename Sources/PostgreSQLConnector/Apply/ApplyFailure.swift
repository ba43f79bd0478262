internal import ReplicationEngine
internal import ReplicationModel

/// How a failure of applying is told: with position, table, operation and the way out, without the
/// row's values (I5, I9).
extension PGApplier {
    /// Whether running the same changes one by one may succeed, or will at least name the culprit.
    func isWorthRepeating(_ error: any Error) -> Bool {
        guard let failure = error as? PGPipeline.Failure else {
            return error is UnfitChange || error is ArrayParameters.UnfitValue
        }
        guard case .server(let cause) = failure.cause else { return true }
        return switch cause.asReplicationError().kind {
        case .connectionLost, .unreachable, .deadlock, .serverBusy, .targetUnavailable, .fenced,
            .privilege, .authentication:
            false
        default: true
        }
    }

    /// The engine's error for one that came up while `batch` was applied.
    func placed(_ error: any Error, in batch: ChangeBatch, _ view: BatchView) -> ReplicationError {
        switch error {
        case let failure as PGPipeline.Failure:
            guard batch.changes.indices.contains(failure.tag) else {
                return described(failure.cause, what: "apply changes")
            }
            let change = batch.changes[failure.tag]
            var told = described(failure.cause, what: "apply \(Self.word(change.operation))")
            told.table =
                view.tables[Int(change.table)]?.name ?? batch.tables[Int(change.table)].name
            told.position = position(of: failure.tag, in: batch)
            told.remedy = told.remedy ?? remedy(for: told)
            return told
        case let unfit as UnfitChange:
            let change = batch.changes[unfit.change]
            var told = ReplicationError(
                unfit.kind, "apply \(Self.word(change.operation))",
                position: position(of: unfit.change, in: batch),
                table: view.tables[Int(change.table)]?.name ?? batch.tables[Int(change.table)].name,
                why: unfit.why)
            told.remedy = remedy(for: told)
            return told
        default: return error.asReplicationError()
        }
    }

    func placed(_ error: any Error, _ table: AppliedTable) -> ReplicationError {
        guard error is PGError.Server else { return error.asReplicationError(table: table.name) }
        var told = described(.server(error), what: "copy rows")
        told.table = table.name
        told.remedy = told.remedy ?? remedy(for: told)
        return told
    }

    private func described(_ cause: PGPipeline.Failure.Cause, what: String) -> ReplicationError {
        switch cause {
        case .rows(let found, let expected) where found < expected:
            return ReplicationError(
                .rowMissing, what, why: "the row that it changes is not at the target")
        case .rows(let found, let expected):
            return ReplicationError(
                .rowConflict, what, why: "it hit \(found) rows instead of \(expected)")
        case .server(let error):
            var told = error.asReplicationError()
            told.what = what
            if let server = error as? PGError.Server { told.why = Self.reason(server) }
            return told
        }
    }

    /// The server's words where they hold no value. Messages of class 22 and of what users wrote
    /// themselves may quote one.
    private static func reason(_ error: PGError.Server) -> String {
        let classes = ["08", "0A", "23", "25", "40", "42", "53", "55", "57"]
        let isSafe = classes.contains { error.sqlState.hasPrefix($0) } || error.sqlState == "22001"
        let words = isSafe ? error.message : "the target refused it"
        return "\(words) (SQLSTATE \(error.sqlState))"
    }

    private func remedy(for error: ReplicationError) -> String? {
        let table = error.table?.description ?? "TABLE"
        return switch error.kind {
        case .rowMissing, .rowConflict:
            "martlet verify \(fence.pipeline) --table \(table); "
                + "something else writes to the target: "
                + "stop it, mend the rows or load the table again"
        case .unsupported where error.what.hasSuffix("TRUNCATE"):
            "add the referencing tables to the pipeline, or drop their foreign keys at the target"
        case .invalidValue, .unfitSchema, .unseenSchemaChange:
            "make the target's table like the source's, then run again"
        default: nil
        }
    }

    func position(of change: Int, in batch: ChangeBatch) -> LogPosition? {
        batch.transactions.first { $0.changes.contains(change) }?.commitPosition
    }

    private static func word(_ operation: Change.Operation) -> String {
        switch operation {
        case .insert: "INSERT"
        case .update: "UPDATE"
        case .delete: "DELETE"
        case .truncate: "TRUNCATE"
        }
    }
}
