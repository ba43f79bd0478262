internal import ReplicationEngine
internal import ReplicationModel

extension StatementFault {
    /// Refused because of a unique key.
    var isDuplicate: Bool {
        guard case .server(let error as MySQLError.Server) = cause else { return false }
        return error.code == 1062
    }
}

/// How a failure of applying is told: with position, table, operation and the way out, without the
/// row's values (I5, I9).
extension MySQLApplier {
    /// Whether running the same changes one by one may succeed, or will at least name the culprit.
    func isWorthRepeating(_ error: any Error) -> Bool {
        switch error {
        case is UnfitChange, is ChangeFault, is ColumnFault:
            return connection.isAlive && !isLost((error as? ChangeFault)?.cause)
        case let fault as StatementFault: return !isLost(fault)
        default: return false
        }
    }

    /// The transaction is gone, or the same would happen again.
    private func isLost(_ error: (any Error)?) -> Bool {
        guard let fault = error as? StatementFault, case .server(let cause) = fault.cause else {
            return false
        }
        return switch cause.asReplicationError().kind {
        case .connectionLost, .unreachable, .deadlock, .serverBusy, .targetUnavailable, .fenced,
            .privilege, .authentication, .unfitSetting:
            true
        default: false
        }
    }

    /// The engine's error for one that came up while `batch` was applied.
    func placed(_ error: any Error, in batch: ChangeBatch, _ view: BatchView) -> ReplicationError {
        let index: Int
        var found: ReplicationError
        switch error {
        case let unfit as UnfitChange:
            index = unfit.change
            found = ReplicationError(unfit.kind, "", why: unfit.why)
        case let fault as ChangeFault:
            index = fault.change
            found = told(fault.cause, "", nil, columns: columns(of: fault.change, view))
        default: return told(error, "apply changes", nil)
        }
        let change = batch.changes[index]
        found.what = "apply \(Self.word(change.operation))"
        found.table =
            view.tables[Int(change.table)]?.name ?? batch.tables[Int(change.table)].name
        found.position = batch.transactions.first { $0.changes.contains(index) }?.commitPosition
        found.remedy = found.remedy ?? remedy(for: found)
        return found
    }

    private func columns(of change: Int, _ view: BatchView) -> [Column] {
        view.tables[Int(view.changes[change].table)]?.route.columns ?? []
    }

    func told(
        _ error: any Error, _ what: String, _ table: TableName?, columns: [Column]? = nil
    ) -> ReplicationError {
        let columns = columns ?? tables.first { $0.name == table }?.route.columns ?? []
        var found: ReplicationError
        switch error {
        case let fault as ColumnFault:
            found = ReplicationError(fault.fault.kind, what, why: fault.fault.reason)
            if columns.indices.contains(fault.column) {
                found.column = columns[fault.column].name
            }
        case let fault as CopyTextFault:
            found = ReplicationError(.protocolViolation, what, why: fault.reason)
        case let fault as StatementFault: found = told(fault, what)
        case let error as ReplicationError: return error
        default:
            found = error.asReplicationError()
            found.what = what
        }
        found.table = found.table ?? table
        found.remedy = found.remedy ?? remedy(for: found)
        return found
    }

    private func told(_ fault: StatementFault, _ what: String) -> ReplicationError {
        switch fault.cause {
        case .rows(let found, let expected) where found < expected:
            return ReplicationError(
                .rowMissing, what, why: "the row that it changes is not at the target")
        case .rows(let found, let expected):
            return ReplicationError(
                .rowConflict, what, why: "it hit \(found) rows instead of \(expected)")
        case .server(let error):
            var told = error.asReplicationError()
            told.what = what
            return told
        }
    }

    private func remedy(for error: ReplicationError) -> String? {
        let table = error.table?.description ?? "TABLE"
        return switch error.kind {
        case .rowMissing, .rowConflict:
            "martlet verify \(fence.pipeline) --table \(table); "
                + "something else writes to the target: "
                + "stop it, mend the rows or load the table again"
        case .invalidValue, .unfitSchema, .unseenSchemaChange:
            "make the target's table so that it holds the source's values, then run again"
        default: nil
        }
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
