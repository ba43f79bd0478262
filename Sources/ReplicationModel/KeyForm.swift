/// Whether equal keys of a column are equal texts. A source may call 1.0 and 1.00 one key while its
/// log tells them apart: an UPDATE from one to the other comes as a change of the key.
///
/// The stream finds a key's chunk by its text, so a text is brought into a form that equal keys
/// share. Where none is known the table has a single chunk: both spellings are in it.
package enum KeyForm: Sendable {
    /// Equal keys are equal texts.
    case exact
    /// `numeric` without a scale: 1.0 = 1.00.
    case decimal
    /// -0 = 0.
    case float
    /// Folding text, intervals, documents, types that users made.
    case unknown

    package func canonical(_ text: [UInt8]) -> [UInt8] {
        switch self {
        case .exact, .unknown: text
        case .float: text == Array("-0".utf8) ? [UInt8(ascii: "0")] : text
        case .decimal: Self.withoutTrailingZeros(text)
        }
    }

    private static func withoutTrailingZeros(_ text: [UInt8]) -> [UInt8] {
        guard text.contains(UInt8(ascii: ".")) else { return text }
        var text = text
        while text.last == UInt8(ascii: "0") { text.removeLast() }
        if text.last == UInt8(ascii: ".") { text.removeLast() }
        return text
    }
}

extension Column {
    /// Compared with the server's own equality by "Texts of equal keys share a form".
    package var keyForm: KeyForm {
        switch type.kind {
        case .boolean, .int16, .int32, .int64, .oid, .money, .bytes, .uuid, .date, .time,
            .timeWithZone, .timestamp, .timestampWithZone, .bits, .network, .enumeration,
            .unsigned64, .duration, .year, .labelSet:
            .exact
        case .text: isFolding ? .unknown : .exact
        // Padded to its length; without one, trailing blanks are kept and do not count.
        case .fixedText: isFolding || type.modifier < 0 ? .unknown : .exact
        case .numeric: .decimal
        case .float32, .float64: .float
        case .interval, .json, .jsonBinary, .xml, .array, .range, .composite,
            .caseInsensitiveText, .geometry, .vector, .other:
            .unknown
        }
    }
}
