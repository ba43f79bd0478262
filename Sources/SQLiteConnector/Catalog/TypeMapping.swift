internal import ReplicationModel

/// How a value of the source is kept in SQLite so that it is exactly what left (I8);
/// docs/types.md has the table and the reasons.
enum Storage: Sendable, Equatable {
    case integer
    /// INTEGER, 0 or 1.
    case boolean
    /// ANY: a REAL, or the text 'NaN'. A REAL column would turn -0 into 0 and NaN into NULL.
    case double
    /// As `double`, with the digits of a 32-bit float.
    case single
    /// A REAL column of a table that was there already: -0 and NaN are refused.
    case plainDouble
    case plainSingle
    case text
    case blob

    init(_ kind: ValueKind) {
        switch kind {
        // A `bigint unsigned` beyond 2^63 - 1 is refused by name when it comes.
        case .int16, .int32, .int64, .oid, .unsigned64, .year: self = .integer
        case .boolean: self = .boolean
        case .float32: self = .single
        case .float64: self = .double
        case .bytes, .geometry, .vector: self = .blob
        case .numeric, .money, .text, .fixedText, .uuid, .date, .time, .timeWithZone, .timestamp,
            .timestampWithZone, .interval, .json, .jsonBinary, .xml, .bits, .network, .enumeration,
            .array, .range, .composite, .caseInsensitiveText, .duration, .labelSet, .other:
            self = .text
        }
    }

    /// The type in a STRICT table.
    var declaration: String {
        switch self {
        case .integer, .boolean: "INTEGER"
        case .double, .single: "ANY"
        case .plainDouble, .plainSingle: "REAL"
        case .text: "TEXT"
        case .blob: "BLOB"
        }
    }

    /// A CHECK that says what `declaration` cannot; nil if it says everything. NULL passes.
    func check(_ column: String) -> String? {
        switch self {
        case .boolean: "\(column) IN (0, 1)"
        case .double, .single: "typeof(\(column)) = 'real' OR \(column) = 'NaN'"
        case .integer, .plainDouble, .plainSingle, .text, .blob: nil
        }
    }

    /// In words, for `plan`; nil where the type says it.
    var remark: String? {
        switch self {
        case .boolean: "0 or 1"
        case .double, .single: "REAL, or the text 'NaN'"
        case .integer, .plainDouble, .plainSingle, .text, .blob: nil
        }
    }
}

/// What an existing column does to a value that is stored in it.
///
/// Source: "Datatypes In SQLite", section 3.1 (determination of affinity), and "STRICT Tables".
enum Affinity: Equatable {
    case integer, text, none, real, numeric

    init(declaration: String, isStrict: Bool) {
        let type = declaration.uppercased()
        if isStrict, type == "ANY" {
            self = .none
        } else if type.contains("INT") {
            self = .integer
        } else if ["CHAR", "CLOB", "TEXT"].contains(where: type.contains) {
            self = .text
        } else if type.isEmpty || type.contains("BLOB") {
            self = .none
        } else if ["REAL", "FLOA", "DOUB"].contains(where: type.contains) {
            self = .real
        } else {
            self = .numeric
        }
    }
}

extension Storage {
    /// How these values are kept in an existing column; nil if the column would change or refuse
    /// them.
    func stored(in declaration: String, isStrict: Bool) -> Storage? {
        let affinity = Affinity(declaration: declaration, isStrict: isStrict)
        // A STRICT BLOB column takes nothing but blobs.
        if isStrict, affinity == .none, declaration.uppercased() != "ANY", self != .blob {
            return nil
        }
        switch self {
        case .integer, .boolean: return [.integer, .numeric, .none].contains(affinity) ? self : nil
        case .text: return [.text, .none].contains(affinity) ? self : nil
        case .blob: return isStrict && affinity != .none ? nil : self
        case .double, .plainDouble:
            return affinity == .none ? .double : affinity == .real ? .plainDouble : nil
        case .single, .plainSingle:
            return affinity == .none ? .single : affinity == .real ? .plainSingle : nil
        }
    }
}
