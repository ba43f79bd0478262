import ReplicationEngine
import ReplicationModel

/// One row of a change as a row of the target's.
extension ChangeTransform {
    /// nil: the row does not pass.
    mutating func image(
        _ start: Int32, _ evaluator: RowEvaluator, _ asked: RowEvaluator.Asked, keepsKey: Bool
    ) throws -> Int32? {
        let first = Int(start)
        let row = source.values[first..<first + evaluator.width]
        let isWhole = !row.contains(where: \.isUnchanged)
        if !isWhole,
            evaluator.filteredBy.contains(where: { row[first + $0].isUnchanged })
        {
            throw RowRefusal.noBeforeImage
        }
        guard try evaluator.begin(asked, { [memory] in field(row[first + $0], memory) }) else {
            return nil
        }
        defer { evaluator.abandon(asked) }
        let result = Int32(batch.values.count)
        for (index, column) in evaluator.passes.enumerated() {
            if asked == .key, !evaluator.isInKey[index] {
                batch.values.append(.null)
            } else if column >= 0 {
                batch.values.append(row[first + column])
            } else if try !isWhole && isUnchanged(index, row, evaluator, keepsKey: keepsKey) {
                batch.values.append(.unchanged)
            } else {
                batch.values.append(try value(index, evaluator, asked))
            }
        }
        do throws(ValueRefusal) { try evaluator.finish(asked) } catch {
            throw RowRefusal(nil, error)
        }
        return result
    }

    private func field(_ value: Value, _ memory: UnsafeRawBufferPointer) -> RowField {
        RowField(
            start: value.isPresent ? memory.baseAddress.map { $0 + Int(value.offset) } : nil,
            length: Int(value.length))
    }

    /// An expression of nothing but values that the log did not repeat, and of the key if that is
    /// what it was, is what it was.
    private func isUnchanged(
        _ index: Int, _ row: ArraySlice<Value>, _ evaluator: RowEvaluator, keepsKey: Bool
    ) throws -> Bool {
        let output = evaluator.transform.outputs[index]
        let unchanged = output.dependsOn.filter { row[row.startIndex + $0].isUnchanged }
        guard !unchanged.isEmpty else { return false }
        let others = output.dependsOn.subtracting(unchanged)
        guard others.isEmpty || keepsKey && others.isSubset(of: Set(evaluator.transform.source.key))
        else {
            throw RowRefusal(output.column.name, .mixesUnchanged)
        }
        return true
    }

    private mutating func value(
        _ index: Int, _ evaluator: RowEvaluator, _ asked: RowEvaluator.Asked
    ) throws -> Value {
        let start = batch.bytes.count
        do throws(ValueRefusal) {
            guard try evaluator.append(index, asked, to: &batch.bytes) else { return .null }
            guard batch.bytes.count <= UInt32.max else {
                throw ValueRefusal("a batch of changes grows beyond 4 GB")
            }
        } catch { throw RowRefusal(evaluator.transform.outputs[index].column.name, error) }
        return Value(offset: UInt32(start), length: Int32(batch.bytes.count - start))
    }
}
