internal import ReplicationModel

/// Which target types hold every value of a source type, exactly.
///
/// Only what is certain: assignment between other types rounds or truncates without a word
/// (`numeric(12,4)` into `numeric(12,2)`, `float4` into `float8`). Both declarations are
/// PostgreSQL's own, as `format_type` writes them.
enum TargetTypes {
    static func holds(_ target: String, everyValueOf source: String) -> Bool {
        if bare(source) == bare(target) { return true }
        let (from, to) = (Declaration(source), Declaration(target))
        guard from.dimensions == to.dimensions else { return false }
        if from == to { return true }
        switch (from.name, to.name) {
        case ("smallint", "integer"), ("smallint", "bigint"), ("integer", "bigint"): return true
        case ("character varying", "text"), ("text", "character varying"): return to.length == nil
        case ("character varying", "character varying"):
            guard let room = to.length else { return true }
            return from.length.map { $0 <= room } ?? false
        case ("numeric", "numeric"): return to.length == nil
        case ("json", "text"): return true
        default: return isTimestamp(to.name, widerThan: from.name)
        }
    }

    /// Without the quotes that a name does not need: whether the server writes them depends on its
    /// list of words.
    private static func bare(_ name: String) -> String {
        name.replacing(/"([a-z_][a-z0-9_]*)"/) { String($0.output.1) }
    }

    /// `timestamp(3) without time zone` in parts: without precision it holds six digits.
    private static func isTimestamp(_ target: Substring, widerThan source: Substring) -> Bool {
        let form = /timestamp(?:\(([0-6])\))? (with|without) time zone/
        guard let to = target.wholeMatch(of: form)?.output,
            let from = source.wholeMatch(of: form)?.output, to.2 == from.2
        else { return false }
        return (to.1.flatMap { Int($0) } ?? 6) >= (from.1.flatMap { Int($0) } ?? 6)
    }

    /// `character varying(30)[]` in parts.
    private struct Declaration: Equatable {
        var name: Substring
        /// The first modifier: length, or precision.
        var length: Int?
        var modifiers: Substring = ""
        var dimensions = 0

        init(_ text: String) {
            var rest = text[...]
            while rest.hasSuffix("[]") {
                rest = rest.dropLast(2)
                dimensions += 1
            }
            name = rest
            guard rest.last == ")", let open = rest.lastIndex(of: "(") else { return }
            name = rest[..<open]
            modifiers = rest[rest.index(after: open)...].dropLast()
            length = modifiers.split(separator: ",").first.flatMap { Int($0) }
        }
    }
}
