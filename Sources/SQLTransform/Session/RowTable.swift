internal import CSQLite
import ReplicationModel

/// The source table as SQLite sees it: a virtual table with one row, whose columns are read when
/// SQLite asks for them, from bytes that stay where they are.
///
/// Source: "The Virtual Table Mechanism Of SQLite", https://www.sqlite.org/vtab.html.
enum RowTable {
    static let moduleName = "martlet_row"

    private struct Table {
        var base = sqlite3_vtab()
        var row: Unmanaged<SourceRow>
    }

    private struct Cursor {
        var base = sqlite3_vtab_cursor()
        var isAtEnd = false
    }

    /// Read-only once made, and kept for the life of the process.
    private struct Module: @unchecked Sendable { let pointer: UnsafeMutablePointer<sqlite3_module> }

    private static let module = Module(pointer: made())

    private static func made() -> UnsafeMutablePointer<sqlite3_module> {
        var module = sqlite3_module()
        module.xCreate = { db, row, _, _, table, _ in RowTable.connect(db, row, table) }
        module.xConnect = { db, row, _, _, table, _ in RowTable.connect(db, row, table) }
        module.xBestIndex = { _, info in RowTable.plan(info) }
        module.xDisconnect = { RowTable.disconnect($0) }
        module.xDestroy = { RowTable.disconnect($0) }
        module.xOpen = { _, cursor in RowTable.open(cursor) }
        module.xClose = { RowTable.close($0) }
        module.xFilter = { cursor, _, _, _, _ in RowTable.move(cursor, toEnd: false) }
        module.xNext = { RowTable.move($0, toEnd: true) }
        module.xEof = { RowTable.isAtEnd($0) }
        module.xColumn = { RowTable.column($0, $1, $2) }
        module.xRowid = { _, number in RowTable.id(number) }
        let pointer = UnsafeMutablePointer<sqlite3_module>.allocate(capacity: 1)
        pointer.initialize(to: module)
        return pointer
    }

    private static func plan(_ info: UnsafeMutablePointer<sqlite3_index_info>?) -> Int32 {
        info?.pointee.estimatedCost = 1
        info?.pointee.estimatedRows = 1
        return SQLITE_OK
    }

    private static func id(_ id: UnsafeMutablePointer<sqlite3_int64>?) -> Int32 {
        id?.pointee = 1
        return SQLITE_OK
    }

    static func register(_ row: SourceRow, on database: OpaquePointer) -> Int32 {
        sqlite3_create_module_v2(
            database, moduleName, module.pointer, Unmanaged.passUnretained(row).toOpaque(), nil)
    }

    private static func connect(
        _ database: OpaquePointer?, _ row: UnsafeMutableRawPointer?,
        _ table: UnsafeMutablePointer<UnsafeMutablePointer<sqlite3_vtab>?>?
    ) -> Int32 {
        guard let row else { return SQLITE_MISUSE }
        let source = Unmanaged<SourceRow>.fromOpaque(row)
        let code = sqlite3_declare_vtab(database, source.takeUnretainedValue().declaration)
        guard code == SQLITE_OK else { return code }
        let made = UnsafeMutablePointer<Table>.allocate(capacity: 1)
        made.initialize(to: Table(row: source))
        table?.pointee = UnsafeMutableRawPointer(made).assumingMemoryBound(to: sqlite3_vtab.self)
        return SQLITE_OK
    }

    private static func disconnect(_ table: UnsafeMutablePointer<sqlite3_vtab>?) -> Int32 {
        if let table {
            UnsafeMutableRawPointer(table).assumingMemoryBound(to: Table.self).deallocate()
        }
        return SQLITE_OK
    }

    private typealias CursorPointer = UnsafeMutablePointer<sqlite3_vtab_cursor>

    private static func made(_ cursor: CursorPointer) -> UnsafeMutablePointer<Cursor> {
        UnsafeMutableRawPointer(cursor).assumingMemoryBound(to: Cursor.self)
    }

    private static func open(_ cursor: UnsafeMutablePointer<CursorPointer?>?) -> Int32 {
        let made = UnsafeMutablePointer<Cursor>.allocate(capacity: 1)
        made.initialize(to: Cursor())
        cursor?.pointee = UnsafeMutableRawPointer(made).assumingMemoryBound(
            to: sqlite3_vtab_cursor.self)
        return SQLITE_OK
    }

    private static func close(_ cursor: CursorPointer?) -> Int32 {
        if let cursor { made(cursor).deallocate() }
        return SQLITE_OK
    }

    private static func move(_ cursor: CursorPointer?, toEnd isAtEnd: Bool) -> Int32 {
        if let cursor { made(cursor).pointee.isAtEnd = isAtEnd }
        return SQLITE_OK
    }

    private static func isAtEnd(_ cursor: CursorPointer?) -> Int32 {
        guard let cursor else { return 1 }
        return made(cursor).pointee.isAtEnd ? 1 : 0
    }

    private static func column(
        _ cursor: CursorPointer?, _ context: OpaquePointer?,
        _ index: Int32
    ) -> Int32 {
        guard let table = cursor?.pointee.pVtab, let context else { return SQLITE_MISUSE }
        let row = UnsafeMutableRawPointer(table).assumingMemoryBound(to: Table.self).pointee.row
        return row._withUnsafeGuaranteedRef { row in
            let column = row.columns[Int(index)]
            let field = row.fields[column.field]
            guard field.isPresent else {
                sqlite3_result_null(context)
                return SQLITE_OK
            }
            do throws(ValueRefusal) {
                try RowValue.give(field.bytes, as: column.input, to: context)
            } catch {
                row.refusal = (column.field, error)
                sqlite3_result_error(context, "a value cannot be looked at", -1)
                return SQLITE_ERROR
            }
            return SQLITE_OK
        }
    }
}
