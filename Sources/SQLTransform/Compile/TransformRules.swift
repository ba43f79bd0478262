import Crypto
import Foundation
import ReplicationEngine
import ReplicationModel

/// What a transform may not say although SQLite would run it.
extension TransformCompiler {
    // MARK: Names

    func refuseTwins(_ outputs: [Transform.Output]) throws {
        var seen: Set<String> = []
        for (index, output) in outputs.enumerated()
        where !seen.insert(output.column.name.lowercased()).inserted {
            throw failure(
                "two outputs are called \(output.column.name)",
                at: min(index, select.outputs.count - 1), try: "give one of them another name")
        }
    }

    /// What is said of an output must be about one.
    func refuseStrayNames(_ outputs: [Transform.Output]) throws {
        let names = outputs.map(\.column.name)
        let said = [
            "types": Set(definition.types.keys), "nondeterministic": definition.nondeterministic,
        ]
        for (key, stray) in said.sorted(by: { $0.key < $1.key }) {
            guard let name = stray.subtracting(names).min() else { continue }
            throw Self.failure(
                definition, "'\(key)' names \(name), which is no output", at: nil,
                try: Suggestion.nearest(to: name, among: names).map { "did you mean '\($0)'?" })
        }
        let passed = outputs.first { $0.passes != nil && definition.types[$0.column.name] != nil }
        if let name = passed?.column.name {
            throw Self.failure(
                definition, "'types' names \(name), which passes as it is, with its own type",
                at: nil, try: "CAST(... AS TEXT) AS \(name), or another expression")
        }
        if route.isKeyless, let name = definition.nondeterministic.min() {
            throw Self.failure(
                definition,
                "the table has no key, so that its rows are found by all values, and \(name) is "
                    + "not the same each time", at: nil, try: "leave the output \(name) out")
        }
    }

    // MARK: Time

    private static let dateFunctions: Set<String> = [
        "DATE", "TIME", "DATETIME", "JULIANDAY", "UNIXEPOCH", "STRFTIME",
    ]

    /// What asks for the time behind the parser's back stops the row (`StoppedClock`). The zone of
    /// the machine is another one on another machine.
    func refuseNow(_ range: Range<Int>, output index: Int? = nil) throws {
        let list = select.tokens.tokens
        for call in range where list[call].kind == .word {
            guard Self.dateFunctions.contains(list[call].text), call + 1 < range.upperBound,
                list[call + 1].isSymbol("("),
                let end = select.tokens.closing(call + 1, before: range.upperBound)
            else { continue }
            for token in call + 1..<end where list[token].kind == .string {
                let place = select.written.tokens[token].range.lowerBound
                switch list[token].text.lowercased() {
                case "'now'":
                    throw Self.failure(
                        definition, "'now' is another moment each time", at: place,
                        try: index == nil
                            ? "filter by the row's columns"
                            : "commit_time(), or name the output under 'nondeterministic:'")
                case "'localtime'", "'utc'":
                    throw Self.failure(
                        definition, "\(list[token].text) means the time zone of the machine",
                        at: place, try: "at_time_zone(time, 'Europe/Berlin')")
                default: break
                }
            }
        }
    }

    /// What speaks of the change is not the same when the row is looked for again.
    func refuseAboutChange(_ range: Range<Int>, _ remedy: String) throws {
        for token in select.written.tokens[range]
        where token.kind == .word && FunctionLibrary.aboutChange.contains(token.text.lowercased()) {
            throw Self.failure(
                definition, "\(token.text.lowercased())() speaks of a change, not of the row",
                at: token.range.lowerBound, try: remedy)
        }
    }

    // MARK: Secrets

    /// Those that it uses. A secret stands under `keys:`, since plan, errors and the target's state
    /// show the SQL, and goes nowhere but into a function that keeps it.
    func secrets() throws -> [String: String] {
        let list = select.tokens.tokens
        var (places, used) = ([Range<Int>](), [String: String]())
        for call in list.indices.dropLast() where list[call].kind == .word {
            guard FunctionLibrary.named(list[call].text)?.takesKey == true,
                let end = select.tokens.closing(call + 1, before: list.count),
                let key = select.tokens.split(call + 2..<end).dropFirst().first
            else { continue }
            places.append(key)
            try refuseLiteral(key)
        }
        for call in list.indices.dropLast()
        where list[call].isWord("KEY") && list[call + 1].isSymbol("(") {
            guard places.contains(where: { $0.contains(call) }) else {
                throw refusal("key() is for functions that take a key", at: call)
            }
            let name = try name(ofKey: call)
            used[name] = session.context.keys[name].map(Self.check)
        }
        return used
    }

    private func refuseLiteral(_ range: Range<Int>) throws {
        let list = select.tokens.tokens
        let columns = Set(route.columns.map { $0.name.lowercased() })
        let isNamed = range.contains {
            list[$0].isWord("KEY") || list[$0].isName && columns.contains(list[$0].name)
        }
        let literal = range.first { [.string, .blob, .number].contains(list[$0].kind) }
        if !isNamed, let literal {
            throw refusal(
                "a secret in the SQL is shown with it", at: literal,
                try: "keys: {pii: \"${PII_KEY}\"} at the top, and key('pii') here")
        }
    }

    private func name(ofKey call: Int) throws -> String {
        let list = select.tokens.tokens
        guard call + 3 < list.count, list[call + 2].kind == .string, list[call + 3].isSymbol(")")
        else { throw refusal("key() takes a name in quotes", at: call, try: "key('pii')") }
        let name = String(list[call + 2].text.dropFirst().dropLast())
        let known = session.context.keys.names
        guard known.contains(name) else {
            throw refusal(
                "there is no key '\(name)'", at: call + 2,
                try: Suggestion.nearest(to: name, among: known).map { "did you mean '\($0)'?" }
                    ?? "keys: {\(name): \"${...}\"} at the top")
        }
        return name
    }

    /// Enough to see that it is another one, too little to find it by.
    private static func check(_ secret: [UInt8]) -> String {
        let code = HMAC<SHA256>.authenticationCode(
            for: Array("martlet key check".utf8), using: SymmetricKey(data: secret))
        return code.prefix(4).map { String($0, radix: 16) }.joined(separator: ".")
    }

    private func refusal(
        _ why: String, at token: Int, try remedy: String? = nil
    ) -> ReplicationError {
        Self.failure(
            definition, why, at: select.written.tokens[token].range.lowerBound, try: remedy)
    }
}
