import ReplicationEngine
import ReplicationModel

/// One transform in one session: handed the fields of a row, hands on whether it passes and what
/// the expressions are. A projection without filter or expression asks nobody.
final class RowEvaluator {
    let transform: Transform
    private let session: TransformSession?
    private let forms: [OutputForm]
    /// By output: the row's column that it is, or -1.
    let passes: [Int]
    // What every row asks of the transform: a copy of that counts references, a dozen of them.
    let width: Int
    let isKeyless: Bool
    let needsWholeOldRow: Bool
    let sourceKey: [Int]
    let filteredBy: [Int]
    /// By output.
    let isInKey: [Bool]
    private let initials: [[UInt8]?]
    private let all: Program
    /// The filter and what the key is made of.
    private let key: Program
    let context: ChangeContext

    /// A statement for some of the outputs, and which of its results each of them is, or -1.
    private struct Program {
        var statement: TransformStatement?
        var results: [Int]
    }

    init(_ transform: Transform, keys: TransformKeys, sourceName: String) throws {
        self.transform = transform
        forms = transform.outputs.map { OutputForm($0.column.type) }
        passes = transform.outputs.map { $0.passes ?? -1 }
        width = transform.source.columns.count
        isKeyless = transform.target.isKeyless
        needsWholeOldRow = transform.needsWholeOldRow
        sourceKey = transform.source.key
        filteredBy = transform.filteredBy.sorted()
        isInKey = transform.outputs.indices.map(transform.target.key.contains)
        initials = transform.outputs.map(\.initial)
        guard transform.statement != nil else {
            let nothing = Program(results: passes.map { _ in -1 })
            (session, all, key, context) = (nil, nothing, nothing, ChangeContext())
            return
        }
        let session = try transform.openSession(keys)
        all = try Self.program(
            transform, Set(transform.outputs.indices), transform.statement, session)
        key = try Self.program(
            transform, Set(transform.target.key), transform.keyStatement, session)
        (self.session, context) = (session, session.context)
        context.sourceName = sourceName
    }

    private static func program(
        _ transform: Transform, _ outputs: Set<Int>, _ sql: String?, _ session: TransformSession
    ) throws -> Program {
        var (results, next) = ([Int](), 0)
        for (index, output) in transform.outputs.enumerated() {
            let isMade = !output.expression.isEmpty && outputs.contains(index)
            results.append(isMade ? next : -1)
            if isMade { next += 1 }
        }
        guard let sql else { return Program(results: results) }
        let extra = transform.definition.nondeterministic.isEmpty ? [] : TransformCompiler.clocks
        do {
            let made = try session.prepare(sql, allowing: extra)
            return Program(statement: made.statement, results: results)
        } catch {
            throw ReplicationError(
                .internalFault, "prepare a transform", table: transform.source.source.name,
                why: error.message)
        }
    }

    /// What is asked of a row: all of its outputs, or those of the key.
    enum Asked { case all, key }

    private func program(_ asked: Asked) -> Program { asked == .all ? all : key }

    /// Whether the row passes; then the outputs asked for can be appended until `finish`.
    func begin(
        _ asked: Asked = .all, _ field: (Int) -> RowField
    ) throws(RowRefusal) -> Bool {
        guard let session, let statement = program(asked).statement else { return true }
        var bytes = 0
        for column in session.row.fields.indices {
            session.row.fields[column] = field(column)
            bytes += max(0, session.row.fields[column].length)
        }
        session.beginEvaluation(rowBytes: bytes)
        let passes: Bool
        do throws(ValueRefusal) { passes = try statement.step() } catch {
            throw RowRefusal(context.time.isOver ? nil : culprit(asked), error)
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
    private func culprit(_ asked: Asked) -> String? {
        for (index, output) in transform.outputs.enumerated()
        where program(asked).results[index] >= 0 {
            let alone = try? session?.prepare(output.alone, allowing: TransformCompiler.clocks)
            do throws(ValueRefusal) {
                _ = try alone?.statement.step()
            } catch { return output.column.name }
        }
        return nil
    }

    /// Appends an expression's canonical text; false for NULL.
    func append(
        _ output: Int, _ asked: Asked = .all, to bytes: inout [UInt8]
    ) throws(ValueRefusal) -> Bool {
        if let initial = initials[output] {
            bytes += initial
            return true
        }
        let result = asked == .all ? all.results[output] : key.results[output]
        guard let statement = asked == .all ? all.statement : key.statement, result >= 0 else {
            return false
        }
        let start = bytes.count
        let isPresent = try forms[output].append(statement.output(result), to: &bytes)
        // Twice: hexadecimal digits of a blob.
        guard bytes.count - start <= 2 * context.valueLimit + 2 else {
            throw ValueRefusal("a value is far longer than the row that it is made of")
        }
        return isPresent
    }

    func finish(_ asked: Asked = .all) throws(ValueRefusal) {
        try program(asked).statement?.finish()
    }

    /// After an error.
    func abandon(_ asked: Asked = .all) { program(asked).statement?.reset() }
}
