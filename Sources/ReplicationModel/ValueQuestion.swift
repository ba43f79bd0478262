/// Something about a value that a target may have no place for.
///
/// The target says which of its columns cannot hold what, the source counts such rows: neither
/// knows the other. A source turns each trait into SQL; one that its values never have is false.
package enum ValueTrait: Sendable, Hashable {
    /// A date that is no day: `0000-00-00`, `2024-02-00`, `2023-02-29`.
    case noDay
    /// A date or time before the first moment, or not before the last one; infinity always is.
    case outside(from: String?, before: String?)
    /// The byte 0 in a text.
    case nulByte
    /// Bytes that are no text in their character set.
    case invalidText
    /// NaN or infinity.
    case notFinite
    case negativeZero
    /// An integer.
    case above(String)
    /// Characters of a text, bytes of binary data.
    case longer(Int)
    /// Bytes, of a text in its own character set.
    case larger(Int)
    /// A number in a document that reading its text would round: a DECIMAL.
    case rounded
    /// Levels of a document.
    case deeper(Int)
    /// Of an enumeration: none of its labels.
    case noLabel

    /// In the plural, for people.
    package var words: String {
        switch self {
        case .noDay: "dates that are no day, such as 0000-00-00"
        case .outside(let first?, let end?): "dates before \(first) or from \(end) on, or infinite"
        case .outside(let first?, nil): "dates before \(first), or infinite"
        case .outside(nil, let end): "dates from \(end ?? "") on, or infinite"
        case .nulByte: "texts with a NUL byte"
        case .invalidText: "texts that are not valid in their character set"
        case .notFinite: "NaN or infinity"
        case .negativeZero: "the floating-point number -0"
        case .above(let number): "numbers above \(number)"
        case .longer(let size): "values of more than \(size) characters or bytes"
        case .larger(let bytes): "values of more than \(bytes) bytes"
        case .rounded: "decimals in a document, which its text does not tell from doubles"
        case .deeper(let levels): "documents of more than \(levels) levels"
        case .noLabel: "an empty label that the enum does not have"
        }
    }
}

/// Whether a column has values of a trait, and what becomes of them at the target.
package struct ValueQuestion: Sendable, Equatable {
    /// At the source.
    package var table: TableName
    package var column: Column
    package var trait: ValueTrait
    /// The configuration asks for their conversion, under this key; nil: they are refused.
    package var conversion: LossyConversions.Kind?
    /// They are only warned of: what will become of them.
    package var warning: String?
    package var remedy: String

    package init(
        _ trait: ValueTrait, of column: Column, in table: TableName,
        conversion: LossyConversions.Kind? = nil, warning: String? = nil,
        try remedy: String? = nil
    ) {
        self.table = table
        self.column = column
        self.trait = trait
        self.conversion = conversion
        self.warning = warning
        self.remedy = remedy ?? "mend these rows at the source, or leave the table out"
    }
}

/// The answers to some questions about one table.
package struct ValueCensus: Sendable, Equatable {
    package struct Answer: Sendable, Equatable {
        package var rows: Int64 = 0
        /// Some of their keys, as the source writes them.
        package var keys: [[String]] = []

        package init() {}
    }

    /// Looked at.
    package var rows: Int64 = 0
    /// No row was left out.
    package var isWhole = true
    /// One per question.
    package var answers: [Answer]

    package init(questions: Int) { answers = Array(repeating: Answer(), count: questions) }
}
