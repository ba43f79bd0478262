import ReplicationModel

/// A field of the row that is being looked at: a range of bytes that somebody else owns.
struct RowField {
    var start: UnsafeRawPointer?
    /// Byte count; below zero as in `Value`.
    var length: Int

    static var null: RowField { RowField(start: nil, length: -1) }

    var bytes: UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: start, count: max(0, length))
    }
    var isPresent: Bool { length >= 0 }
}

/// Why a value cannot be looked at by SQLite, or what SQLite made cannot be written. Says nothing
/// of the value itself (I9).
struct ValueRefusal: Error, Equatable {
    var why: String
    var remedy: String?

    init(_ why: String, try remedy: String? = nil) {
        self.why = why
        self.remedy = remedy
    }
}

/// How values of a kind go into SQLite: as what they are, or not at all
/// (docs/decisions/why-transforms-run-on-the-source-row).
enum RowInput: Sendable {
    case integer, boolean, double, single, numeric, blob, text
    /// A moment: SQLite's date functions read its offset as +00:00 only.
    case instant

    init(_ kind: ValueKind) {
        switch kind {
        case .int16, .int32, .int64, .oid, .unsigned64, .year: self = .integer
        case .boolean: self = .boolean
        case .float64: self = .double
        case .float32: self = .single
        case .numeric: self = .numeric
        case .bytes, .geometry, .vector: self = .blob
        case .timestampWithZone: self = .instant
        case .money, .text, .fixedText, .uuid, .date, .time, .timeWithZone, .timestamp, .interval,
            .json, .jsonBinary, .xml, .bits, .network, .enumeration, .array, .range, .composite,
            .caseInsensitiveText, .duration, .labelSet, .other:
            self = .text
        }
    }

    /// The declared type: decides what a comparison does to its other side.
    var declaration: String {
        switch self {
        case .integer, .boolean: "INTEGER"
        case .double, .single: "REAL"
        case .numeric: "NUMERIC"
        case .blob: "BLOB"
        case .text, .instant: "TEXT"
        }
    }
}

/// The one row that the source table has while a transform looks at it.
final class SourceRow {
    struct Column: Sendable {
        var name: String
        var input: RowInput
        /// Which field of the row it is.
        var field: Int
        /// Stands in no `*`.
        var isHidden = false
    }

    let columns: [Column]
    let fields: UnsafeMutableBufferPointer<RowField>
    /// Why the last evaluation failed, if a value of the row was to blame.
    var refusal: (column: Int, why: ValueRefusal)?

    init(_ columns: [Column]) {
        self.columns = columns
        fields = .allocate(capacity: columns.count { !$0.isHidden })
        fields.initialize(repeating: .null)
    }

    deinit { fields.deallocate() }

    /// As `sqlite3_declare_vtab` takes it.
    var declaration: String {
        let list = columns.map { column in
            "\(column.name.quotedIdentifier) \(column.input.declaration)"
                + (column.isHidden ? " HIDDEN" : "")
        }
        return "CREATE TABLE row(\(list.joined(separator: ", ")))"
    }
}
