internal import ReplicationModel

/// Decodes pgoutput, protocol versions 1 to 4, text values.
///
/// Source: PostgreSQL documentation, "Logical Replication Message Formats".
///
/// Handed: one message after the other. Hands on: transactions in `builder`, and an outcome that
/// says what else is to be done. No I/O: what belongs to an open streamed transaction is returned,
/// stored by the caller, and comes back between `beginReplay` and `endReplay`.
///
///     idle --B--> transaction --C--> idle     idle --beginReplay--> replay --endReplay--> idle
///       \--B--> skipped --C--> idle           idle --S--> stream --E--> idle;  c, A: idle
struct LogDecoder {
    private enum Phase {
        case idle
        case transaction(BeginMessage)
        /// Applied already (P18): only descriptions of tables are of use.
        case skipped(BeginMessage)
        case stream
        case replay(StreamCommitMessage)
    }

    enum Outcome {
        case consumed
        /// - inParts: it was the last part of a transaction that is delivered in several batches.
        case transactionEnded(inParts: Bool)
        case streamStarted(xid: UInt32)
        /// To be stored: the message is `type` and `body`, as it were outside a stream.
        case streamed(subxid: UInt32, type: UInt8, body: UnsafeRawBufferPointer)
        case streamStopped
        case streamAborted(StreamAbortMessage)
        case streamCommitted(StreamCommitMessage)
    }

    var builder: BatchBuilder
    private var relations = RelationCache()
    private var phase = Phase.idle
    private var streaming: StreamingMode
    /// Transactions whose commit record starts before it are not delivered.
    private var start: LogPosition
    /// End of the last transaction decoded; zero before the first.
    private(set) var lastEnd = LogPosition.zero
    /// Counts `R` messages; orders descriptions of a table by their arrival.
    private(set) var arrivals: UInt32 = 0

    init(start: LogPosition, streaming: StreamingMode, limits: BatchLimits) {
        self.start = start
        self.streaming = streaming
        builder = BatchBuilder(limits: limits)
    }

    var isIdle: Bool {
        if case .idle = phase { return true }
        return false
    }

    /// The stream begins anew: earlier transactions come again, tables are described again.
    mutating func restart(streaming: StreamingMode) {
        self.streaming = streaming
        start = max(start, lastEnd)
        lastEnd = .zero
        phase = .idle
        relations = RelationCache()
        builder.forgetSlots()
    }

    mutating func decode(_ message: UnsafeRawBufferPointer) throws(MalformedMessage) -> Outcome {
        var reader = MessageReader(message)
        let type = try reader.uint8()
        switch phase {
        case .transaction(let begin): return try inTransaction(type, &reader, begin)
        case .replay: return try inReplay(type, &reader, arrival: arrivals)
        case .skipped(let begin): return try inSkipped(type, &reader, begin)
        case .stream: return try inStream(type, &reader)
        case .idle: return try whenIdle(type, &reader)
        }
    }
}

// MARK: Phases

extension LogDecoder {
    private mutating func whenIdle(
        _ type: UInt8, _ reader: inout MessageReader
    ) throws(MalformedMessage) -> Outcome {
        switch type {
        case UInt8(ascii: "B"): try begin(&reader)
        case UInt8(ascii: "S"):
            let start = try StreamStartMessage(&reader)
            phase = .stream
            return .streamStarted(xid: start.xid)
        case UInt8(ascii: "c"):
            let commit = try StreamCommitMessage(&reader)
            try checkOrder(commit.commitPosition)
            return .streamCommitted(commit)
        case UInt8(ascii: "A"):
            return .streamAborted(try StreamAbortMessage(&reader, streaming: streaming))
        case UInt8(ascii: "M"):
            // Only a message outside any transaction comes here: nobody's state (P31).
            let record = try LogicalMessageRecord(&reader)
            guard !record.isTransactional else { throw .outOfPlace(type) }
        case UInt8(ascii: "R"): try relation(&reader)
        case UInt8(ascii: "Y"): try TypeMessage.pass(&reader)
        default: throw Self.refusal(type)
        }
        return .consumed
    }

    private mutating func inTransaction(
        _ type: UInt8, _ reader: inout MessageReader, _ begin: BeginMessage
    ) throws(MalformedMessage) -> Outcome {
        switch type {
        case UInt8(ascii: "I"): try builder.insert(&reader, relations)
        case UInt8(ascii: "U"): try builder.update(&reader, relations)
        case UInt8(ascii: "D"): try builder.delete(&reader, relations)
        case UInt8(ascii: "T"): try builder.truncate(&reader, relations)
        case UInt8(ascii: "M"): try logicalMessage(&reader)
        case UInt8(ascii: "R"): try relation(&reader)
        case UInt8(ascii: "Y"): try TypeMessage.pass(&reader)
        case UInt8(ascii: "O"): try OriginMessage.pass(&reader)
        case UInt8(ascii: "C"):
            let end = try self.end(&reader, begin)
            return .transactionEnded(inParts: builder.end(at: end))
        default: throw Self.refusal(type)
        }
        return .consumed
    }

    private mutating func inSkipped(
        _ type: UInt8, _ reader: inout MessageReader, _ begin: BeginMessage
    ) throws(MalformedMessage) -> Outcome {
        switch type {
        case UInt8(ascii: "R"): try relation(&reader)
        case UInt8(ascii: "C"): _ = try end(&reader, begin)
        case UInt8(ascii: "I"), UInt8(ascii: "U"), UInt8(ascii: "D"), UInt8(ascii: "T"),
            UInt8(ascii: "M"), UInt8(ascii: "Y"), UInt8(ascii: "O"):
            break
        default: throw Self.refusal(type)
        }
        return .consumed
    }

    private mutating func inStream(
        _ type: UInt8, _ reader: inout MessageReader
    ) throws(MalformedMessage) -> Outcome {
        switch type {
        case UInt8(ascii: "I"), UInt8(ascii: "U"), UInt8(ascii: "D"), UInt8(ascii: "T"),
            UInt8(ascii: "M"), UInt8(ascii: "R"), UInt8(ascii: "Y"):
            if type == UInt8(ascii: "R") { arrivals &+= 1 }
            let subxid = try reader.uint32()
            let body = UnsafeRawBufferPointer(rebasing: reader.bytes[reader.offset...])
            return .streamed(subxid: subxid, type: type, body: body)
        case UInt8(ascii: "O"):
            // The only one in a stream without xid.
            try OriginMessage.pass(&reader)
            return .consumed
        case UInt8(ascii: "E"):
            try reader.finish()
            phase = .idle
            return .streamStopped
        default: throw Self.refusal(type)
        }
    }

    private mutating func inReplay(
        _ type: UInt8, _ reader: inout MessageReader, arrival: UInt32
    ) throws(MalformedMessage) -> Outcome {
        switch type {
        case UInt8(ascii: "I"): try builder.insert(&reader, relations)
        case UInt8(ascii: "U"): try builder.update(&reader, relations)
        case UInt8(ascii: "D"): try builder.delete(&reader, relations)
        case UInt8(ascii: "T"): try builder.truncate(&reader, relations)
        case UInt8(ascii: "M"): try logicalMessage(&reader)
        case UInt8(ascii: "R"): define(try RelationMessage.table(&reader), arrival: arrival)
        case UInt8(ascii: "Y"): try TypeMessage.pass(&reader)
        default: throw Self.refusal(type)
        }
        return .consumed
    }

    private static func refusal(_ type: UInt8) -> MalformedMessage {
        switch type {
        case UInt8(ascii: "b"), UInt8(ascii: "P"), UInt8(ascii: "K"), UInt8(ascii: "r"),
            UInt8(ascii: "p"):
            .twoPhase(type)
        case UInt8(ascii: "B"), UInt8(ascii: "C"), UInt8(ascii: "O"), UInt8(ascii: "R"),
            UInt8(ascii: "Y"), UInt8(ascii: "I"), UInt8(ascii: "U"), UInt8(ascii: "D"),
            UInt8(ascii: "T"), UInt8(ascii: "M"), UInt8(ascii: "S"), UInt8(ascii: "E"),
            UInt8(ascii: "c"), UInt8(ascii: "A"):
            .outOfPlace(type)
        default: .unknownMessage(type)
        }
    }
}

// MARK: Replay of a streamed transaction

extension LogDecoder {
    mutating func beginReplay(_ commit: StreamCommitMessage) {
        relations.beginReplay()
        builder.forgetSlots()
        builder.begin(
            xid: commit.xid, commit: commit.commitPosition, end: commit.endPosition,
            time: commit.commitTime)
        phase = .replay(commit)
    }

    /// - Parameter arrival: the value of `arrivals` when the message came.
    mutating func replay(
        _ message: UnsafeRawBufferPointer, arrival: UInt32
    ) throws(MalformedMessage) {
        var reader = MessageReader(message)
        let type = try reader.uint8()
        _ = try inReplay(type, &reader, arrival: arrival)
    }

    /// Whether the transaction was delivered in several batches.
    mutating func endReplay() -> Bool {
        guard case .replay(let commit) = phase else { return false }
        phase = .idle
        relations.commitReplay()
        builder.forgetSlots()
        lastEnd = commit.endPosition
        return builder.end(at: commit.endPosition)
    }

    /// Whether a streamed transaction was applied already (P18).
    func isOld(_ commit: StreamCommitMessage) -> Bool { commit.commitPosition < start }

    /// A streamed transaction that is not replayed still moves the order check on.
    mutating func pass(_ commit: StreamCommitMessage) { lastEnd = commit.endPosition }
}

// MARK: Messages

extension LogDecoder {
    private mutating func begin(_ reader: inout MessageReader) throws(MalformedMessage) {
        let begin = try BeginMessage(&reader)
        try checkOrder(begin.commitPosition)
        guard begin.commitPosition >= start else {
            phase = .skipped(begin)
            return
        }
        builder.begin(
            xid: begin.xid, commit: begin.commitPosition, end: .zero, time: begin.commitTime)
        phase = .transaction(begin)
    }

    private mutating func end(
        _ reader: inout MessageReader, _ begin: BeginMessage
    ) throws(MalformedMessage) -> LogPosition {
        let commit = try CommitMessage(&reader)
        guard commit.commitPosition == begin.commitPosition else {
            throw .commitOfAnother(begin: begin.commitPosition, commit: commit.commitPosition)
        }
        lastEnd = commit.endPosition
        phase = .idle
        return commit.endPosition
    }

    /// Commit records do not overlap: what the whole pipeline orders by (I4) must be in order here.
    private func checkOrder(_ commit: LogPosition) throws(MalformedMessage) {
        guard commit >= lastEnd else { throw .notInCommitOrder(commit, after: lastEnd) }
    }

    private mutating func logicalMessage(_ reader: inout MessageReader) throws(MalformedMessage) {
        let record = try LogicalMessageRecord(&reader)
        if record.isOurs { builder.message(record.content) }
    }

    private mutating func relation(_ reader: inout MessageReader) throws(MalformedMessage) {
        arrivals &+= 1
        define(try RelationMessage.table(&reader), arrival: arrivals)
    }

    private mutating func define(_ table: LoggedTable, arrival: UInt32) {
        if relations.table(table.id) != table { builder.forgetSlot(of: table.id) }
        relations.define(table, arrival: arrival)
    }
}
