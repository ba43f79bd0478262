internal import ReplicationModel

/// Rows of foreign tables in COPY's text form as the target takes them.
///
/// A NUL and the characters of a date are written as they are: COPY has no escape for either.
struct ForeignRows {
    private(set) var counts: [LossyConversions.Kind: Int64] = [:]
    private let values: ForeignValues
    /// By column of the row.
    private let rules: [ForeignValues.Rule?]

    init(_ values: ForeignValues, width: Int) {
        self.values = values
        var rules = [ForeignValues.Rule?](repeating: nil, count: width)
        for (column, rule) in values.rules { rules[column] = rule }
        self.rules = rules
    }

    /// The block with other values in it; nil if every one fits.
    ///
    /// - Parameter block: whole rows.
    mutating func converted(
        _ block: UnsafeRawBufferPointer
    ) throws(ReplicationError) -> [UInt8]? {
        var result: [UInt8]?
        var (kept, start, column) = (0, 0, 0)
        for end in block.indices {
            let byte = block[end]
            guard byte == UInt8(ascii: "\t") || byte == UInt8(ascii: "\n") else { continue }
            if column < rules.count, let rule = rules[column] {
                let field = UnsafeRawBufferPointer(rebasing: block[start..<end])
                let verdict = try values.judge(field, rule, column: column)
                if verdict != .fits {
                    result = (result ?? []) + block[kept..<start] + text(of: verdict)
                    kept = end
                }
            }
            start = end + 1
            column = byte == UInt8(ascii: "\n") ? 0 : column + 1
        }
        guard let result else { return nil }
        return result + block[kept...]
    }

    private mutating func text(of verdict: ForeignValues.Verdict) -> [UInt8] {
        if let kind = verdict.kind { counts[kind, default: 0] += 1 }
        guard case .bytes(let bytes, _) = verdict else { return Array("\\N".utf8) }
        return bytes
    }
}
