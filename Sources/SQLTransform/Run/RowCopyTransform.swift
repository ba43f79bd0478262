import ReplicationEngine
import ReplicationModel

/// Rows of a snapshot: blocks of COPY text with the source's columns become blocks with the
/// target's.
struct RowCopyTransform {
    private let evaluator: RowEvaluator
    private var fields: [RowField]
    private var scratch = UnsafeMutableRawBufferPointer.allocate(byteCount: 0, alignment: 1)
    private var text: [UInt8] = []
    private var output: [UInt8] = []
    /// Whole rows are handed on when they are that many bytes: expressions may make much of little.
    private static let blockBytes = 1 << 20
    private(set) var rowsRead: Int64 = 0
    private(set) var rowsWritten: Int64 = 0

    init(_ evaluator: RowEvaluator) {
        self.evaluator = evaluator
        fields = Array(repeating: .null, count: evaluator.transform.source.columns.count)
        evaluator.context.beginLoad()
    }

    func close() { scratch.deallocate() }

    /// - Parameter handOn: takes a block of whole rows, which is valid inside of it.
    mutating func take(
        _ block: UnsafeRawBufferPointer, _ handOn: (UnsafeRawBufferPointer) throws -> Void
    ) throws {
        if scratch.count < block.count {
            scratch.deallocate()
            scratch = .allocate(byteCount: block.count, alignment: 1)
        }
        var reader = CopyTextReader(block, columns: fields.count, scratch: scratch)
        do {
            while try reader.nextRow({ column, bytes in
                fields[column] =
                    bytes.map { RowField(start: $0.baseAddress, length: $0.count) } ?? .null
            }) {
                rowsRead += 1
                try write(block)
                if output.count >= Self.blockBytes { try flush(handOn) }
            }
            if !output.isEmpty { try flush(handOn) }
        } catch let fault as CopyTextFault {
            throw ReplicationError(
                .protocolViolation, "transform rows",
                table: evaluator.transform.source.source.name, why: fault.reason)
        } catch let refusal as RowRefusal {
            throw refusal.failure(evaluator.transform, nil)
        }
    }

    private mutating func flush(_ handOn: (UnsafeRawBufferPointer) throws -> Void) throws {
        try output.withUnsafeBytes(handOn)
        output.removeAll(keepingCapacity: output.capacity <= 4 * Self.blockBytes)
    }

    private mutating func write(_ block: UnsafeRawBufferPointer) throws {
        guard try evaluator.begin(.all, { [fields] in fields[$0] }) else { return }
        defer { evaluator.abandon() }
        for (index, column) in evaluator.passes.enumerated() {
            if index > 0 { output.append(UInt8(ascii: "\t")) }
            if column >= 0 { pass(fields[column], block) } else { try write(index) }
        }
        do throws(ValueRefusal) { try evaluator.finish() } catch { throw RowRefusal(nil, error) }
        output.append(UInt8(ascii: "\n"))
        rowsWritten += 1
    }

    private mutating func write(_ index: Int) throws {
        text.removeAll(keepingCapacity: true)
        do throws(ValueRefusal) {
            guard try evaluator.append(index, to: &text) else { return output += Self.null }
        } catch { throw RowRefusal(evaluator.transform.outputs[index].column.name, error) }
        text.withUnsafeBytes { CopyTextWriter.append($0, to: &output) }
    }

    private static let null = Array("\\N".utf8)

    /// A field that stands in the block had no escapes, and needs none.
    private mutating func pass(_ field: RowField, _ block: UnsafeRawBufferPointer) {
        guard field.isPresent else { return output += Self.null }
        guard let start = field.start, let first = block.baseAddress else { return }
        if start >= first, start < first + block.count {
            output += field.bytes
        } else {
            CopyTextWriter.append(field.bytes, to: &output)
        }
    }
}
