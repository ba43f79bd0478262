import ReplicationEngine
import ReplicationModel

/// The target's key: a function of the source's key, one to one
/// (docs/decisions/why-transforms-run-on-the-source-row).
struct TransformKey {
    private let compiler: TransformCompiler

    init(_ compiler: TransformCompiler) { self.compiler = compiler }

    /// Indices into the outputs.
    func columns(_ outputs: [Transform.Output]) throws -> [Int] {
        let route = compiler.route
        guard let names = compiler.definition.key else {
            return try route.key.map { column in
                if let index = outputs.firstIndex(where: { $0.passes == column }) { return index }
                throw TransformCompiler.failure(
                    compiler.definition,
                    "no output is the key column \(route.columns[column].name)", at: 0,
                    try: "select it as it is, or name the target's key under 'key:'")
            }
        }
        guard !route.isKeyless else {
            throw TransformCompiler.failure(
                compiler.definition, "the table has no key that a key could be made of", at: nil,
                try: "remove 'key:'")
        }
        guard !names.isEmpty, Set(names).count == names.count else {
            throw TransformCompiler.failure(
                compiler.definition,
                names.isEmpty ? "the key has no columns" : "the key names a column twice", at: nil)
        }
        return try names.map { try column(named: $0, outputs) }
    }

    private func column(named name: String, _ outputs: [Transform.Output]) throws -> Int {
        guard let index = outputs.firstIndex(where: { $0.column.name == name }) else {
            let near = Suggestion.nearest(to: name, among: outputs.map(\.column.name))
            throw TransformCompiler.failure(
                compiler.definition, "the key column \(name) is no output", at: nil,
                try: near.map { "did you mean '\($0)'?" })
        }
        let route = compiler.route
        guard outputs[index].dependsOn.isSubset(of: Set(route.key)) else {
            let list = route.keyColumns.map(\.name).joined(separator: ", ")
            throw TransformCompiler.failure(
                compiler.definition,
                "the key column \(name) is made of other columns than the source's key (\(list))",
                at: nil, try: "make the key of \(list) and constants")
        }
        guard !compiler.definition.nondeterministic.contains(name) else {
            throw TransformCompiler.failure(
                compiler.definition, "the key column \(name) is not the same each time", at: nil)
        }
        return index
    }

    /// Every column of the source's key is in the target's, or a function of it alone that no two
    /// values share a result of.
    func isOneToOne(_ outputs: [Transform.Output], key: [Int]) -> Bool {
        let kept = key.flatMap { index -> [Int] in
            if let column = outputs[index].passes { return [column] }
            return isInjective(outputs[index]) ? Array(outputs[index].dependsOn) : []
        }
        return Set(compiler.route.key).isSubset(of: kept)
    }

    private func isInjective(_ output: Transform.Output) -> Bool {
        let tokens = SQLTokens(output.expression)
        let inference = TypeInference(tokens: tokens, columns: [:])
        let range = inference.withoutName(0..<tokens.tokens.count)
        guard range.count >= 4, output.dependsOn.count == 1, output.lookups.isEmpty,
            FunctionLibrary.named(tokens.tokens[0].text)?.isInjective == true,
            tokens.closing(1, before: range.upperBound) == range.upperBound - 1,
            let first = tokens.split(2..<range.upperBound - 1).first
        else { return false }
        return tokens.tokens[first].allSatisfy { $0.isName || $0.isSymbol(".") }
    }
}
