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
        restart(open) { $0 - open.first }
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
    private mutating func restart(_ old: Open, _ move: (ChangeBatch.Extent) -> ChangeBatch.Extent?)
    {
        var open = old
        open.mark.changes = 0..<0
        open.first = ChangeBatch.Extent()
        open.savepoints = old.savepoints.map {
            Savepoint(name: $0.name, place: $0.place.flatMap(move))
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
    private mutating func moveTail(of taken: inout ChangeBatch, from first: ChangeBatch.Extent) {
        // Slots stay as they are: the new batch describes the same tables at the same indexes.
        batch.tables = taken.tables
        batch.append(taken, from: first)
        taken.cut(to: first)
    }
}
