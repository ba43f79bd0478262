import Foundation
internal import ReplicationModel

/// Rows of foreign tables in COPY's text form as the target takes them.
///
/// A NUL and the characters of a date are written as they are: COPY has no escape for either.
struct ForeignRows {
    private(set) var counts: [LossyConversions.Kind: Int64] = [:]
    private let values: ForeignValues
    /// By column of the row, as far as the last one that has a rule.
    private let rules: [ForeignValues.Rule?]
    /// Those for blocks that hold no NUL: a text has nothing else to look for.
    private let dayRules: [ForeignValues.Rule?]

    init(_ values: ForeignValues) {
        self.values = values
        rules = Self.byColumn(values.rules)
        dayRules = Self.byColumn(values.rules.filter { $0.rule != .text })
    }

    private static func byColumn(
        _ rules: [(column: Int, rule: ForeignValues.Rule)]
    ) -> [ForeignValues.Rule?] {
        let width = rules.map { $0.column + 1 }.max() ?? 0
        var byColumn = [ForeignValues.Rule?](repeating: nil, count: width)
        for (column, rule) in rules { byColumn[column] = rule }
        return byColumn
    }

    /// The block with other values in it; nil if every one fits.
    ///
    /// - Parameter block: whole rows.
    mutating func converted(
        _ block: UnsafeRawBufferPointer
    ) throws(ReplicationError) -> [UInt8]? {
        guard let base = block.baseAddress else { return nil }
        let rules = memchr(base, 0, block.count) == nil ? dayRules : rules
        guard !rules.isEmpty else { return nil }
        var result: [UInt8]?
        var (kept, start, column, end) = (0, 0, 0, 0)
        while end < block.count {
            if column == rules.count {
                guard let newline = memchr(base + end, 0x0A, block.count - end) else { break }
                end = UnsafeRawPointer(newline) - base + 1
                (start, column) = (end, 0)
                continue
            }
            let byte = block[end]
            guard byte == UInt8(ascii: "\t") || byte == UInt8(ascii: "\n") else {
                end += 1
                continue
            }
            if let rule = rules[column] {
                let field = UnsafeRawBufferPointer(rebasing: block[start..<end])
                let verdict = try values.judge(field, rule, column: column)
                if verdict != .fits {
                    result = (result ?? []) + block[kept..<start] + text(of: verdict)
                    kept = end
                }
            }
            end += 1
            (start, column) = (end, byte == UInt8(ascii: "\n") ? 0 : column + 1)
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
