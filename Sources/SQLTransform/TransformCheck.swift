import ReplicationEngine
package import ReplicationModel

/// Whether what the source's log carries is enough for a transform, and its snapshots tell enough.
package enum TransformCheck {
    /// - Parameter sees: whether snapshots of this source tell what they see.
    package static func findings(_ transform: Transform, sees: Bool) -> [Finding] {
        let table = transform.source.source
        let check = "transform of \(table.name)"
        var found: [Finding] = []
        if let why = lacking(transform) {
            found.append(
                Finding(
                    .refused, check, why, table: table.name, try: RowRefusal.fullImage(table)))
        }
        found +=
            transform.definition.mode.map { ModeCheck.findings($0, transform, sees: sees) } ?? []
        if table.foreignKeys.contains(where: {
            $0.unlogged?.effective(isOwn: $0.referenced == table.name) != nil
        }) {
            found.append(
                Finding(.refused, check, unfollowed, table: table.name, try: withoutTransform))
        }
        if transform.isGuarded {
            found.append(
                Finding(
                    .warning, check,
                    "other tables go to \(transform.target.target), too, and nothing in the key "
                        + "tells whose a row is: a second row of one key, and TRUNCATE, stop the "
                        + "run",
                    table: table.name, try: "'one' AS origin in the key, another in each SELECT"))
        }
        if !transform.isOneToOne, !sees {
            found.append(
                Finding(
                    .refused, check,
                    "two rows of the source may get one key, and this source's snapshots cannot "
                        + "tell them apart", table: table.name,
                    try: "pass the key columns through, or hash each of them alone"))
        } else if !transform.isOneToOne {
            found.append(
                Finding(
                    .warning, check,
                    "the target's key may be the same for two rows: the second one stops the run",
                    table: table.name))
        }
        found += warnings(transform).map {
            Finding(.warning, check, $0.why, table: table.name, try: $0.remedy)
        }
        if found.isEmpty {
            found.append(
                Finding(.ok, check, "to \(transform.target.target), \(words(transform))"))
        }
        return found
    }

    static let unfollowed =
        "a foreign key changes its rows without a word in the log; they would be looked for at the "
        + "target, which has what the transform makes of them"
    static let withoutTransform = "leave the table without a transform"

    private static func words(_ transform: Transform) -> String {
        let passed = transform.outputs.count { $0.passes != nil }
        let made = transform.outputs.count - passed
        let filter = transform.filteredBy.isEmpty ? "every row" : "filtered rows"
        return "\(filter), \(passed) columns as they are, \(made) made"
    }

    private static func warnings(_ transform: Transform) -> [(why: String, remedy: String)] {
        let inexact = transform.outputs.filter(isFloating).map(\.column.name)
        let table = transform.source.source
        var found: [(why: String, remedy: String)] = []
        if !inexact.isEmpty {
            found.append(
                (
                    "\(inexact.joined(separator: ", ")) is computed as SQLite computes: with "
                        + "64-bit floating point where a fraction is in it",
                    "decimal_add, decimal_sub, decimal_mul and decimal_div are exact"
                ))
        }
        if !table.dialect.isMySQLFamily, table.replicaIdentity != .full,
            let name = missedByKeyChange(transform)
        {
            found.append(
                (
                    "an update that changes the key and does not repeat a large value stops the "
                        + "run: \(name) is made of both", RowRefusal.fullImage(table)
                ))
        }
        return found
    }

    /// A decimal made with operators.
    private static func isFloating(_ output: Transform.Output) -> Bool {
        output.passes == nil && output.column.type.kind == .numeric
            && SQLTokens(output.expression).tokens.contains {
                $0.kind == .symbol && ["+", "-", "*", "/", "%"].contains($0.text)
            }
    }

    /// The first output of a large value, if the key is in it or decides whether the row passes.
    private static func missedByKeyChange(_ transform: Transform) -> String? {
        let key = Set(transform.source.key)
        return transform.outputs.first { output in
            let others = output.dependsOn.subtracting(key)
            guard others.contains(where: { mayBeUnchanged($0, transform) }) else { return false }
            return !transform.filteredBy.isEmpty || output.dependsOn.count > others.count
        }?.column.name
    }

    /// nil if the log has what is needed.
    private static func lacking(_ transform: Transform) -> String? {
        let table = transform.source.source
        // The connector refuses a server that logs parts of rows.
        guard !table.dialect.isMySQLFamily, table.replicaIdentity != .full else { return nil }
        let key = Set(transform.source.key)
        if !transform.filteredBy.isSubset(of: key), !transform.source.isKeyless {
            let names = transform.filteredBy.subtracting(key).sorted()
                .map { transform.source.columns[$0].name }.joined(separator: ", ")
            return "the filter needs old values of \(names), which the log does not carry"
        }
        for output in transform.outputs where output.passes == nil {
            let others = output.dependsOn.subtracting(key)
            guard others.count > 1, others.contains(where: { mayBeUnchanged($0, transform) }) else {
                continue
            }
            return "\(output.column.name) is made of several columns, and an update does not repeat"
                + " a large value that it leaves as it was"
        }
        return nil
    }

    /// Values that PostgreSQL may store out of line (P01): of types without a fixed size.
    static func mayBeUnchanged(_ column: Int, _ transform: Transform) -> Bool {
        switch transform.source.columns[column].type.kind {
        case .boolean, .int16, .int32, .int64, .oid, .float32, .float64, .money, .uuid, .date,
            .time, .timeWithZone, .timestamp, .timestampWithZone, .interval, .enumeration,
            .unsigned64, .duration, .year:
            false
        case .numeric, .text, .fixedText, .bytes, .json, .jsonBinary, .xml, .bits, .network, .array,
            .range, .composite, .caseInsensitiveText, .labelSet, .geometry, .vector, .other:
            true
        }
    }
}
