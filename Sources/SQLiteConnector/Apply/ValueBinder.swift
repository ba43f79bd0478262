internal import CSQLite
internal import ReplicationModel

/// Why a value could not be bound. Says nothing of the value itself (I9).
enum ValueFault: Error {
    case notAnInteger, notABoolean, notANumber, notHexadecimal
    /// A REAL column holds neither NaN nor -0.
    case notForREAL
    case missingKey
    case unchangedWithoutImage
    case sqlite(Int32)

    var reason: String {
        switch self {
        case .notAnInteger: "the value is not a 64-bit integer"
        case .notABoolean: "the value is not a boolean"
        case .notANumber: "the value is not a floating-point number"
        case .notHexadecimal: "the value is not a bytea in hexadecimal form"
        case .notForREAL: "a REAL column can hold neither NaN nor negative zero"
        case .missingKey: "a key column is NULL or was not sent"
        case .unchangedWithoutImage: "the value was not sent and there is no old row to keep it in"
        case .sqlite(let code): String(cString: sqlite3_errstr(code))
        }
    }

    var kind: ReplicationError.Kind {
        switch self {
        case .notAnInteger, .notABoolean, .notANumber, .notHexadecimal, .notForREAL: .invalidValue
        case .missingKey, .unchangedWithoutImage: .protocolViolation
        case .sqlite(let code):
            code == SQLITE_TOOBIG ? .invalidValue : .internalFault
        }
    }

    var remedy: String? {
        switch self {
        case .notForREAL: "make the column ANY, or let Martlet create the table"
        default: nil
        }
    }
}

/// Binds values in the source's text form to parameters, without a `String` in between.
///
/// Text is bound in place: the bytes must stay where they are until the statement has been stepped.
enum ValueBinder {
    static func bindNull(_ statement: OpaquePointer, _ index: Int32) throws(ValueFault) {
        try check(sqlite3_bind_null(statement, index))
    }

    static func bind(
        _ bytes: UnsafeRawBufferPointer, as storage: Storage, to statement: OpaquePointer,
        _ index: Int32
    ) throws(ValueFault) {
        switch storage {
        case .integer:
            guard let number = CanonicalText.integer(bytes) else { throw .notAnInteger }
            try check(sqlite3_bind_int64(statement, index, number))
        case .boolean:
            guard let flag = CanonicalText.boolean(bytes) else { throw .notABoolean }
            try check(sqlite3_bind_int64(statement, index, flag))
        case .text: try bindText(bytes, statement, index)
        case .blob: try bindBlob(bytes, statement, index)
        case .double, .single, .plainDouble, .plainSingle:
            try bindFloat(bytes, storage, statement, index)
        }
    }

    private static func check(_ code: Int32) throws(ValueFault) {
        if code != SQLITE_OK { throw .sqlite(code) }
    }

    private static func bindText(
        _ bytes: UnsafeRawBufferPointer, _ statement: OpaquePointer, _ index: Int32
    ) throws(ValueFault) {
        guard let start = bytes.baseAddress, !bytes.isEmpty else {
            // A null pointer would bind NULL.
            return try check(
                sqlite3_bind_text(statement, index, "", 0, martlet_sqlite_transient()))
        }
        try check(
            sqlite3_bind_text64(
                statement, index, start.assumingMemoryBound(to: CChar.self), UInt64(bytes.count),
                martlet_sqlite_static(), UInt8(SQLITE_UTF8)))
    }

    private static func bindBlob(
        _ bytes: UnsafeRawBufferPointer, _ statement: OpaquePointer, _ index: Int32
    ) throws(ValueFault) {
        guard let count = CanonicalText.byteCount(ofHexadecimal: bytes) else {
            throw .notHexadecimal
        }
        guard count > 0 else { return try check(sqlite3_bind_zeroblob(statement, index, 0)) }
        guard let copy = sqlite3_malloc64(UInt64(count)) else { throw .sqlite(SQLITE_NOMEM) }
        guard CanonicalText.decode(hexadecimal: bytes, into: copy) else {
            sqlite3_free(copy)
            throw .notHexadecimal
        }
        // Takes over the copy, also when it fails.
        try check(sqlite3_bind_blob64(statement, index, copy, UInt64(count), sqlite3_free))
    }

    private static func bindFloat(
        _ bytes: UnsafeRawBufferPointer, _ storage: Storage, _ statement: OpaquePointer,
        _ index: Int32
    ) throws(ValueFault) {
        let isSingle = storage == .single || storage == .plainSingle
        guard let number = CanonicalText.float(bytes, isSingle: isSingle) else { throw .notANumber }
        if storage == .plainDouble || storage == .plainSingle {
            guard !number.isNaN, !(number == 0 && number.sign == .minus) else { throw .notForREAL }
        }
        if number.isNaN {
            // SQLite turns a NaN into NULL.
            try check(sqlite3_bind_text(statement, index, "NaN", 3, martlet_sqlite_transient()))
        } else {
            try check(sqlite3_bind_double(statement, index, number))
        }
    }
}
