internal import ReplicationModel

/// A foreign key's definition as `pg_get_constraintdef` writes it, in the parts that change when it
/// goes to another table: `FOREIGN KEY (a) REFERENCES public.t(b) MATCH FULL ON DELETE CASCADE`.
struct TargetForeignKey {
    /// `FOREIGN KEY (a)`
    private let columns: Substring
    /// `(b)`
    private let referencedColumns: Substring
    /// ` MATCH FULL ON DELETE CASCADE DEFERRABLE NOT VALID`
    private let rest: Substring

    /// Nil if `definition` is not of that form.
    init?(parsing definition: String) {
        guard let first = Self.group(in: definition[...]) else { return nil }
        columns = definition[..<first.upperBound]
        let tail = definition[first.upperBound...]
        guard tail.hasPrefix(" REFERENCES "), let second = Self.group(in: tail) else { return nil }
        referencedColumns = tail[second]
        rest = tail[second.upperBound...]
    }

    /// Makes the constraint for a target. Where triggers fire, it takes no action,
    /// because the source's log holds what the source's actions did (P68), and it can be deferred,
    /// because batches are not written in the source's order.
    func clause(referencing table: TableName, whereTriggersFire triggersFire: Bool) -> String {
        let head = "\(columns) REFERENCES \(table.quoted)\(referencedColumns)"
        guard triggersFire else { return head + rest }
        let kept = ["MATCH FULL", "NOT VALID"].filter { rest.contains($0) }
        let timing =
            rest.contains("INITIALLY DEFERRED")
            ? "DEFERRABLE INITIALLY DEFERRED" : "DEFERRABLE INITIALLY IMMEDIATE"
        return
            ([head] + kept.prefix { $0 == "MATCH FULL" } + [timing]
            + kept.filter { $0 == "NOT VALID" }).joined(separator: " ")
    }

    /// `PERIOD` and `NOT ENFORCED` came with 18.
    func isKnown(toVersion version: Int) -> Bool {
        version >= 180000
            || !(rest.contains("NOT ENFORCED") || columns.contains(", PERIOD ")
                || columns.contains("(PERIOD "))
    }

    /// The first parenthesis and what belongs to it, quoted identifiers skipped.
    private static func group(in text: Substring) -> Range<Substring.Index>? {
        var start: Substring.Index?
        var isQuoted = false
        for index in text.indices {
            switch text[index] {
            case "\"": isQuoted.toggle()
            case "(" where !isQuoted && start == nil: start = index
            case ")" where !isQuoted:
                guard let start else { return nil }
                return start..<text.index(after: index)
            default: continue
            }
        }
        return nil
    }
}
