import ReplicationEngine
import ReplicationModel

/// Rows of one snapshot on their way to all tables that they go to.
///
/// A connection takes rows of one table at a time. So those of the others are gathered, and written
/// between two blocks when there are many.
struct RowFanOut {
    private let applier: any ChangeApplier
    private let format: RowFormat
    private var outputs: [Output]
    /// Where rows are being written.
    private var current = 0

    private struct Output {
        var route: Int
        var copy: RowCopyTransform
        var gathered: [UInt8] = []
        var stored: Int64 = 0
        var isBegun = false
    }

    /// Bytes that are gathered, of all tables together (I6).
    private static let gatheredBytes = 4 << 20

    /// - Parameter evaluators: by route of the target's.
    init(
        _ applier: any ChangeApplier, _ evaluators: [(route: Int, evaluator: RowEvaluator)],
        format: RowFormat
    ) throws {
        self.applier = applier
        self.format = format
        outputs = evaluators.map { Output(route: $0.route, copy: RowCopyTransform($0.evaluator)) }
        try begin(0)
    }

    func close() { for output in outputs { output.copy.close() } }

    mutating func take(_ block: UnsafeRawBufferPointer) throws {
        let limit = Self.gatheredBytes / outputs.count
        for index in outputs.indices {
            if index == current {
                try outputs[index].copy.take(block) { try applier.writeRows($0) }
            } else {
                var gathered: [UInt8] = []
                swap(&gathered, &outputs[index].gathered)
                try outputs[index].copy.take(block) { gathered += $0 }
                swap(&gathered, &outputs[index].gathered)
            }
        }
        for index in outputs.indices where outputs[index].gathered.count > limit {
            try turn(to: index)
        }
    }

    /// How many rows of the source there were: those that do not pass count as stored.
    mutating func end() throws -> Int64 {
        // A table that is staged is begun even if nothing comes: rows of before go.
        for index in outputs.indices
        where !outputs[index].gathered.isEmpty || !outputs[index].isBegun {
            try turn(to: index)
        }
        outputs[current].stored += try applier.endRows()
        for output in outputs where output.stored != output.copy.rowsWritten {
            return output.copy.rowsRead - output.copy.rowsWritten + output.stored
        }
        return outputs[0].copy.rowsRead
    }

    private mutating func turn(to index: Int) throws {
        outputs[current].stored += try applier.endRows()
        try begin(index)
        try outputs[index].gathered.withUnsafeBytes { try applier.writeRows($0) }
        outputs[index].gathered.removeAll(keepingCapacity: true)
    }

    private mutating func begin(_ index: Int) throws {
        try applier.beginRows(
            route: outputs[index].route, format: format, isMore: outputs[index].isBegun)
        (current, outputs[index].isBegun) = (index, true)
    }
}
