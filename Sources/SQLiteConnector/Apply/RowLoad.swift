internal import CSQLite
internal import ReplicationEngine
internal import ReplicationModel

/// A bulk insert of rows in COPY text format into one table.
final class RowLoad {
    private let statements: RowStatements
    private let route: TableRoute
    private let insert: SQLiteStatement
    private var scratch = UnsafeMutableRawBufferPointer.allocate(byteCount: 0, alignment: 1)
    private(set) var rows: Int64 = 0

    init(_ statements: RowStatements) throws {
        self.statements = statements
        route = statements.table.route
        insert = try statements.insert()
    }

    deinit { scratch.deallocate() }

    /// Inserts a block of whole rows.
    func write(_ block: UnsafeRawBufferPointer) throws {
        reserve(block.count)
        let storages = statements.table.storages
        let isKey = statements.table.isKey
        let handle = insert.handle
        var reader = CopyTextReader(block, columns: storages.count, scratch: scratch)
        do {
            while try reader.nextRow({ column, bytes in
                do throws(ValueFault) {
                    guard let bytes else {
                        if isKey[column] { throw .missingKey }
                        return try ValueBinder.bindNull(handle, Int32(column + 1))
                    }
                    try ValueBinder.bind(bytes, as: storages[column], to: handle, Int32(column + 1))
                } catch { throw ColumnFault(fault: error, column: column) }
            }) {
                // One row per step: INSERT ... VALUES of one row changes one row or fails.
                _ = try insert.step()
                rows += 1
            }
        } catch { throw named(error) }
    }

    private func reserve(_ count: Int) {
        guard scratch.count < count else { return }
        scratch.deallocate()
        scratch = .allocate(byteCount: count, alignment: 1)
    }

    private func named(_ error: any Error) -> ReplicationError {
        let what = "load rows"
        switch error {
        case let fault as CopyTextFault:
            return ReplicationError(
                .protocolViolation, what, table: route.target, why: fault.reason)
        case let fault as ColumnFault:
            return fault.replicationError(what, position: nil, route: route)
        default:
            return error.asReplicationError(what, table: route.target)
        }
    }
}
