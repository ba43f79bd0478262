/// What is done to values that the target cannot hold, each only where the configuration asks for
/// it by name (I5, `lossy:`). Nothing is lossy by default: such a value stops the pipeline.
package struct LossyConversions: Sendable, Equatable {
    /// A date that is no day: `0000-00-00`, `2024-02-00`, `2023-02-29`.
    package enum ZeroDate: String, Sendable, CaseIterable {
        case null
        /// 1970-01-01, midnight.
        case epoch
    }

    /// The byte 0 in a text.
    package enum NULByte: String, Sendable, CaseIterable { case strip }

    /// What status counts, under the key of the configuration.
    package enum Kind: String, Sendable, CaseIterable {
        case zeroDate = "zero_date"
        case nulByte = "nul_byte"
    }

    package var zeroDate: ZeroDate?
    package var nulByte: NULByte?

    package init() {}

    /// Whether such values of a column are converted. A key has no NULL.
    package func converts(_ kind: Kind, inKey: Bool) -> Bool {
        switch kind {
        case .zeroDate: zeroDate == .epoch || zeroDate == .null && !inKey
        case .nulByte: nulByte == .strip
        }
    }
}

extension LossyConversions.Kind {
    /// What to do where the configuration does not ask for it.
    package func remedy(inKey: Bool) -> String {
        let keys =
            switch self {
            case .nulByte: "{nul_byte: strip}"
            case .zeroDate: (inKey ? "" : "{zero_date: \"null\"} or ") + "{zero_date: epoch}"
            }
        return "mend the row at the source, or 'lossy: \(keys)' in the pipeline file"
    }
}
