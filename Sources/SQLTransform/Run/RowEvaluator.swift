import ReplicationEngine
import ReplicationModel

/// One transform in one session: handed the fields of a row, hands on whether it passes and what
/// the expressions are. A projection without filter or expression asks nobody.
final class RowEvaluator {
    let transform: Transform
    private let session: TransformSession?
    private let statement: TransformStatement?
    private let forms: [OutputForm]
    /// By output: the row's column that it is, or -1.
    let passes: [Int]
    /// By output: the results of the statement, or -1.
    private let results: [Int]
    let context: ChangeContext

    init(_ transform: Transform, keys: TransformKeys, sourceName: String) throws {
        self.transform = transform
        forms = transform.outputs.map { OutputForm(kind: $0.column.type.kind) }
        passes = transform.outputs.map { $0.passes ?? -1 }
        results = transform.outputs.map { $0.result ?? -1 }
        guard let sql = transform.statement else {
            (session, statement, context) = (nil, nil, ChangeContext())
            return
        }
        let session = try transform.openSession(keys)
        do {
            let extra =
                transform.definition.nondeterministic.isEmpty ? [] : TransformCompiler.clocks
            statement = try session.prepare(sql, allowing: extra).statement
        } catch {
            throw ReplicationError(
                .internalFault, "prepare a transform", table: transform.source.source.name,
                why: error.message)
        }
        (self.session, context) = (session, session.context)
        context.sourceName = sourceName
    }

    /// Whether the row passes; then its outputs can be appended until `finish`.
    func begin(_ field: (Int) -> RowField) throws(RowRefusal) -> Bool {
        guard let session, let statement else { return true }
        for column in session.row.fields.indices { session.row.fields[column] = field(column) }
        let passes: Bool
        do throws(ValueRefusal) { passes = try statement.step() } catch {
            throw RowRefusal(culprit(), error)
        }
        guard !session.clock.takeWasAsked() else {
            statement.reset()
            throw RowRefusal(
                nil,
                ValueRefusal(
                    "it asks for the current time, which is another one each time",
                    try: "name the output under 'nondeterministic:', or use commit_time()"))
        }
        if !passes { statement.reset() }
        return passes
    }

    /// The first output that fails by itself; nil if it is the filter.
    private func culprit() -> String? {
        for output in transform.outputs where output.passes == nil {
            let alone = try? session?.prepare(output.alone, allowing: TransformCompiler.clocks)
            do throws(ValueRefusal) {
                _ = try alone?.statement.step()
            } catch { return output.column.name }
        }
        return nil
    }

    /// Appends an expression's canonical text; false for NULL.
    func append(_ output: Int, to bytes: inout [UInt8]) throws(ValueRefusal) -> Bool {
        guard let statement, results[output] >= 0 else { return false }
        return try forms[output].append(statement.output(results[output]), to: &bytes)
    }

    func finish() throws(ValueRefusal) { try statement?.finish() }

    /// After an error.
    func abandon() { statement?.reset() }
}
