internal import ReplicationModel

extension BatchBuilder {
    /// The whole transactions; the open one, if any, is the start of the next batch.
    mutating func takeWhole() -> ChangeBatch {
        var taken = startBatch()
        endsInFiller = false
        guard let open else {
            forgetSlots()
            return taken
        }
        moveTail(of: &taken, from: open.first)
        restart(open) { fill in
            Fill(
                bytes: fill.bytes - open.first.bytes, values: fill.values - open.first.values,
                changes: fill.changes - open.first.changes,
                definitions: fill.definitions - open.first.definitions)
        }
        return taken
    }

    /// What there is of the open transaction, which is alone in the batch.
    mutating func takePart() -> ChangeBatch {
        guard var open else { return ChangeBatch() }
        var taken = startBatch()
        forgetSlots()
        var mark = open.mark
        mark.changes = 0..<taken.changes.count
        mark.isLastPart = false
        taken.transactions = [mark]
        open.mark.isFirstPart = false
        restart(open) { _ in nil }
        return taken
    }

    /// The open transaction now begins where the batch does.
    private mutating func restart(_ old: Open, _ move: (Fill) -> Fill?) {
        var open = old
        open.mark.changes = 0..<0
        open.first = Fill()
        open.savepoints = old.savepoints.map {
            Savepoint(name: $0.name, fill: $0.fill.flatMap(move))
        }
        self.open = open
    }

    /// Puts an empty batch in place of the one there is, and returns that.
    private mutating func startBatch() -> ChangeBatch {
        let wasFull = isFull
        var other = ChangeBatch()
        swap(&other, &batch)
        if wasFull {
            // The next one will be as large: growing step by step would copy it twice.
            batch.bytes.reserveCapacity(min(other.bytes.count + 4096, limits.bytes))
            batch.values.reserveCapacity(other.values.count + 64)
            batch.changes.reserveCapacity(other.changes.count + 1)
        }
        return other
    }

    /// Moves the open transaction out of `taken` to the front of the new batch.
    private mutating func moveTail(of taken: inout ChangeBatch, from first: Fill) {
        // Slots stay as they are: the new batch describes the same tables at the same indexes.
        batch.tables = taken.tables
        batch.append(taken, from: first)
        taken.bytes.removeSubrange(first.bytes...)
        taken.values.removeSubrange(first.values...)
        taken.changes.removeSubrange(first.changes...)
        taken.definitions.removeSubrange(first.definitions...)
    }
}
