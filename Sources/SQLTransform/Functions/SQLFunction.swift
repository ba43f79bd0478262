internal import CSQLite
import Foundation
import ReplicationModel

/// Why a function gives no result. Says nothing of the arguments' values (I9).
struct FunctionFault: Error {
    var why: String
    init(_ why: String) { self.why = why }
}

/// A function of Martlet's own beside SQLite's.
///
/// Unless it says otherwise, it gives NULL for a NULL argument and the same for the same arguments.
struct SQLFunction: Sendable {
    enum Result {
        case null
        case integer(Int64)
        case text([UInt8])
        case blob([UInt8])

        static func text(_ text: String) -> Result { .text(Array(text.utf8)) }
    }

    typealias Body = @Sendable (FunctionCall) throws(FunctionFault) -> Result

    let name: String
    let arguments: ClosedRange<Int>
    /// What its result is at the target unless `types:` says otherwise.
    let result: OutputType
    /// Two arguments never have one result, as far as anybody knows.
    var isInjective = false
    /// It speaks of the change, not of the row.
    var isAboutChange = false
    /// Its second argument is a secret.
    var takesKey = false
    let body: Body

    init(
        _ name: String, _ arguments: ClosedRange<Int>, _ result: OutputType,
        isInjective: Bool = false, isAboutChange: Bool = false, takesKey: Bool = false,
        _ body: @escaping Body
    ) {
        self.name = name
        self.arguments = arguments
        self.result = result
        self.isInjective = isInjective
        self.isAboutChange = isAboutChange
        self.takesKey = takesKey
        self.body = body
    }

    private final class Binding {
        let function: SQLFunction
        let context: ChangeContext
        init(_ function: SQLFunction, _ context: ChangeContext) {
            (self.function, self.context) = (function, context)
        }
    }

    func register(on database: OpaquePointer, _ context: ChangeContext) -> Int32 {
        let flags = SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_DIRECTONLY
        for count in arguments {
            let binding = Unmanaged.passRetained(Binding(self, context))
            // Frees the binding, also when it fails.
            let code = sqlite3_create_function_v2(
                database, name, Int32(count), flags, binding.toOpaque(), Self.call, nil, nil,
                { $0.map { Unmanaged<Binding>.fromOpaque($0).release() } })
            guard code == SQLITE_OK else { return code }
        }
        return SQLITE_OK
    }

    private static let call:
        @convention(c) (
            OpaquePointer?, Int32, UnsafeMutablePointer<OpaquePointer?>?
        ) -> Void = { context, count, values in
            guard let context, let data = sqlite3_user_data(context) else { return }
            Unmanaged<Binding>.fromOpaque(data)._withUnsafeGuaranteedRef { binding in
                let call = FunctionCall(
                    values: UnsafeBufferPointer(start: values, count: Int(count)),
                    context: binding.context)
                do throws(FunctionFault) {
                    let isNull = (0..<call.count).contains(where: call.isNull)
                    give(isNull ? .null : try binding.function.body(call), to: context)
                } catch {
                    // Whole: of SQLite's own messages only the beginning is shown.
                    binding.context.fault = "\(binding.function.name)(): \(error.why)"
                    sqlite3_result_error(context, "a function gives no result", -1)
                }
            }
        }

    private static func give(_ result: Result, to context: OpaquePointer) {
        switch result {
        case .null: sqlite3_result_null(context)
        case .integer(let number): sqlite3_result_int64(context, number)
        case .text(let bytes):
            bytes.withUnsafeBytes {
                sqlite3_result_text64(
                    context, $0.baseAddress?.assumingMemoryBound(to: CChar.self) ?? empty,
                    UInt64($0.count), martlet_sqlite_transient(), UInt8(SQLITE_UTF8))
            }
        case .blob(let bytes):
            bytes.withUnsafeBytes {
                sqlite3_result_blob64(
                    context, $0.baseAddress ?? UnsafeRawPointer(empty), UInt64($0.count),
                    martlet_sqlite_transient())
            }
        }
    }

    /// A null pointer would be NULL.
    private static var empty: UnsafePointer<CChar> {
        UnsafePointer(bitPattern: 8).unsafelyUnwrapped
    }
}

/// The arguments of one call; valid inside of it.
struct FunctionCall {
    let values: UnsafeBufferPointer<OpaquePointer?>
    let context: ChangeContext

    var count: Int { values.count }

    func isNull(_ index: Int) -> Bool { sqlite3_value_type(values[index]) == SQLITE_NULL }
    func isBlob(_ index: Int) -> Bool { sqlite3_value_type(values[index]) == SQLITE_BLOB }

    /// The bytes of a blob, or of a text in UTF-8; a number's are its digits.
    func bytes(_ index: Int) throws(FunctionFault) -> UnsafeRawBufferPointer {
        let value = values[index]
        if sqlite3_value_type(value) == SQLITE_BLOB {
            return UnsafeRawBufferPointer(
                start: sqlite3_value_blob(value), count: Int(sqlite3_value_bytes(value)))
        }
        if sqlite3_value_type(value) == SQLITE_FLOAT,
            ExactReal.digits(sqlite3_value_double(value)) == nil
        {
            throw FunctionFault("a number has more digits than SQLite shows")
        }
        let text = sqlite3_value_text(value)
        return UnsafeRawBufferPointer(start: text, count: Int(sqlite3_value_bytes(value)))
    }

    /// The digits of a number, without an exponent.
    func plainDigits(_ index: Int) throws(FunctionFault) -> [UInt8] {
        if sqlite3_value_type(values[index]) == SQLITE_FLOAT,
            let digits = ExactReal.digits(sqlite3_value_double(values[index]))
        {
            return Array(digits.utf8)
        }
        return Array(try bytes(index))
    }

    func text(_ index: Int) throws(FunctionFault) -> String {
        if isBlob(index) { throw FunctionFault("an argument is a blob where a text is wanted") }
        return String(decoding: try bytes(index), as: UTF8.self)
    }

    func integer(_ index: Int, in range: ClosedRange<Int>) throws(FunctionFault) -> Int {
        guard sqlite3_value_type(values[index]) == SQLITE_INTEGER,
            let number = Int(exactly: sqlite3_value_int64(values[index])), range.contains(number)
        else {
            throw FunctionFault(
                "argument \(index + 1) is not a whole number from \(range.lowerBound) to "
                    + "\(range.upperBound)")
        }
        return number
    }
}

/// Doubles that are decimals of at most 15 digits.
enum ExactReal {
    /// Those digits; nil for any other double.
    static func digits(_ number: Double) -> String? {
        guard number.isFinite else { return nil }
        var text = [CChar](repeating: 0, count: 40)
        withVaList([number]) { _ = vsnprintf(&text, text.count, "%.15g", $0) }
        guard strtod(text, nil) == number else { return nil }
        let digits = String(
            decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        return digits.contains("e") ? plain(digits) : digits
    }

    /// `1.5e-07` as `0.00000015`.
    private static func plain(_ text: String) -> String? {
        let parts = text.split(separator: "e")
        guard parts.count == 2, let exponent = Int(parts[1]), abs(exponent) <= 400 else {
            return nil
        }
        let isNegative = parts[0].hasPrefix("-")
        let mantissa = parts[0].drop { $0 == "-" }
        let whole = mantissa.prefix { $0 != "." }
        let fraction = mantissa.dropFirst(whole.count + 1)
        var digits = String(whole + fraction)
        var point = whole.count + exponent
        if point <= 0 {
            digits = String(repeating: "0", count: 1 - point) + digits
            point = 1
        }
        if point > digits.count { digits += String(repeating: "0", count: point - digits.count) }
        let split = digits.index(digits.startIndex, offsetBy: point)
        let tail = digits[split...]
        return (isNegative ? "-" : "") + digits[..<split] + (tail.isEmpty ? "" : "." + tail)
    }
}
