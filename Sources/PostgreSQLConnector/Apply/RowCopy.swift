package import ReplicationEngine
internal import ReplicationModel

/// Rows of chunks by COPY, and the emptying of a table before its load starts again.
extension PGApplier {
    package func wipe(route: Int) throws {
        let table = tables[route]
        let share = table.route.share
        do {
            let isReferenced = try connection.query(
                """
                SELECT EXISTS (SELECT FROM pg_constraint WHERE contype = 'f' \
                AND confrelid = to_regclass($1) AND conrelid <> confrelid)
                """, [table.name.quoted]
            ).boolean(0, 0)
            try connection.run(
                (isReferenced || share != nil ? "DELETE FROM " : "TRUNCATE ") + table.relation
                    + share.clause)
        } catch { throw error.asReplicationError(table: table.name) }
    }

    package func rowFormats(route: Int) -> [RowFormat] {
        tables[route].isBinaryCopyable ? [.copyBinary, .copyText] : [.copyText]
    }

    package func beginRows(route: Int, format: RowFormat, isMore: Bool) throws {
        let table = tables[route]
        let list = table.columns.map(\.quoted).joined(separator: ", ")
        let columns = list.isEmpty ? "" : "(\(list)) "
        let isBinary = format == .copyBinary
        do {
            if homes[route] != nil, !isMore {
                try connection.run("TRUNCATE \(table.place)")
            }
            copy = try PGCopyIn(
                "COPY \(table.place) \(columns)FROM STDIN "
                    + "(FORMAT \(isBinary ? "binary" : "text"))",
                isBinary: isBinary, on: connection)
            copiedTable = route
            foreignRows = table.foreignValues.map(ForeignRows.init)
        } catch { throw placed(error, table) }
    }

    package func writeRows(_ block: UnsafeRawBufferPointer) throws {
        do {
            guard let other = try foreignRows?.converted(block) else {
                return try openCopy().write(block)
            }
            try other.withUnsafeBytes { try openCopy().write($0) }
        } catch { throw placed(error, tables[copiedTable]) }
    }

    package func endRows() throws -> Int64 {
        defer { copy = nil }
        lossyCounts.merge(foreignRows?.counts ?? [:], uniquingKeysWith: +)
        do { return try openCopy().finish() } catch { throw placed(error, tables[copiedTable]) }
    }

    private func openCopy() throws -> PGCopyIn {
        guard let copy else {
            throw ReplicationError(
                .internalFault, "write rows of a chunk", why: "beginRows was not called")
        }
        return copy
    }
}
