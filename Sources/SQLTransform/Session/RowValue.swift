internal import CSQLite
import ReplicationModel

/// A value in canonical text as a value of SQLite's. Texts are lent, not copied.
enum RowValue {
    static func give(
        _ bytes: UnsafeRawBufferPointer, as input: RowInput, to context: OpaquePointer
    ) throws(ValueRefusal) {
        switch input {
        case .integer:
            guard let number = CanonicalText.integer(bytes) else {
                throw ValueRefusal("an integer beyond 64 bits with a sign has no place in SQLite")
            }
            sqlite3_result_int64(context, number)
        case .boolean:
            guard let flag = CanonicalText.boolean(bytes) else { throw .form("boolean") }
            sqlite3_result_int64(context, flag)
        case .double, .single: try giveFloat(bytes, isSingle: input == .single, context)
        case .numeric: try giveNumeric(bytes, context)
        case .blob: try giveBlob(bytes, context)
        case .text: giveText(bytes, context, isLent: true)
        case .instant: giveInstant(bytes, context)
        }
    }

    private static func giveFloat(
        _ bytes: UnsafeRawBufferPointer, isSingle: Bool, _ context: OpaquePointer
    ) throws(ValueRefusal) {
        guard let number = CanonicalText.float(bytes, isSingle: isSingle) else {
            throw .form("floating-point number")
        }
        guard !number.isNaN else { throw ValueRefusal("NaN has no place in SQLite's expressions") }
        sqlite3_result_double(context, number)
    }

    /// At most 15 digits: then the double nearest to it shows the same digits again, and of two
    /// such numbers the smaller one has the smaller double.
    private static func giveNumeric(
        _ bytes: UnsafeRawBufferPointer, _ context: OpaquePointer
    ) throws(ValueRefusal) {
        let digits = DecimalDigits(bytes)
        if digits.isWhole, let number = CanonicalText.integer(digits.whole) {
            return sqlite3_result_int64(context, number)
        }
        guard digits.isNumber, digits.significant <= 15,
            let number = CanonicalText.float(bytes, isSingle: false)
        else {
            throw ValueRefusal(
                "a number of more than 15 digits, or NaN, would lose digits in SQLite's arithmetic",
                try: "pass the column through as it is")
        }
        sqlite3_result_double(context, number)
    }

    private static func giveBlob(
        _ bytes: UnsafeRawBufferPointer, _ context: OpaquePointer
    ) throws(ValueRefusal) {
        guard let count = CanonicalText.byteCount(ofHexadecimal: bytes) else {
            throw .form("bytea")
        }
        guard count > 0 else {
            sqlite3_result_zeroblob(context, 0)
            return
        }
        guard let copy = sqlite3_malloc64(UInt64(count)) else {
            return sqlite3_result_error_nomem(context)
        }
        guard CanonicalText.decode(hexadecimal: bytes, into: copy) else {
            sqlite3_free(copy)
            throw .form("bytea")
        }
        // Takes the copy over.
        sqlite3_result_blob64(context, copy, UInt64(count), sqlite3_free)
    }

    private static func giveText(
        _ bytes: UnsafeRawBufferPointer, _ context: OpaquePointer, isLent: Bool
    ) {
        guard let start = bytes.baseAddress, !bytes.isEmpty else {
            // A null pointer would be NULL.
            return sqlite3_result_text(context, "", 0, martlet_sqlite_transient())
        }
        sqlite3_result_text64(
            context, start.assumingMemoryBound(to: CChar.self), UInt64(bytes.count),
            isLent ? martlet_sqlite_static() : martlet_sqlite_transient(), UInt8(SQLITE_UTF8))
    }

    private static func giveInstant(_ bytes: UnsafeRawBufferPointer, _ context: OpaquePointer) {
        guard bytes.count > 3, bytes.suffix(3).elementsEqual("+00".utf8) else {
            return giveText(bytes, context, isLent: true)
        }
        withUnsafeTemporaryAllocation(byteCount: bytes.count + 3, alignment: 1) { longer in
            longer.copyMemory(from: bytes)
            for (index, byte) in ":00".utf8.enumerated() { longer[bytes.count + index] = byte }
            giveText(UnsafeRawBufferPointer(longer), context, isLent: false)
        }
    }
}

extension ValueRefusal {
    static func form(_ kind: String) -> ValueRefusal {
        ValueRefusal("a value has not the form of a \(kind)")
    }
}

/// What a decimal in plain digits is made of.
struct DecimalDigits {
    /// Sign, digits, at most one point.
    var isNumber = false
    /// Nothing but zeros behind the point.
    var isWhole = false
    /// From the first digit that is not 0 to the last one.
    var significant = 0
    /// What stands before the point.
    var whole: UnsafeRawBufferPointer

    init(_ bytes: UnsafeRawBufferPointer) {
        whole = bytes
        var digits = bytes[...]
        if digits.first == UInt8(ascii: "-") { digits = digits.dropFirst() }
        let point = digits.firstIndex(of: UInt8(ascii: "."))
        if let point { whole = UnsafeRawBufferPointer(rebasing: bytes[..<point]) }
        var (first, last, count): (Int?, Int?, Int) = (nil, nil, 0)
        for (index, byte) in zip(digits.indices, digits) where index != point {
            guard byte &- UInt8(ascii: "0") <= 9 else { return }
            count += 1
            guard byte != UInt8(ascii: "0") else { continue }
            first = first ?? count
            last = count
        }
        let lead = (point ?? digits.endIndex) - digits.startIndex
        isNumber = count > 0
        isWhole = isNumber && (last ?? 0) <= lead
        significant = first.map { (last ?? $0) - $0 + 1 } ?? 0
    }
}
